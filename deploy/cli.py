"""The command ``vigil``: the one place where all rooms meet."""

from __future__ import annotations

import os
import sys
from typing import Final

# Before numpy is first imported: two spinning BLAS threads make rollups seven times dearer.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer
from pydantic import ValidationError

from deploy.commands import (
    demo,
    desk,
    doctor,
    gateway,
    grafana,
    migrate,
    notify,
    pair,
    rejected,
    simulate,
    worker,
)
from deploy.errors import explained

COMMANDS: Final = (demo, simulate, gateway, worker, desk, notify, migrate, rejected, grafana, doctor)

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
for each in COMMANDS:
    each.register(app)
app.add_typer(pair.app, name="pair")


def main() -> None:
    """Run a command; whatever a user can mend ends with one sentence that says how, and status 2 (settings) or 1."""
    try:
        app()
    except ValidationError as error:
        print(explained(error), file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        sentence = explained(error)
        if sentence is None or os.environ.get("VIGIL_TRACEBACK"):
            raise
        print(sentence, file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
