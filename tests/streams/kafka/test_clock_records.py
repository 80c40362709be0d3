"""Clock records: the thread that appends them goes on, whatever goes wrong with one."""

from __future__ import annotations

import time

from confluent_kafka import KafkaError, KafkaException

from streams.kafka.clock_records import ClockRecords


class Client:
    """A producer that fails in each way once, and then takes what it gets."""

    def __init__(self) -> None:
        self.errors: list[Exception] = [
            KafkaException(KafkaError(KafkaError._UNKNOWN_PARTITION)),
            BufferError(),
            RuntimeError(),
        ]
        self.taken: list[int] = []

    def produce(self, topic: str, value: bytes, key: bytes, *, partition: int, on_delivery: object) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append(partition)

    def poll(self, seconds: float) -> None:
        time.sleep(min(seconds, 0.01))

    def flush(self, seconds: float) -> int:
        return 0

    def purge(self) -> None:
        pass


def test_no_error_of_a_client_ends_the_clock() -> None:
    records = ClockRecords("127.0.0.1:1", "topic", lambda: {3})
    client = records._producer = Client()
    records.start()
    end = time.monotonic() + 20
    while not client.taken and time.monotonic() < end:
        time.sleep(0.02)
    assert client.taken
    assert client.taken[0] == 3
    assert records._thread.is_alive()
    records.stop()
    assert not records._thread.is_alive()
