"""``vigil grafana``: dashboards, provisioning and the role Grafana reads with."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Final

import psycopg
import typer

from deploy.errors import DeployError

_PASSWORD: Final = "VIGIL_GRAFANA_PASSWORD"  # noqa: S105  the name of a variable


def register(app: typer.Typer) -> None:
    @app.command()
    def grafana(
        folder: Annotated[Path, typer.Argument(help="where Grafana's provisioning files go", show_default=False)],
        database: Annotated[str, typer.Option(envvar="VIGIL_DATABASE", help="PostgreSQL URL of Vigil", show_default=False)],
        served_from: Annotated[str | None, typer.Option(help="that folder as Grafana sees it, if mounted elsewhere")] = None,
    ) -> None:
        """Write the dashboards (ward, patient) and their provisioning into FOLDER, and let Grafana's role sign in.

        The role's password comes from VIGIL_GRAFANA_PASSWORD, which Grafana needs in its environment as well.

        Example: VIGIL_GRAFANA_PASSWORD=… vigil grafana /etc/grafana/provisioning
        """
        from deploy.grafana import DataSource, let_in, write

        password = os.environ.get(_PASSWORD)
        if not password:
            raise DeployError(f"Set {_PASSWORD} to the password Grafana reads the database with.")
        with psycopg.connect(database, connect_timeout=10) as db:
            let_in(db, password)
        write(folder, DataSource.of(database), served_from=served_from)
        print(f"Written to {folder}: start Grafana with it and with {_PASSWORD} in its environment.")
