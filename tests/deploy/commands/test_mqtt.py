"""``vigil mqtt check`` and ``vigil mapping try``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deploy.cli import build
from devices.mqtt.mapping import MappingError

DOCS = Path(__file__).parents[3] / "docs/mqtt"
GOOD = b'{"v": 1, "seq": 7, "readings": [{"at": 1795428000000, "values": {"spo2": {"value": 97, "unit": "%"}}}]}'


def vigil(*words: str, message: bytes = b"") -> tuple[int, str]:
    done = CliRunner().invoke(build([words[0]]), words, input=message)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout


def test_a_good_message_is_shown_as_the_gateway_takes_it() -> None:
    code, shown = vigil("mqtt", "check", "--json", message=GOOD)
    assert code == 0
    (reading,) = json.loads(shown)["readings"]
    assert (reading["vital"], reading["value"], reading["unit"], reading["status"]) == ("spo2", 97.0, "%", "ok")


def test_a_message_in_a_file_is_shown_for_people(tmp_path: Path) -> None:
    (tmp_path / "message.json").write_bytes(GOOD)
    code, shown = vigil("mqtt", "check", str(tmp_path / "message.json"))
    assert (code, "spo2" in shown) == (0, True)


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"hello", "no JSON"), (b'{"v": 2, "seq": 1}', "version"), (GOOD.replace(b"spo2", b"sp02"), "not a vital"),
        (b'[{"n": "spo2", "v": 97}]', "no unit"),
    ],
)  # fmt: skip
def test_what_is_refused_has_its_reason_and_ends_with_status_1(message: bytes, reason: str) -> None:
    code, shown = vigil("mqtt", "check", "--json", message=message)
    assert code == 1
    assert reason in json.loads(shown)["refused"][0]["reason"]


def test_a_mapping_is_tried_on_a_message() -> None:
    code, shown = vigil(
        "mapping",
        "try",
        str(DOCS / "zigbee2mqtt.toml"),
        "--topic",
        "zigbee2mqtt/scale",
        "--json",
        message=b'{"weight": 71.4}',
    )
    found = json.loads(shown)
    assert (code, found["device"], found["readings"][0]["value"]) == (0, "scale", 71.4)


def test_a_topic_of_another_mapping_is_named() -> None:
    with pytest.raises(MappingError, match=r"zigbee2mqtt/\+"):
        vigil("mapping", "try", str(DOCS / "zigbee2mqtt.toml"), "--topic", "tele/x", message=b"{}")
