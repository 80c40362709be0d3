"""The command ``vigil``: the one place where all rooms meet."""

from __future__ import annotations

import os
import sys
from collections.abc import Collection
from importlib import import_module, metadata
from importlib.util import find_spec
from typing import Annotated, Final

# Before numpy is first imported: two spinning BLAS threads make rollups seven times dearer.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import typer

from deploy.plain_numbers import take_plain_numbers

COMMANDS: Final = {
    "demo": "Run the whole path on this machine with simulated patients: servers, gateways, worker, notifier, desk.",
    "simulate": "Play recorded patients as wearables: over MQTT to a gateway, Kafka, a worker and the database.",
    "gateway": "Run the gateway of a home: listen to its wearables, keep their readings, send them on.",
    "worker": "Run one stream worker: open, evaluate, store.",
    "desk": "Serve the desk and the gateways' API on VIGIL_DESK_HOST:VIGIL_DESK_PORT (default 127.0.0.1).",
    "notify": "Run the notifier: send, repeat and escalate until someone acts; relay control records to the log.",
    "migrate": "Create or bring up to date Vigil's tables.",
    "maintain": "Write the hourly rollups of changed minutes, and drop what is too old: readings, refused records, scans.",
    "topic": "Create the log's topic with the settings that Vigil needs.",
    "pair": "Admit patients, add homes and wearables, claim a gateway.",
    "patient": "Look patients up, import a ward, change facts and identity, discharge, readmit, pause rules.",
    "rota": "See and set who is on duty in a care team and who is called after whom.",
    "alarm": "See open alarms and act on them: one patient, one act.",
    "person": "Look people up, change name, role and password, stop and let them sign in.",
    "team": "Look care teams up, change members and the channels that tell them.",
    "rules": "Check a rule file, show and apply rule sets, and say who applied which one when and why.",
    "replay": "Replay recorded patients with other rules: how often they would have called, and which episodes they lose.",
    "evaluate": "Evaluate rule sets on recorded patients: how often they call, whom they find, what they miss.",
    "mqtt": "Check what an MQTT device's messages mean to the gateway; docs/mqtt.md says what a device sends.",
    "mapping": "Try a mapping, which says in TOML what a foreign MQTT device's messages mean (docs/mqtt.md).",
    "device": "Look wearables up, change name and interval.",
    "shift": "Hand a shift over: what is open, what occurred, who takes it.",
    "report": "Days with readings, minutes of care, calls and answers, alarms that were false; as CSV or JSON.",
    "rejected": "List what was refused, with its reason, and try it again.",
    "grafana": "Write the dashboards (ward, patient) and their provisioning into FOLDER, and let Grafana's role sign in.",
    "restore": "Restore the database from a dump, and send again what the log must be told.",
    "doctor": "Check key file, database, Kafka, ledger and lag, homes and notifier; say what to do.",
}
"""The commands in the order of the help.  Each is a module of ``deploy.commands`` with ``register(app)``."""


def build(commands: Collection[str]) -> typer.Typer:
    """The application with these commands in full.  The others have their line of help only: their modules take a second."""
    app = typer.Typer(
        name="vigil",
        help="Remote patient monitoring: wearables, home gateways, Kafka, Faust, TimescaleDB and a nurse's desk.\n\n"
        "Start with: vigil demo",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="markdown",
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_options)
    for name, help_line in COMMANDS.items():
        if name in commands:
            import_module(f"deploy.commands.{_module(name)}").register(app)
        else:
            app.command(name, help=help_line)(_nothing)
    return app


def _module(name: str) -> str:
    """The module of a command.  The server's doctor looks at nothing that a gateway has: there it is the gateway's own."""
    if name != "doctor" or "VIGIL_DATABASE" in os.environ:
        return name
    return name if "VIGIL_GATEWAY_STATE" not in os.environ and find_spec("psycopg") is not None else "gateway_doctor"


def _nothing() -> None:
    pass


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"vigil {metadata.version('vigil-rpm')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Show the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    pass


def main() -> None:
    """Run a command.  An error that a user can mend ends with one sentence that says how, and status 1."""
    words = sys.argv[1:]
    completed = os.environ.get("COMP_WORDS") or os.environ.get("_TYPER_COMPLETE_ARGS", "")  # the line that a shell completes
    try:
        take_plain_numbers(typer.main.get_command(build(words or completed.split())))()
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except Exception as error:
        from deploy.errors import explained

        sentence = explained(error, " ".join(words[:2]))
        if sentence is None or os.environ.get("VIGIL_TRACEBACK"):
            raise
        print(sentence, file=sys.stderr)
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
