"""What a user reads when a server of the stack does not come up."""

from __future__ import annotations

from pathlib import Path

import pytest

from deploy.stack.errors import ServerNotReadyError

JAVA = """\
2026-01-01 WARN Broker: shutting down
java.lang.RuntimeException: the start failed
\tat kafka.server.BrokerServer.startup(BrokerServer.scala:500)
Caused by: java.net.BindException: Address already in use
\tat sun.nio.ch.Net.bind0(Net.java:1)
\t... 6 more

"""


@pytest.mark.parametrize(
    ("tail", "ending"),
    [
        (JAVA, "which ends with: Caused by: java.net.BindException: Address already in use"),
        ("FATAL: no space\n", "which ends with: FATAL: no space"),
        ("  indented\n", "which ends with: indented"),
        ("\n", "see log."),
    ],
)
def test_the_sentence_names_the_cause_and_not_a_frame_of_its_trace(tail: str, ending: str) -> None:
    assert str(ServerNotReadyError("Kafka", "ended", Path("log"), tail)).endswith(ending)
