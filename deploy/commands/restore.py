"""``vigil restore``: the database from a dump, and what the log must be told after it."""

from __future__ import annotations

import shutil
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import psycopg
import typer
from psycopg.types.json import Jsonb

from alerts.control.restored import Renewed, begin_new_epoch
from deploy.errors import DeployError
from deploy.schema.migrate import migrate
from deploy.settings import ServerSettings

if TYPE_CHECKING:
    from alerts.database import Tx

_ENDING_S: Final = 3.0
"""The time in which the sessions of programs that were just stopped end."""
_RUNNING: Final = """
SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND application_name LIKE 'vigil%'"""


def register(app: typer.Typer) -> None:
    @app.command()
    def restore(
        dump: Annotated[Path | None, typer.Argument(help="a dump by pg_dump --format=custom", show_default=False)] = None,
        after: Annotated[bool, typer.Option("--after", help="another tool has restored the database already")] = False,
        yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    ) -> None:
        """Restore the database from a dump, and send again what the log must be told.

        First stop the workers, the desk and the notifier.  What the database holds is replaced by the dump.  Then a new
        desk epoch begins, so that no change is taken for one from before; the current limits, facts, consents, enrolments
        and pauses of all patients go to the log again; sessions end, and gateways fetch their configuration.  With --after
        only this is done.

        Examples: vigil restore vigil.dump; vigil restore --after
        """
        if after == (dump is not None):
            raise DeployError("Name the dump, or say --after once another tool has restored the database.")
        settings = ServerSettings()
        if dump is not None:
            _check(settings, dump)
            if not yes:
                typer.confirm("This replaces all that the database holds. Restore?", abort=True)
            _replace(settings, dump)
        migrate(settings.database)
        with psycopg.connect(settings.database, connect_timeout=10) as tx:
            done = begin_new_epoch(tx, "vigil restore")
            audit = "INSERT INTO audit (person, action, detail) VALUES (0, 'database.restored', %s)"
            tx.execute(audit, [Jsonb({"epoch": done.epoch})])
            print(_report(tx, settings.topic, done))


def _check(settings: ServerSettings, dump: Path) -> None:
    if not dump.is_file():
        raise DeployError(f"There is no file {dump}: name the dump.")
    if shutil.which("pg_restore") is None:
        raise DeployError(
            "The program pg_restore is missing: install PostgreSQL's client programs, or restore by other means and run"
            " vigil restore --after."
        )
    end = time.monotonic() + _ENDING_S
    with psycopg.connect(settings.database, connect_timeout=10, autocommit=True) as db:
        while (row := db.execute(_RUNNING).fetchone()) and row[0] and time.monotonic() < end:
            time.sleep(0.2)
    if row and row[0]:
        raise DeployError(f"{row[0]} sessions of Vigil's programs use this database: stop worker, desk and notifier first.")


def _replace(settings: ServerSettings, dump: Path) -> None:
    with psycopg.connect(settings.database, connect_timeout=10, autocommit=True) as db:
        timescale = db.execute("SELECT FROM pg_extension WHERE extname = 'timescaledb'").fetchone() is not None
        if timescale:
            db.execute("SELECT timescaledb_pre_restore()")
    words = ["pg_restore", "--no-owner", "--clean", "--if-exists", "--single-transaction", "--exit-on-error"]
    done = subprocess.run(
        [*words, "--dbname", settings.database, str(dump)], capture_output=True, text=True, check=False,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if timescale:
        with psycopg.connect(settings.database, connect_timeout=10, autocommit=True) as db:
            db.execute("SELECT timescaledb_post_restore()")
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[0]
        raise DeployError(f"pg_restore failed ({last}): nothing was changed. Mend this, then run vigil restore again.")


def _report(tx: Tx, topic: str, done: Renewed) -> str:
    """The acts that were done, and those that people must do again."""
    row: Any = tx.execute("SELECT min(last_append) FROM ledger WHERE topic = %s", [topic]).fetchone()
    stands = row[0] if row else None
    since = f"{stands.astimezone(UTC):%Y-%m-%d %H:%M} UTC" if isinstance(stands, datetime) else "its dump"
    return (
        f"The desk's epoch is {done.epoch} now. {done.records} records about patients go to the log again once vigil notify"
        f" runs; {done.sessions} sessions have ended; {done.gateways} gateways fetch their configuration.\n"
        f"The database stands at {since}. The workers read what the log holds since then, readings and alarms come back by"
        " themselves.\n"
        "Do again what people did at the desk since then: limits, facts, consent, pauses, outcomes of alarms, passwords.\n"
        "Admit again who was admitted since then, and pair again the gateways and wearables that were set up since then:"
        " their keys are lost, and their records are refused.\n"
        "Then start vigil worker, vigil desk and vigil notify, and run vigil doctor."
    )
