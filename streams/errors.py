"""Errors of the worker.  Bad records are no errors: they are :class:`streams.engine.round.Rejection`.

StreamsError
├── TopicMissingError    the topic is not there, or not as this program needs it
├── MasterKeyWrongError  none of the data keys opens under the master key
├── BrokersAwayError     no broker answered while the worker started
└── UnknownVersionError  Faust or aiokafka is another one than the transport overrides
"""

from __future__ import annotations


class StreamsError(Exception):
    """The worker cannot go on; the message says what to do."""


class TopicMissingError(StreamsError):
    """The topic does not exist, or has another number of partitions or another kind of timestamp."""

    def __init__(self, topic: str, reason: str) -> None:
        super().__init__(f"The topic {topic} {reason}: create it as `vigil demo` and the deployment notes do.")
        self.topic, self.reason = topic, reason


class MasterKeyWrongError(StreamsError):
    """No data key opens under the master key: it is the master key that is wrong, not they."""

    def __init__(self, tried: int) -> None:
        super().__init__(
            f"None of {tried} data keys opens under this master key: was the key file exchanged? Put the right one back"
            " (VIGIL_MASTER_KEY_FILE) and start the worker again."
        )
        self.tried = tried


class BrokersAwayError(StreamsError):
    """No broker answered."""

    def __init__(self, bootstrap: str, seconds: float) -> None:
        super().__init__(f"Kafka at {bootstrap} did not answer in {seconds:.0f} s: check VIGIL_KAFKA and that it runs.")
        self.bootstrap = bootstrap


class UnknownVersionError(StreamsError):
    """A package whose insides are overridden is installed in another version than the one they were read in."""

    def __init__(self, package: str, found: str, pinned: str) -> None:
        super().__init__(f"{package} {found} is installed, the worker needs {pinned}: run make setup.")
        self.package, self.found, self.pinned = package, found, pinned
