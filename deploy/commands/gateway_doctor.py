"""``vigil doctor`` on a gateway, also as ``vigil gateway doctor``; and what nobody could use."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from deploy.acting import AsJson


def register(to: typer.Typer) -> None:
    to.command()(doctor)


def doctor(as_json: AsJson = False) -> None:
    """On the gateway: check radio, broker, clock, disk, outbox, Kafka, the desk and its certificate; say what to do.

    Ends with status 1 if anything is wrong.  The desk shows the same under Administration, Gateways.

    Example: vigil gateway doctor
    """
    from rich.console import Console

    from deploy.finding import Finding
    from deploy.logs import warnings_only
    from gateway.health.checks import checks
    from gateway.settings import GatewaySettings

    settings = GatewaySettings()
    with warnings_only():
        found = asyncio.run(checks(settings, running=False))
    if as_json:
        print(msgspec.json.encode(found).decode())
    else:
        console = Console()
        for one in found:
            console.print(str(Finding(one.ok, one.what, one.cure)), highlight=False, soft_wrap=True)
    raise typer.Exit(0 if all(one.ok for one in found) else 1)


def refused(
    limit: Annotated[int, typer.Option(help="at most so many, the newest", min=1, max=10_000)] = 20,
    as_json: AsJson = False,
) -> None:
    """On the gateway: list what nobody could use, with its reason and its bytes: undecodable messages, and readings that the
    log refused for good.

    They stay in the gateway, and may hold values of patients.

    Example: vigil gateway refused --limit 5
    """
    from deploy.errors import DeployError
    from deploy.printed import print_table
    from gateway.outbox.refusals import Refusals
    from gateway.outbox.vault import Vault
    from gateway.settings import GatewaySettings

    settings = GatewaySettings()
    path, key = settings.state / "outbox.sqlite", settings.outbox_key or settings.state / "outbox.key"
    try:
        db = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)
        try:
            found = Refusals.newest(db, Vault(key.read_bytes() if key.exists() else None), limit)
        finally:
            db.close()
    except sqlite3.Error as error:
        raise DeployError(
            f"{path} cannot be read ({error}): check VIGIL_GATEWAY_STATE, and that you are its user."
        ) from None
    rows: list[dict[str, Any]] = [
        {
            "at": datetime.fromtimestamp(one.at / 1000, UTC),
            "source": one.source,
            "device": one.device,
            "reason": one.reason,
            "bytes": one.data.hex(),
        }
        for one in found
    ]
    print_table(rows, as_json=as_json, empty="Everything could be used.")
