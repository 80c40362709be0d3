"""``vigil desk``: the nurse's desk and the gateways' API."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    @app.command()
    def desk() -> None:
        """Serve the desk and the gateways' API on VIGIL_DESK_HOST:VIGIL_DESK_PORT (default 127.0.0.1).

        Settings come from the environment: VIGIL_DATABASE, VIGIL_KAFKA, VIGIL_MASTER_KEY_FILE, VIGIL_DESK_…

        Example: VIGIL_DESK_PORT=8080 vigil desk
        """
        from psycopg.conninfo import conninfo_to_dict

        from alerts.desk.settings import DeskSettings

        settings = DeskSettings()
        conninfo_to_dict(settings.database)  # else the desk would try for ever, as if the database were away

        import uvicorn

        from alerts.desk.app import build
        from alerts.desk.web.serving import server_config
        from deploy.logs import configure
        from deploy.port import check_port

        check_port(settings.host, settings.port, "VIGIL_DESK_PORT")
        configure()
        server = uvicorn.Server(server_config(settings, build(settings)))
        server.run()
        if not server.started:  # it has said why
            raise typer.Exit(3)
