from typing import Any

import numpy as np
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from devices.sample import SAMPLE
from devices.wire.batch import MAX_BYTES, ClockQuality, Kind, Lane, parse_header
from devices.wire.sealing import open_record
from gateway.outbox.reading import OutboxRow
from gateway.uplink.batching import MAX_PAYLOAD, cut
from tests.gateway.making import SECRET, T0

NAMES: dict[str, Any] = {"gateway": 5, "epoch": 0xDEADBEEF, "key": 3, "secret": SECRET}


def row(
    sequence: int,
    *,
    device: int = 7,
    patient: int = 1,
    kind: Kind = Kind.SAMPLES,
    lane: Lane = Lane.LIVE,
    clock: ClockQuality = ClockQuality.SURE,
    samples: int = 2,
) -> OutboxRow:
    measured = T0 + 1000 * sequence
    payload = np.zeros(samples, SAMPLE)
    payload["time"], payload["value"] = measured, sequence
    data = payload.tobytes() if kind is Kind.SAMPLES else b"{}"
    return OutboxRow(sequence, device, patient, sequence, measured, measured + 5, kind, lane, clock, data)


def test_a_record_says_in_its_header_what_it_holds() -> None:
    (batch,) = cut([row(4), row(5, samples=3), row(6)])
    record = batch.sealed(**NAMES)
    head = parse_header(record)[0]
    named = {
        name: int(head[name])
        for name in ("kind", "lane", "clock", "count", "key", "patient", "device", "gateway", "first", "epoch")
    }
    assert list(named.values()) == [1, 0, 0, 3, 3, 1, 7, 5, 4, 0xDEADBEEF]
    assert head["received"] == T0 + 6005
    samples = np.frombuffer(open_record(record, AESGCM(SECRET)), SAMPLE)
    assert samples["reading"].tolist() == [0, 0, 1, 1, 1, 2, 2]
    assert samples["value"].tolist() == [4, 4, 5, 5, 5, 6, 6]


def test_two_sealings_differ_in_their_nonce_alone() -> None:
    (batch,) = cut([row(4), row(5)])
    one, two = batch.sealed(**NAMES), batch.sealed(**NAMES)
    assert one != two
    assert open_record(one, AESGCM(SECRET)) == open_record(two, AESGCM(SECRET))
    assert one[:44] == two[:44]


def test_a_batch_is_cut_at_a_gap() -> None:
    assert [[r.sequence for r in b.rows] for b in cut([row(1), row(2), row(4), row(5)])] == [[1, 2], [4, 5]]


def test_events_travel_alone_and_cut_what_they_stand_between() -> None:
    batches = cut([row(1), row(2, kind=Kind.EVENT), row(3), row(4, kind=Kind.EVENT), row(5, kind=Kind.EVENT)])
    assert sorted([r.sequence for r in b.rows] for b in batches) == [[1], [2], [3], [4], [5]]


def test_no_record_is_larger_than_allowed() -> None:
    big = [row(i, samples=900) for i in range(60)]
    batches = cut(big)
    assert len(batches) == 4
    assert max(len(b.sealed(**NAMES)) for b in batches) <= MAX_BYTES
    assert len(cut([row(0, samples=MAX_PAYLOAD // 16)])[0].sealed(**NAMES)) <= MAX_BYTES


ROWS = st.lists(
    st.builds(
        row,
        st.integers(0, 30),
        device=st.sampled_from([0, 7]),
        patient=st.sampled_from([1, 2]),
        kind=st.sampled_from([Kind.SAMPLES, Kind.EVENT]),
        lane=st.sampled_from(Lane),
        clock=st.sampled_from(ClockQuality),
        samples=st.integers(1, 5),
    ),
    max_size=40,
    unique_by=lambda r: (r.device, r.sequence),
)


@given(ROWS, st.integers(1, 5), st.integers(80, 200))
def test_every_reading_is_in_exactly_one_batch_that_keeps_the_rules(
    rows: list[OutboxRow], max_readings: int, max_payload: int
) -> None:
    batches = cut(rows, max_readings=max_readings, max_payload=max_payload)
    assert sorted((r.device, r.sequence) for b in batches for r in b.rows) == sorted((r.device, r.sequence) for r in rows)
    for batch in batches:
        first = batch.rows[0]
        assert [r.sequence for r in batch.rows] == list(range(first.sequence, first.sequence + len(batch.rows)))
        assert {(r.device, r.patient, r.lane, r.kind, r.clock) for r in batch.rows} == {
            (first.device, first.patient, first.lane, first.kind, first.clock)
        }
        assert len(batch.rows) <= (max_readings if first.kind is Kind.SAMPLES else 1)
        assert len(batch.payload()) <= max(max_payload, len(first.payload))
