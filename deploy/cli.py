"""The command ``vigil``: the one place where all rooms meet."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final

# Before numpy is first imported: two spinning BLAS threads make rollups seven times dearer.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer

COMMANDS: Final = (
    "demo", "simulate", "gateway", "worker", "desk", "notify",
    "migrate", "maintain", "pair", "rejected", "grafana", "doctor",
)  # fmt: skip
"""In the order of the help; each is a module of ``deploy.commands`` with ``register(app)``."""


def build(commands: Sequence[str]) -> typer.Typer:
    """The application with these commands; the others' modules are not imported, which halves the start."""
    app = typer.Typer(
        name="vigil",
        help="Remote patient monitoring: wearables, home gateways, Kafka, Faust, TimescaleDB and a nurse's desk.\n\n"
        "Start with: vigil demo",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_nothing)  # else a single command would swallow its own name
    for name in commands:
        import_module(f"deploy.commands.{name}").register(app)
    return app


def _nothing() -> None:
    pass


def main() -> None:
    """Run a command; whatever a user can mend ends with one sentence that says how, and status 1."""
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    try:
        build([wanted] if wanted in COMMANDS else COMMANDS)()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        from deploy.errors import explained

        sentence = explained(error)
        if sentence is None or os.environ.get("VIGIL_TRACEBACK"):
            raise
        print(sentence, file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
