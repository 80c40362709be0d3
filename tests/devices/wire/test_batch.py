from __future__ import annotations

import pytest

from devices.errors import MalformedBatchError
from devices.sample import SAMPLE
from devices.wire.batch import HEADER, MAX_BYTES, ClockQuality, Kind, Lane, header, key_of, parse_header, partition_of

BYTES = header(
    Kind.EVENT,
    patient=0x01020304,
    device=5,
    gateway=6,
    key=7,
    count=8,
    first=9,
    epoch=10,
    received=1_790_000_000_000,
    lane=Lane.BACKFILL,
    clock=ClockQuality.UNSURE,
    nonce=bytes(range(12)),
)


def test_the_bytes_of_a_header_never_change() -> None:
    assert BYTES.hex() == (
        "01020101" "0800" "0000" "07000000" "04030201" "05000000" "06000000" "0900000000000000"
        "006c50c4a0010000" "0a000000" "000102030405060708090a0b"
    )  # fmt: skip
    assert (HEADER.itemsize, SAMPLE.itemsize) == (56, 16)


def test_a_header_is_read_as_it_was_written() -> None:
    found = parse_header(BYTES + b"payload")[0]
    names = ("kind", "lane", "clock", "count", "key", "patient", "device", "gateway", "first", "received", "epoch")
    assert [int(found[name]) for name in names] == [2, 1, 1, 8, 7, 0x01020304, 5, 6, 9, 1_790_000_000_000, 10]
    assert found["nonce"].tobytes() == bytes(range(12))


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (BYTES[:55], "shorter"),
        (BYTES + bytes(MAX_BYTES), "larger"),
        (b"\x00" + BYTES[1:], "version 0"),
        (b"\x02" + BYTES[1:], "2"),
    ],
)
def test_a_record_that_is_no_batch_is_refused(record: bytes, reason: str) -> None:
    with pytest.raises(MalformedBatchError, match=reason):
        parse_header(record)


def test_a_patient_has_one_partition_and_key() -> None:
    assert [partition_of(patient) for patient in (0, 1, 64, 66)] == [0, 1, 0, 2]
    assert key_of(0x01020304) == bytes([4, 3, 2, 1])
