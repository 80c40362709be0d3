"""Opening: sealed records become the columns of a round.  A record that cannot be opened becomes a rejection.

One ``frombuffer`` reads all headers and another all payloads: no object per header or sample.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np
from cryptography.exceptions import InvalidTag

from devices.errors import MalformedBatchError
from devices.sample import SAMPLE, Samples
from devices.wire.batch import ACCEPTED_VERSIONS, HEADER, MAX_BYTES, PARTITIONS, ClockQuality, Kind, Lane
from devices.wire.control import Control, RuleSet, decode_control
from devices.wire.event import Event, decode_event
from devices.wire.sealing import TAG_BYTES
from streams.engine.columns.arrays import Bools, Cells, Rows
from streams.engine.opening.block import Block
from streams.engine.opening.keyring import KeyRing
from streams.engine.round import RECORD, Rejection, Round

_HEAD: Final = HEADER.itemsize
_NONCE_AT: Final = _HEAD - 12
_INT4_MAX: Final = 2**31 - 1
_INT8_MAX: Final = 2**63 - 1
LAST_TIME: Final = 253_402_300_800_000
"""ms: the year 10000, beyond which no calendar goes."""
_FIELDS: Final = ("kind", "lane", "clock", "count", "key", "patient", "device", "gateway", "first", "received", "epoch")
_T = TypeVar("_T")
KEY_DAMAGED_REASON: Final = "the data key cannot be opened"
"""The reason for which the records under one damaged key are refused, and no others."""
FRESH_MS: Final = 60_000
"""A sealed clock record counts as said now for so long; one played again later announces nothing."""
_SEALED: Final = (Kind.SAMPLES, Kind.EVENT, Kind.CONTROL)


def open_blocks(blocks: Sequence[Block], keys: KeyRing) -> Round:
    """The round of ``blocks`` (each partition's in offset order).  Never raises for the content of a record.

    Raises:
        psycopg.OperationalError: the key ring's database is away; try the same again.
    """
    blocks = sorted(blocks, key=lambda block: (block.partition, block.first))
    values = [value for block in blocks for value in block.values]
    records = np.zeros(len(values), RECORD)
    if not values:
        return Round(records)
    records["partition"] = np.repeat([b.partition for b in blocks], [len(b.values) for b in blocks])
    records["offset"] = np.concatenate([np.arange(b.first, b.next) for b in blocks])
    records["append"] = np.concatenate([b.appended for b in blocks])
    refused = _Refused(len(values))
    for block in blocks:
        if block.fault:
            offset = records["offset"]
            mine = (records["partition"] == block.partition) & (offset >= block.first) & (offset < block.next)
            refused.where(mine, block.fault)
    heads = [value[:_HEAD] for value in values]
    _read_headers(records, heads, values, refused)
    _believe_silences(records, values)
    payloads = _open(records, heads, values, keys, refused)
    events = _decode(records, Kind.EVENT, payloads, _decode_event, refused)
    controls = _decode(records, Kind.CONTROL, payloads, _decode_control, refused)
    samples, record, rejected = _read_samples(records, payloads, refused)
    records["kind"][refused.mask] = 0
    return Round(records, samples, record, events, controls, refused.rejections() + rejected)


class _Refused:
    """The first reason found against each whole record; ``mask`` bool [n] marks these records."""

    def __init__(self, n: int) -> None:
        self.mask = np.zeros(n, np.bool_)
        self._reasons: dict[int, str] = {}

    def one(self, record: int, reason: str) -> None:
        self.mask[record] = True
        self._reasons.setdefault(record, reason)

    def where(self, bad: Bools, reason: str) -> None:
        for record in np.flatnonzero(bad).tolist():
            self.one(record, reason)

    def rejections(self) -> list[Rejection]:
        return [Rejection(record, -1, reason) for record, reason in sorted(self._reasons.items())]


def _read_headers(records: Rows, heads: list[bytes], values: list[bytes], refused: _Refused) -> None:
    size = np.fromiter(map(len, values), np.int64, len(values))
    if (size < _HEAD).any():
        heads = [head.ljust(_HEAD, b"\0") for head in heads]
    head = np.frombuffer(b"".join(heads), HEADER)
    for name in _FIELDS:
        records[name] = head[name]
    kind, patient, count = head["kind"], head["patient"], head["count"].astype(np.uint64)
    whole, clock = patient == 0, kind == Kind.CLOCK
    refused.where(size < _HEAD, "shorter than a header")
    refused.where(size > MAX_BYTES, "larger than 256 KB")
    refused.where(~np.isin(head["version"], list(ACCEPTED_VERSIONS)), "wire version is not accepted")
    refused.where(kind == Kind.WAVEFORM, "waveforms are not accepted yet")
    refused.where((kind < Kind.SAMPLES) | (kind > Kind.WAVEFORM), "unknown kind")
    refused.where((head["lane"] > Lane.BACKFILL) | (head["clock"] > max(ClockQuality)), "unknown lane or clock")
    wide = (patient > _INT4_MAX) | (head["device"] > _INT4_MAX) | (head["gateway"] > _INT4_MAX)
    refused.where(wide, "identifier out of range")
    refused.where(head["first"] > np.uint64(_INT8_MAX) - count, "sequence out of range")
    refused.where(~whole & (patient % PARTITIONS != records["partition"]), "in the wrong partition for its patient")
    refused.where(clock & (~np.isin(size, (_HEAD, _HEAD + TAG_BYTES)) | ~whole), "clock record with a payload or a patient")
    refused.where(whole & ((kind == Kind.SAMPLES) | (kind == Kind.EVENT)), "names no patient")
    refused.where((kind == Kind.CONTROL) & (head["gateway"] != 0), "control record not from the desk")


def _believe_silences(records: Rows, values: list[bytes]) -> None:
    """A clock record says more than the brokers' own time only where its owner has sealed it, for this partition, just now:
    the silence announced by any other is none.
    """
    clock = records["kind"] == Kind.CLOCK
    if not (clock & (records["count"] > 0)).any():
        return
    sealed = np.fromiter(map(len, values), np.int64, len(values)) == _HEAD + TAG_BYTES
    fresh = np.abs(records["append"] - records["received"]) <= FRESH_MS
    believed = sealed & fresh & (records["device"] == records["partition"])
    records["count"][clock & ~believed] = 0


def _open(records: Rows, heads: list[bytes], values: list[bytes], keys: KeyRing, refused: _Refused) -> list[bytes]:
    """The payload of each record, by position; empty where there is none or it does not open."""
    announced = (records["kind"] == Kind.CLOCK) & (records["count"] > 0)
    sealed = np.flatnonzero((np.isin(records["kind"], _SEALED) | announced) & ~refused.mask)
    sealed = sealed[np.argsort(records["key"][sealed], kind="stable")]  # one key after the other: ready, each takes 2.5 KB
    ring = keys.get_many(np.unique(records["key"][sealed]).tolist())
    payloads, ready, key = [b""] * len(values), -1, None
    names = (records[field][sealed].tolist() for field in ("key", "patient", "gateway"))
    for record, number, patient, gateway in zip(sealed.tolist(), *names, strict=True):
        if number != ready:
            ready, key = number, ring.get(number)
            decrypt = key.aead.decrypt if key else None
        if key is None or decrypt is None:
            refused.one(record, KEY_DAMAGED_REASON if number in ring else "unknown key")
        elif key.patient != patient or key.gateway != gateway:
            refused.one(record, "key of another patient or gateway")
        else:
            try:
                head = heads[record]
                payloads[record] = decrypt(head[_NONCE_AT:], values[record][_HEAD:], head)
            except InvalidTag:
                refused.one(record, "does not open under the key its header names")
    return payloads


def _decode(
    records: Rows, kind: Kind, payloads: list[bytes], decode: Callable[[bytes, int], _T], refused: _Refused
) -> list[tuple[int, _T]]:
    """(position, content) of the records of one kind with a JSON payload; ``decode`` gets the payload and the patient."""
    found = []
    at = np.flatnonzero((records["kind"] == kind) & ~refused.mask)
    for record, patient in zip(at.tolist(), records["patient"][at].tolist(), strict=True):
        try:
            _check_text(payloads[record])
            found.append((record, decode(payloads[record], patient)))
        except MalformedBatchError as error:
            refused.one(record, error.reason)
    return found


def _check_text(payload: bytes) -> None:
    if b"\\u0000" in payload:
        raise MalformedBatchError("payload holds a zero character")  # no database text can


def _decode_event(payload: bytes, _patient: int) -> Event:
    event = decode_event(payload)
    if not 0 <= event.at < LAST_TIME:
        raise MalformedBatchError("event time out of range")
    return event


def _decode_control(payload: bytes, patient: int) -> Control:
    control = decode_control(payload)
    if (patient == 0) != isinstance(control, RuleSet):
        raise MalformedBatchError("control of a patient for a partition, or the other way round")
    return control


def _read_samples(records: Rows, payloads: list[bytes], refused: _Refused) -> tuple[Samples, Cells, list[Rejection]]:
    at = np.flatnonzero((records["kind"] == Kind.SAMPLES) & ~refused.mask)
    opened = [payloads[record] for record in at.tolist()]
    length = np.fromiter(map(len, opened), np.int64, len(at))
    count, announced = length // SAMPLE.itemsize, records["count"][at]
    fits = (length % SAMPLE.itemsize == 0) & (count >= announced) & (announced > 0)
    for record in at[~fits].tolist():
        refused.one(record, "payload does not fit its header")
    samples = np.frombuffer(b"".join(itertools.compress(opened, fits.tolist())), SAMPLE)
    record = np.repeat(at[fits], count[fits]).astype(np.int32)
    bad, rejected = _check_readings(samples, record)
    if bad.any():
        samples, record = samples[~bad], record[~bad]
    return samples, record, rejected


def _check_readings(samples: Samples, record: Cells) -> tuple[Bools, list[Rejection]]:
    """(bool [m]: samples of readings that cannot be one row, a rejection for each of these readings)."""
    bad = np.zeros(len(samples), np.bool_)
    if not len(samples):
        return bad, []
    reading = record.astype(np.int64) << 16 | samples["reading"]
    series = reading << 8 | samples["vital"]
    order = np.arange(len(samples)) if (np.diff(series) > 0).all() else np.argsort(series, kind="stable")
    time, same = samples["time"][order], reading[order]
    beside = same[1:] == same[:-1]
    found = (
        ("time out of range", reading[(samples["time"] < 0) | (samples["time"] >= LAST_TIME)]),
        ("one reading with two times", same[1:][beside & (time[1:] != time[:-1])]),
        ("one vital twice in a reading", same[1:][np.diff(series[order]) == 0]),
    )
    reasons: dict[int, str] = {}
    for reason, readings in found:
        for one in np.unique(readings).tolist():
            reasons.setdefault(one, reason)
    if reasons:
        bad = np.isin(reading, list(reasons))
    return bad, [Rejection(one >> 16, one & 0xFFFF, reason) for one, reason in sorted(reasons.items())]
