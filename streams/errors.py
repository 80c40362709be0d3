"""What can go wrong in the worker.  Bad records are no errors: they are :class:`streams.round.Rejection`.

StreamsError
├── MasterKeyError       the file of the master key is missing, open to others, or of another size
├── TopicMissingError    the topic is not there, or not as this program needs it
├── BrokersAwayError     no broker answered while the worker started
├── GapError             the log skipped records (stock transport only; the ledger transport goes back)
├── NotTakenError        a round holds records of a partition the engine was not given
├── StateUnreadableError a snapshot is damaged or of another version
└── WorkerFailedError    something nobody thought of: the process ends, a supervisor starts it again
"""

from __future__ import annotations

from pathlib import Path


class StreamsError(Exception):
    """The worker cannot go on; the message says what to do."""


class MasterKeyError(StreamsError):
    """The master key cannot be used."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"The master key {path} {reason}: name a file of 32 bytes with mode 0600 in VIGIL_MASTER_KEY_FILE.")
        self.path, self.reason = path, reason


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


class NotTakenError(StreamsError):
    """The engine was asked about a partition that it does not hold."""

    def __init__(self, partition: int) -> None:
        super().__init__(f"Partition {partition} was not taken: call Engine.take first.")
        self.partition = partition


class StateUnreadableError(StreamsError):
    """A snapshot cannot be read: take the partition without it, from controls and open alarms."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The engine's snapshot cannot be read ({reason}): take the partition without it.")
        self.reason = reason


class WorkerFailedError(StreamsError):
    """An error nobody thought of; its own message is in the log."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(f"The worker stopped on {type(error).__name__}: start it again, and report what its log says.")


class UnknownVersionError(StreamsError):
    """A package whose insides are overridden is installed in another version than the one they were read in."""

    def __init__(self, package: str, found: str, pinned: str) -> None:
        super().__init__(f"{package} {found} is installed, the worker needs {pinned}: run make setup.")
        self.package, self.found, self.pinned = package, found, pinned
