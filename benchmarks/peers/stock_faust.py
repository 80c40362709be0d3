"""Stock Faust: its own transport, ``async for event in stream.events()``, an event a message.

As in Faust's user guide, "Agents: The Stream" and "Streams: events()"; raw bytes and msgspec instead of ``faust.Record``,
which costs more.  Offsets are committed as by default.
"""

from __future__ import annotations

import sys
from typing import Any

import faust

from benchmarks.peers.notes import Orders


def faust_app(group: str, kafka: str, folder: str, transport: str = "aiokafka", **options: float) -> Any:
    """A Faust app without tables and web server that reads existing topics from the earliest record on."""
    return faust.App(
        group,
        broker=[f"{transport}://{kafka}"],
        store="memory://",
        datadir=folder,
        consumer_auto_offset_reset="earliest",
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
        **options,
    )


def topic_of(app: Any, name: str, value_type: Any = bytes, value_serializer: str = "raw") -> Any:
    """A topic of raw keys and, by default, raw values."""
    return app.topic(name, key_type=bytes, key_serializer="raw", value_type=value_type, value_serializer=value_serializer)


def start(app: Any) -> None:
    """Run the app's worker as Faust's command line does."""
    sys.argv = ["faust", "worker", "-l", "error", "--without-web"]
    app.main()


def main() -> None:
    orders = Orders()
    job, app = orders.job, faust_app(orders.group, orders.kafka, orders.folder)

    @app.agent(topic_of(app, orders.topic))  # type: ignore[untyped-decorator]
    async def watch(stream: Any) -> None:
        begun = False
        async for event in stream.events():
            if not begun:
                begun = True
                orders.done(0)
            job.take(event.value, round(event.message.timestamp * 1000))
            orders.done(1)

    start(app)


if __name__ == "__main__":
    main()
