"""The errors of a simulation.

SimulatorError
├── BlueZError        an error the fake BlueZ answers on the bus (an error name and a text)
├── RecordingError    a recording that cannot be replayed
├── ScenarioError     a timeline that makes no sense
└── BrokerRefusedError   the MQTT broker does not let a wearable in
"""

from __future__ import annotations


class SimulatorError(Exception):
    """Anything wrong with a simulation."""


class BlueZError(SimulatorError):
    """Answered to the D-Bus caller as ``name`` with ``text``, worded as BlueZ words it."""

    def __init__(self, name: str, text: str = "") -> None:
        super().__init__(f"{name}: {text}")
        self.name, self.text = name, text


class RecordingError(SimulatorError):
    """A folder or file of recordings that is missing or is no recording."""


class ScenarioError(SimulatorError):
    """An impossible event of a scenario."""


class BrokerRefusedError(SimulatorError):
    """The broker refused a connection or subscription; ``reason`` is its reason code in words."""

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(f"the MQTT broker refused {address}: {reason}; check its user name, password and topics")
        self.address, self.reason = address, reason
