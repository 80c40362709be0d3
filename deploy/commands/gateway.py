"""``vigil gateway``: the gateway in a home, and at the server the register of gateways."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from typing import Annotated

import typer

from deploy.acting import AsJson, By, author, transaction, write_down
from deploy.printed import print_record, print_table

app = typer.Typer()
Number = Annotated[int, typer.Argument(help="the gateway's number", show_default=False)]


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="gateway", invoke_without_command=True)


@app.callback()
def gateway(context: typer.Context) -> None:
    """Run the gateway of a home: listen to its wearables, keep their readings, send them on.

    Claim it first: vigil pair claim CODE --desk URL.
    Settings come from the environment: VIGIL_GATEWAY_…

    The commands below look after gateways at the server, with its settings.

    Example: VIGIL_GATEWAY_STATE=/var/lib/vigil vigil gateway
    """
    if context.invoked_subcommand is not None:
        return
    from deploy.logs import configure
    from deploy.port import check_port
    from gateway.run import run
    from gateway.settings import GatewaySettings

    async def until_stopped() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await run(settings, stop=stop)

    settings = GatewaySettings()
    check_port("127.0.0.1", settings.metrics_port, "VIGIL_GATEWAY_METRICS_PORT")
    configure()
    asyncio.run(until_stopped())


@app.command("list")
def show_all(as_json: AsJson = False) -> None:
    """At the server: list the gateways, also revoked ones, with how many patients each serves.

    Example: vigil gateway list
    """
    from alerts.care.registers import gateways

    with transaction() as (tx, _):
        found = gateways(tx)
    print_table(found, as_json=as_json, empty="There is no gateway yet: add one with vigil pair gateway.")


@app.command()
def show(number: Number, as_json: AsJson = False) -> None:
    """At the server: show a gateway and the wearables it listens to, each with what it found wrong in the last two days.

    Example: vigil gateway show 1
    """
    from alerts.care.registers import gateway as known_of

    with transaction() as (tx, _):
        record = known_of(tx, number)
    print_record(record, as_json=as_json)


@app.command()
def revoke(number: Number, by: By) -> None:
    """At the server: end a gateway that was stolen or is no longer used.  Its credential and keys end now.

    This cannot be undone, and its wearables are heard no more: give them to another gateway with vigil gateway replace.

    Example: vigil gateway revoke 1 --by m.testova
    """
    from alerts.care.gateways import revoke_gateway
    from alerts.care.registers import gateway as known_of

    with transaction() as (tx, _):
        who = author(tx, by)
        revoke_gateway(tx, number, who)
        write_down(tx, who, "gateway.revoked", f"gateway:{number}")
        left = known_of(tx, number)
    print(f"gateway {number} is revoked: nothing that it sends from now on is taken")
    if left["devices"]:
        print(
            f"Its {left['patients']} patients are not watched now. Set another gateway up (vigil pair gateway), then run"
            f" vigil gateway replace {number} NEW --by {by}"
        )


@app.command()
def replace(
    old: Annotated[int, typer.Argument(help="the gateway that is no longer there", show_default=False)],
    new: Annotated[int, typer.Argument(help="the one that takes its place", show_default=False)],
    by: By,
) -> None:
    """At the server: give all wearables of one gateway to another one, for the same patients, from now on.

    Undo: the same with both numbers exchanged, unless the old one is revoked.

    Example: vigil gateway replace 1 2 --by m.testova
    """
    from alerts.care.gateways import replace_gateway

    with transaction() as (tx, master):
        who = author(tx, by)
        moved = replace_gateway(tx, master, old, new, datetime.now(UTC), who)
        write_down(tx, who, "gateway.replaced", f"gateway:{old}", by_gateway=new, devices=moved)
    print(f"gateway {new} listens to {len(moved)} wearables of gateway {old} now")
