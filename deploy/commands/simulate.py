"""``vigil simulate``: recordings of real patients through the whole path."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def register(app: typer.Typer) -> None:
    @app.command()
    def simulate(
        replay: Annotated[Path, typer.Option(help="folder with recordings (bidmc_*_Numerics.csv)", show_default=False)],
        speed: Annotated[float, typer.Option(min=0.1, max=100, help="1: in real time")] = 1.0,
        limit: Annotated[int | None, typer.Option(min=1, help="only the first so many recordings")] = None,
        home: Annotated[Path | None, typer.Option(help="the folder that keeps its data", show_default=False)] = None,
        database: Annotated[str | None, typer.Option(help="a TimescaleDB to use instead of the embedded PostgreSQL")] = None,
        stay: Annotated[bool, typer.Option(help="keep running until Ctrl-C once all is stored")] = False,
    ) -> None:
        """Play recorded patients as wearables: over MQTT to a gateway, Kafka, a worker and the database.

        Fails if a sample that was played is not stored exactly once.

        Example: vigil simulate --replay ../shared/data/bidmc --speed 20
        """
        from deploy.demo.installation import default_home
        from deploy.demo.replay import Options
        from deploy.demo.replay import replay as play

        options = Options(replay, home or default_home("replay"), speed, limit, database, stay)
        asyncio.run(play(options, Console()))
