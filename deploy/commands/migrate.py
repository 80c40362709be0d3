"""``vigil migrate``: bring a database to the present schema."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    @app.command()
    def migrate(
        database: Annotated[str, typer.Option(envvar="VIGIL_DATABASE", help="PostgreSQL URL", show_default=False)],
    ) -> None:
        """Create or bring up to date Vigil's tables.

        Plain PostgreSQL and TimescaleDB alike; may be run at every start.

        Example: vigil migrate --database postgresql://vigil@127.0.0.1/vigil
        """
        from deploy.schema.migrate import migrate as apply

        done = apply(database)
        print("\n".join(f"applied {name}" for name in done) or "The schema is up to date.")
        if any(name.startswith("0001") for name in done):
            print("Next, once: vigil topic create")
