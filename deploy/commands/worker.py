"""``vigil worker``: one stream worker."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    @app.command()
    def worker() -> None:
        """Run one stream worker: open, evaluate, store.

        Settings come from the environment: VIGIL_DATABASE, VIGIL_KAFKA, VIGIL_MASTER_KEY_FILE, VIGIL_WORKER_…
        Start as many as there are cores; Kafka spreads the partitions among them.

        Example: VIGIL_KAFKA=127.0.0.1:9092 VIGIL_DATABASE=postgresql://… vigil worker
        """
        from psycopg.conninfo import conninfo_to_dict

        from streams.worker.settings import WorkerSettings

        settings = WorkerSettings()
        conninfo_to_dict(settings.database)  # reported at once, not after waiting for the brokers

        from alerts.fold.fold import fold_conditions
        from alerts.rules.stages import stages
        from deploy.logs import configure
        from deploy.port import check_port
        from streams.worker.worker import run

        check_port("127.0.0.1", settings.metrics_port, "VIGIL_WORKER_METRICS_PORT")
        configure()
        run(settings, stages(), fold_conditions)
