"""docs/mqtt.md: its schema, its examples and its words are what the decoder does."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from devices.mqtt.envelope import _STATUSES, ack_topic, decode_envelope, readings_topic, status_topic
from devices.mqtt.senml import decode_senml
from devices.vitals import VITALS

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "mqtt.md").read_text()
NOW = 1_795_428_100_000


def test_the_messages_of_the_page_are_taken_whole() -> None:
    envelope, pack = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert not decode_envelope(envelope.encode(), NOW).refused
    assert not decode_senml(pack.encode(), NOW).refused


def test_page_and_schema_name_every_vital_and_status() -> None:
    schema = json.loads((DOCS / "mqtt/envelope.schema.json").read_text())["$defs"]["reading"]["properties"]
    assert set(schema["values"]["properties"]) == {spec.column for spec in VITALS.values()}
    assert set(schema["status"]["enum"]) == set(_STATUSES)
    assert all(f"`{spec.column}`" in PAGE for spec in VITALS.values())
    assert all(f"`{status}`" in PAGE for status in _STATUSES)


def test_the_topics_of_the_page_are_ours() -> None:
    assert all(f"`{topic('<address>')}`" in PAGE for topic in (readings_topic, ack_topic, status_topic))


def test_the_python_example_sends_what_the_gateway_takes() -> None:
    spec = importlib.util.spec_from_file_location("wearable", DOCS / "mqtt/wearable.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = decode_envelope(module.envelope(7, 72.0), NOW)
    assert (found.seq, found.refused, found.readings[0].samples["value"].tolist()) == (7, (), [72.0])


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler")
def test_the_c_example_writes_what_the_gateway_takes(tmp_path: Path) -> None:
    source = (DOCS / "mqtt/wearable.c").read_text()
    form = re.search(r"snprintf\(message, sizeof message,\s*(.*?),\s*seq, at", source, re.DOTALL)
    assert form is not None
    program = f"#include <stdio.h>\nint main(void) {{ printf({form[1]}, 7LL, {NOW}LL, {NOW}LL, 72); return 0; }}\n"
    (tmp_path / "form.c").write_text(program)
    subprocess.run(["cc", "-o", tmp_path / "form", tmp_path / "form.c"], check=True)
    written = subprocess.run([tmp_path / "form"], check=True, capture_output=True).stdout
    found = decode_envelope(written, NOW)
    assert (found.seq, found.refused, found.readings[0].samples["value"].tolist()) == (7, (), [72.0])
