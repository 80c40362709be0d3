"""``vigil demo``: everything at once on this machine."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console


def register(app: typer.Typer) -> None:
    @app.command()
    def demo(
        seconds: Annotated[
            float | None, typer.Option("--for", min=1, help="end after so many seconds, with a simulated nurse")
        ] = None,
        summary: Annotated[Path | None, typer.Option(help="write the result as JSON (with --for)")] = None,
        home: Annotated[Path | None, typer.Option(help="the folder that keeps its data", show_default=False)] = None,
    ) -> None:
        """Run the whole path on this machine with simulated patients: servers, gateways, worker, notifier, desk.

        Within 90 s one patient deteriorates, one sensor falls off and one home loses its network and comes back.
        Ctrl-C ends everything; the data stays.  With --for the run ends by itself.  It fails if an acknowledged sample is
        not stored, or an expected alarm is missing or doubled.

        Examples: vigil demo, vigil demo --for 90 --summary out/summary.json
        """
        from deploy.demo.installation import default_home
        from deploy.demo.plan import DEMO
        from deploy.demo.run import Demo, Options

        options = Options(home or default_home("demo"), seconds, summary)
        asyncio.run(Demo(DEMO, options, Console()).run())
