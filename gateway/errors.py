"""The errors of a gateway.

GatewayError
├── OutboxError
│   ├── OutboxFullError       no room left: nothing is acknowledged until there is some
│   ├── OutboxUnusableError   the file cannot be opened, though nothing says that it is damaged
│   ├── OutboxKeyError        the key under which the file is sealed is missing or another one
│   ├── OutboxDamagedError    the file is no outbox, or cannot be read
│   └── OutboxClosedError     used after it was closed
├── StateInUseError           another gateway process works in this state folder
├── RevokedError              the desk no longer knows the credential
├── ClaimError                the claim code was refused
└── DeskUnreachableError      the desk did not answer while pairing
"""

from __future__ import annotations

from pathlib import Path


class GatewayError(Exception):
    """Stops a gateway; the message is one sentence for the person who runs it."""


class OutboxError(GatewayError):
    """The outbox could not do its work; nothing was acknowledged."""


class OutboxFullError(OutboxError):
    """No room for another reading, even without the delivered ones."""

    def __init__(self, used: int, limit: int) -> None:
        super().__init__(
            f"the outbox holds {used >> 20} of {limit >> 20} MB that are not delivered:"
            " check the connection to Kafka, or raise VIGIL_GATEWAY_OUTBOX_MB"
        )


class OutboxUnusableError(OutboxError):
    """SQLite cannot open the file: the disk is full, the folder belongs to another user, another program holds it.

    ``passes``: it may be opened later, such as once the disk has room.
    """

    def __init__(self, path: Path, reason: str, *, passes: bool = False) -> None:
        self.passes = passes
        super().__init__(
            f"{path} cannot be opened ({reason}): check the disk's room and the folder's owner, then start again"
        )


class OutboxKeyError(OutboxError):
    """The content of the outbox was sealed under another key than the one at ``path``, or that is none: ``reason``."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the key {path} does not fit the outbox ({reason}): restore it, or name the right one in"
            " VIGIL_GATEWAY_OUTBOX_KEY; the readings are kept"
        )


class OutboxDamagedError(OutboxError):
    """SQLite cannot read the file: ``reason``.  ``passes``: what it holds may be saved once the disk has room."""

    def __init__(self, path: Path, reason: str, *, passes: bool = False) -> None:
        self.passes = passes
        super().__init__(
            f"{path} is damaged ({reason}): keep it, see that the disk has room, and start vigil gateway again,"
            " which saves what can be read"
        )
        self.reason = reason


class OutboxClosedError(OutboxError):
    """A call came after :meth:`gateway.outbox.outbox.Outbox.close`."""


class StateInUseError(GatewayError):
    """Two processes must not share one outbox."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"another gateway runs in {path}: stop it, or set VIGIL_GATEWAY_STATE to a folder of its own")


class RevokedError(GatewayError):
    """The desk refuses the credential."""

    def __init__(self) -> None:
        super().__init__("the desk has revoked this gateway; it sends nothing any more: pair it with a new claim code")


class ClaimError(GatewayError):
    """The desk does not accept the claim code."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the desk refused the claim code ({reason}): ask for a new one, it is valid for 60 minutes and once"
        )


class DeskUnreachableError(GatewayError):
    """No answer while claiming."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"the desk at {address} does not answer ({reason}): check the address and the network")
