"""``vigil device``: look wearables up, and change their name and interval."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.acting import By, author, transaction, write_down
from deploy.errors import DeployError
from deploy.look_up import add_list, add_show

app = typer.Typer(help="Look wearables up, change name and interval.", no_args_is_help=True)
Number = Annotated[int, typer.Argument(help="the wearable's number", show_default=False)]


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="device")


add_list(app, "device", "List the wearables, and who wears each now.", "vigil pair device")
add_show(app, "device", "Show a wearable, whom it has measured, and what it last said of itself.", Number, "3")


@app.command()
def change(
    number: Number,
    by: By,
    name: Annotated[str | None, typer.Option(help="what it is, such as 'chest belt'", show_default=False)] = None,
    interval: Annotated[
        int | None,
        typer.Option(min=0, help="seconds between its readings; 0: when the patient measures", show_default=False),
    ] = None,
) -> None:
    """Correct a wearable's name, or how often it reports: from that follows after which silence it counts as lost.

    Undo: give the former name or interval again.  To give it to somebody else: vigil pair move.

    Example: vigil device change 3 --interval 300 --by m.testova
    """
    from alerts.care.devices import change_device

    if name is None and interval is None:
        raise DeployError("Name what has changed: --name or --interval.")
    with transaction() as (tx, _):
        who = author(tx, by)
        change_device(tx, number, name, interval, who)
        write_down(tx, who, "device.changed", f"device:{number}", interval_s=interval)
    print(f"device {number} is changed")
