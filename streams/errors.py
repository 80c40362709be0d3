"""What can go wrong in the worker.  Bad records are no errors: they are :class:`streams.engine.round.Rejection`.

StreamsError
├── TopicMissingError    the topic is not there, or not as this program needs it
├── BrokersAwayError     no broker answered while the worker started
├── GapError             the log skipped records (stock transport only; the ledger transport goes back)
└── WorkerFailedError    something nobody thought of: the process ends, a supervisor starts it again
"""

from __future__ import annotations


class StreamsError(Exception):
    """The worker cannot go on; the message says what to do."""


class TopicMissingError(StreamsError):
    """The topic does not exist, or has another number of partitions or another kind of timestamp."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"The topic {topic} {reason}: create it as `vigil demo` and the deployment notes do.")
        self.topic, self.reason = topic, reason


class BrokersAwayError(StreamsError):
    """No broker answered."""

    def __init__(self, bootstrap: str, seconds: float) -> None:
        super().__init__(f"Kafka at {bootstrap} did not answer in {seconds:.0f} s: check VIGIL_KAFKA and that it runs.")
        self.bootstrap = bootstrap


class GapError(StreamsError):
    """Records were skipped between what the ledger names next and what arrived."""

    def __init__(self, partition: int, expected: int, arrived: int) -> None:
        super().__init__(f"Partition {partition} continues at offset {arrived}, not at {expected}: use transport=ledger.")
        self.partition, self.expected, self.arrived = partition, expected, arrived


class WorkerFailedError(StreamsError):
    """An error nobody thought of; its own message is in the log."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"The worker stopped on {type(error).__name__}: start it again, and report what its log says.")


class UnknownVersionError(StreamsError):
    """A package whose insides are overridden is installed in another version than the one they were read in."""

    def __init__(self, package: str, found: str, pinned: str) -> None:
        super().__init__(f"{package} {found} is installed, the worker needs {pinned}: run make setup.")
        self.package, self.found, self.pinned = package, found, pinned
