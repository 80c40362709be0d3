"""The Faust app around the loop: it reports partitions, and hands over what the transport reads."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

import faust
import structlog

from streams.kafka.transport import NAME, register
from streams.worker.loop import Loop
from streams.worker.settings import WorkerSettings

ANSWER_S: Final = 10.0
"""A broker may take so long to answer; one that vanished without a word never does."""
METADATA_MS: Final = 10_000
"""The interval at which leaders and topic are looked up; a topic that went and came would else be missed for minutes."""
LEAVE_S: Final = 25.0
"""A worker may take so long to stop: with the brokers away the consumer would ask to leave its group for ever."""

_log = structlog.get_logger(__name__)


class _App(faust.App):  # type: ignore[misc]
    def _create_directories(self) -> None:
        """None: there are no tables, and Faust would leave a folder wherever a worker is started."""


class Process(faust.Worker):  # type: ignore[misc]
    """Faust's worker, which ends in time also where brokers or database let nobody leave in order."""

    async def stop(self) -> None:
        threading.Thread(target=self._end, name="ending", daemon=True).start()
        await super().stop()

    @staticmethod
    def _end() -> None:
        time.sleep(LEAVE_S)
        _log.warning("ended without leaving the group: the brokers or the database are away")
        os._exit(0)  # nothing is lost: the ledger stands where the last round was committed


def make_app(settings: WorkerSettings, loop: Loop, fail: Callable[[BaseException], None], stop: threading.Event) -> Any:
    """A Faust app that reads by the ledger transport and runs ``loop``.  An error ends the process by ``fail``; ``stop`` is
    set once the loop has ended.

    Raises:
        UnknownVersionError: Faust or aiokafka is another one than the transport overrides.
    """
    codec = register()
    app = _App(
        settings.group,
        broker=[f"{NAME}://{address}" for address in settings.kafka.split(",")],
        store="memory://",
        broker_session_timeout=settings.session_s,
        broker_heartbeat_interval=settings.session_s / 12,
        broker_request_timeout=max(ANSWER_S, settings.session_s),
        consumer_metadata_max_age_ms=METADATA_MS,
        broker_commit_interval=1.0,
        broker_max_poll_records=settings.round_records,
        consumer_auto_offset_reset="earliest",
        consumer_max_fetch_size=1 << 20,
        stream_wait_empty=False,
        topic_disable_leader=True,
        topic_allow_declare=False,
        web_enabled=False,
    )
    app.reader = loop
    topic = app.topic(loop.topic, key_type=bytes, key_serializer="raw", value_type=None, value_serializer=codec)

    @app.agent(topic, concurrency=1)  # type: ignore[untyped-decorator]
    async def receive(stream: Any) -> None:
        async for event in stream.noack().events():
            try:
                loop.receive(event.value)
                event.ack()  # Consumer.stored() says which offsets are done
            except Exception as error:
                fail(error)

    @app.task  # type: ignore[untyped-decorator]
    async def rounds() -> None:
        try:
            await loop.run()
        except Exception as error:
            fail(error)
        finally:
            await loop.finish()
            stop.set()

    @app.on_partitions_assigned.connect  # type: ignore[untyped-decorator]
    async def assigned(_app: Any, assigned: Iterable[Any], **_: Any) -> None:
        loop.assign(frozenset(tp.partition for tp in assigned if tp.topic == loop.topic))

    @app.on_partitions_revoked.connect  # type: ignore[untyped-decorator]
    async def revoked(_app: Any, _revoked: Iterable[Any], **_: Any) -> None:
        loop.revoke()

    return app
