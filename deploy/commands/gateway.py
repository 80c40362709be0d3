"""``vigil gateway``: the gateway in a home, and at the server the register of gateways."""

from __future__ import annotations

import asyncio
import signal
from datetime import UTC, datetime
from typing import Annotated

import typer

from deploy.acting import By, author, transaction, write_down
from deploy.commands.gateway_doctor import doctor, refused
from deploy.look_up import add_list, add_show

app = typer.Typer()
Number = Annotated[int, typer.Argument(help="the gateway's number", show_default=False)]


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="gateway", invoke_without_command=True)


@app.callback()
def gateway(context: typer.Context) -> None:
    """Run the gateway of a home: listen to its wearables, keep their readings, send them on.

    Claim it first: vigil pair claim CODE --desk URL.
    Settings come from the environment: VIGIL_GATEWAY_…

    doctor and refused look at this gateway; the other commands below look after gateways at the server, with its settings.

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


app.command()(doctor)
app.command()(refused)
add_list(
    app,
    "gateway",
    "At the server: list the gateways, also revoked ones, with how many patients each serves.",
    "vigil pair gateway",
)
add_show(app, "gateway", "At the server: show a gateway and the wearables it listens to.", Number, "1")


@app.command()
def zone(
    number: Number, name: Annotated[str, typer.Argument(help="such as Europe/Berlin", show_default=False)], by: By
) -> None:
    """At the server: set the time zone of the home, whose local time cuffs and thermometers send.

    The gateway knows it within seconds.  Undo: name the former zone again.

    Example: vigil gateway zone 1 Europe/Berlin --by m.testova
    """
    from alerts.care.gateways import set_zone

    with transaction() as (tx, _):
        who = author(tx, by)
        set_zone(tx, number, name)
        write_down(tx, who, "gateway.zone", f"gateway:{number}", zone=name)
    print(f"gateway {number}: the home's time is that of {name}")


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
