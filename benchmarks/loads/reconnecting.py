"""Many gateways' connections in one process: each a producer with the real gateway's options.  Commands come as lines.

``send``: a record from each, then a JSON line with the seconds until each was acknowledged.  ``beat N``: the same, N times a
second apart; a line at the end.  ``end``: the end.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any, Final

from confluent_kafka import Producer

from devices.wire.batch import PARTITIONS
from gateway.uplink.producer import _BASE

RECORD: Final = bytes(56 + 4 * 16 + 16)
"""A record of the length of a sealed batch of one reading of four vitals."""
_DONE_S: Final = 120.0


def send(clients: list[Any], topic: str, begin: float) -> list[float]:
    """Seconds from ``begin`` (wall clock) until each record was acknowledged; NaN for those that were not in time."""
    acked = [float("nan")] * len(clients)
    left = len(clients)

    def noting(n: int) -> Any:
        def note(error: Any, _message: Any) -> None:
            nonlocal left
            left -= 1
            if error is None:
                acked[n] = time.time() - begin

        return note

    for n, client in enumerate(clients):
        client.produce(topic, RECORD, partition=n % PARTITIONS, on_delivery=noting(n))
    end = time.time() + _DONE_S
    while left and time.time() < end:
        for client in clients:
            client.poll(0)
        time.sleep(0.002)
    return acked


def main() -> None:
    options, count, topic = json.loads(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    clients: list[Any] = []
    for line in sys.stdin:
        what, *rest = line.split()
        begin = time.time()
        if what == "end":
            break
        if not clients:
            clients = [Producer({**options, **_BASE}) for _ in range(count)]
        if what == "beat":
            for nth in range(int(rest[0])):
                time.sleep(max(0.0, begin + nth - time.time()))
                acked = send(clients, topic, time.time())
        else:
            acked = send(clients, topic, begin)
        sys.stdout.write(json.dumps(acked) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
