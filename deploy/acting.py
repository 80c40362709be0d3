"""The parts that every command shares that changes people, patients or homes: its transaction, its author, and the audit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from deploy.errors import DeployError
from deploy.settings import ServerSettings
from devices.wire.keys import read_master_key

if TYPE_CHECKING:
    from alerts.database import Tx


By = Annotated[str, typer.Option("--by", help="your sign-in", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="as JSON, for programs")]


@contextmanager
def transaction() -> Iterator[tuple[Tx, bytes]]:
    """One transaction of the database in the settings, and the master key; an error undoes all of it."""
    import psycopg

    from devices.database_session import session_options

    settings = ServerSettings()
    with psycopg.connect(settings.database, **session_options("vigil command", statement_s=60)) as tx:  # type: ignore[arg-type]
        yield tx, read_master_key(settings.master_key_file)


def author(tx: Tx, sign_in: str) -> int:
    """The number of the person who acts.

    Raises:
        DeployError: nobody who may act has this sign-in.
    """
    row = tx.execute("SELECT person, disabled FROM person WHERE sign_in = %s", [sign_in.strip().casefold()]).fetchone()
    if row is None:
        raise DeployError(f"Nobody signs in as {sign_in}: add them with vigil pair person.")
    if row[1] is not None:
        raise DeployError(f"{sign_in} is disabled and cannot act: name another person with --by.")
    return int(row[0])


def person_named(tx: Tx, sign_in: str) -> int:
    """The number of a person who is spoken of, disabled or not.

    Raises:
        DeployError: nobody has this sign-in.
    """
    row = tx.execute("SELECT person FROM person WHERE sign_in = %s", [sign_in.strip().casefold()]).fetchone()
    if row is None:
        raise DeployError(f"Nobody signs in as {sign_in}: see vigil person list.")
    return int(row[0])


def write_down(tx: Tx, by: int, action: str, subject: str, **detail: object) -> None:
    """Store in the audit who did what; no names and no values."""
    from psycopg.types.json import Jsonb

    tx.execute(
        "INSERT INTO audit (person, action, subject, detail) VALUES (%s, %s, %s, %s)", [by, action, subject, Jsonb(detail)]
    )
