"""Opening: the records of a round as they stand in the log -> columns.  Whatever cannot be opened becomes a rejection.

Headers are read with one ``frombuffer`` over all records and payloads with another: no object per header or sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt
from cryptography.exceptions import InvalidTag

from devices.errors import MalformedBatchError
from devices.sample import SAMPLE, Samples
from devices.wire.batch import ACCEPTED_VERSIONS, HEADER, MAX_BYTES, PARTITIONS, ClockQuality, Kind, Lane
from devices.wire.control import Control, RuleSet, decode_control
from devices.wire.event import Event, decode_event
from devices.wire.sealing import TAG_BYTES
from streams.engine.opening.block import Block
from streams.engine.opening.keyring import KeyRing
from streams.engine.round import RECORD, Records, Rejection, Round

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
    """The round of ``blocks`` (each partition's in offset order).  Never raises for what a record holds.

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
    heads = [value[:_HEAD] for value in values]
    headers = _read_headers(heads, refused)
    for name in _FIELDS:
        records[name] = headers[name]
    _check_headers(records, headers, values, refused)
    _believe_silences(records, values)
    payloads = _open(records, heads, values, keys, refused)
    events, controls = _read_json(records, payloads, refused)
    samples, record, rejected = _read_samples(records, payloads, refused)
    records["kind"][refused.mask] = 0
    return Round(records, samples, record, events, controls, refused.rejections() + rejected)


class _Refused:
    """The first reason found against each whole record."""

    def __init__(self, n: int) -> None:
        self.mask = np.zeros(n, bool)
        self._reasons: dict[int, str] = {}

    def where(self, bad: npt.NDArray[np.bool_], reason: str) -> None:
        if bad.any():
            for record in np.flatnonzero(bad & ~self.mask).tolist():
                self._reasons[record] = reason
            self.mask |= bad

    def one(self, record: int, reason: str) -> None:
        self.mask[record] = True
        self._reasons.setdefault(record, reason)

    def rejections(self) -> list[Rejection]:
        return [Rejection(record, -1, reason) for record, reason in sorted(self._reasons.items())]


def _read_headers(heads: list[bytes], refused: _Refused) -> npt.NDArray[np.void]:
    whole = b"".join(heads)
    if len(whole) != len(heads) * _HEAD:  # some are shorter than a header
        refused.where(np.array([len(head) < _HEAD for head in heads]), "shorter than a header")
        whole = b"".join([head.ljust(_HEAD, b"\0") for head in heads])
    return np.frombuffer(whole, HEADER)


def _check_headers(records: Records, head: npt.NDArray[np.void], values: list[bytes], refused: _Refused) -> None:
    size = np.fromiter(map(len, values), np.int64, len(values))
    kind, patient, count = head["kind"], head["patient"], head["count"].astype(np.uint64)
    whole = patient == 0
    refused.where(size > MAX_BYTES, "larger than 256 KB")
    refused.where(~np.isin(head["version"], list(ACCEPTED_VERSIONS)), "wire version is not accepted")
    refused.where(kind == Kind.WAVEFORM, "waveforms are not accepted yet")
    refused.where((kind < Kind.SAMPLES) | (kind > Kind.WAVEFORM), "unknown kind")
    refused.where((head["lane"] > Lane.BACKFILL) | (head["clock"] > ClockQuality.UNSURE), "unknown lane or clock")
    wide = (patient > _INT4_MAX) | (head["device"] > _INT4_MAX) | (head["gateway"] > _INT4_MAX)
    refused.where(wide, "identifier out of range")
    refused.where(head["first"] > np.uint64(_INT8_MAX) - count, "sequence out of range")
    refused.where(~whole & (patient % PARTITIONS != records["partition"]), "in the wrong partition for its patient")
    clock = kind == Kind.CLOCK
    refused.where(clock & (~np.isin(size, (_HEAD, _HEAD + TAG_BYTES)) | ~whole), "clock record with a payload or a patient")
    refused.where(whole & ((kind == Kind.SAMPLES) | (kind == Kind.EVENT)), "names no patient")
    refused.where((kind == Kind.CONTROL) & (head["gateway"] != 0), "control record not from the desk")


def _believe_silences(records: Records, values: list[bytes]) -> None:
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


def _open(records: Records, heads: list[bytes], values: list[bytes], keys: KeyRing, refused: _Refused) -> list[bytes]:
    """The payload of each record, by position; empty where there is none or it does not open."""
    sealed = np.isin(records["kind"], _SEALED) | ((records["kind"] == Kind.CLOCK) & (records["count"] > 0))
    at = np.flatnonzero(sealed & ~refused.mask)
    named, inverse = np.unique(records["key"][at], return_inverse=True)
    ring = keys.get_many(named.tolist())
    keyed = [ring.get(key) for key in named.tolist()]
    damaged = np.array([key in ring and ring[key] is None for key in named.tolist()], np.bool_)[inverse]
    owner = np.array([(k.patient, k.gateway) if k else (-1, -1) for k in keyed], np.int64).reshape(-1, 2)[inverse]
    known = owner[:, 0] >= 0
    foreign = known & ((owner[:, 0] != records["patient"][at]) | (owner[:, 1] != records["gateway"][at]))
    for record in at[damaged].tolist():
        refused.one(record, KEY_DAMAGED_REASON)
    for record in at[~known & ~damaged].tolist():
        refused.one(record, "unknown key")
    for record in at[foreign].tolist():
        refused.one(record, "key of another patient or gateway")
    fine = known & ~foreign
    payloads = [b""] * len(values)
    # one key after the other: ready for use, each takes 2.5 KB
    order, opened = np.argsort(inverse[fine], kind="stable"), -1
    for record, which in zip(at[fine][order].tolist(), inverse[fine][order].tolist(), strict=True):
        if which != opened:
            key = keyed[which]
            assert key is not None  # its record is among the fine ones
            opened, decrypt = which, key.aead.decrypt
        head = heads[record]
        try:
            payloads[record] = decrypt(head[_NONCE_AT:], values[record][_HEAD:], head)
        except InvalidTag:
            refused.one(record, "does not open under the key its header names")
    return payloads


def _read_json(
    records: Records, payloads: list[bytes], refused: _Refused
) -> tuple[list[tuple[int, Event]], list[tuple[int, Control]]]:
    of_kind = records["kind"]
    events = _decode(np.flatnonzero(of_kind == Kind.EVENT), payloads, _decode_event, refused)
    controls = _decode(np.flatnonzero(of_kind == Kind.CONTROL), payloads, decode_control, refused)
    fitting = []
    for record, control in controls:
        if (records["patient"][record] == 0) != isinstance(control, RuleSet):
            refused.one(record, "control of a patient for a partition, or the other way round")
        else:
            fitting.append((record, control))
    return events, fitting


def _decode_event(payload: bytes) -> Event:
    event = decode_event(payload)
    if not 0 <= event.at < LAST_TIME:
        raise MalformedBatchError("event time out of range")
    return event


def _decode(
    at: npt.NDArray[np.intp], payloads: list[bytes], decode: Callable[[bytes], _T], refused: _Refused
) -> list[tuple[int, _T]]:
    out = []
    for record in at.tolist():
        if refused.mask[record]:
            continue
        try:
            if b"\\u0000" in payloads[record]:
                raise MalformedBatchError("payload holds a zero character")  # no database text can
            out.append((record, decode(payloads[record])))
        except MalformedBatchError as error:
            refused.one(record, error.reason)
    return out


def _read_samples(
    records: Records, payloads: list[bytes], refused: _Refused
) -> tuple[Samples, npt.NDArray[np.int32], list[Rejection]]:
    at = np.flatnonzero((records["kind"] == Kind.SAMPLES) & ~refused.mask)
    opened = [payloads[record] for record in at.tolist()]
    length = np.fromiter(map(len, opened), np.int64, len(at))
    count, odd = length // SAMPLE.itemsize, length % SAMPLE.itemsize != 0
    few = (count < records["count"][at]) | (records["count"][at] == 0)
    for record in at[odd | few].tolist():
        refused.one(record, "payload does not fit its header")
    fine = ~(odd | few)
    if not fine.all():
        opened = [payload for payload, fits in zip(opened, fine.tolist(), strict=True) if fits]
    samples = np.frombuffer(b"".join(opened), SAMPLE)
    record = np.repeat(at[fine], count[fine]).astype(np.int32)
    bad, reasons = _check_readings(samples, record)
    if bad.any():
        samples, record = samples[~bad], record[~bad]
    return samples, record, reasons


def _check_readings(samples: Samples, record: npt.NDArray[np.int32]) -> tuple[npt.NDArray[np.bool_], list[Rejection]]:
    """Samples [m] of readings that cannot be one row: bool [m], and why, a line a reading."""
    bad = np.zeros(len(samples), bool)
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
    why: dict[int, str] = {}
    for reason, readings in found:
        for one in np.unique(readings).tolist():
            why.setdefault(one, reason)
    if why:
        bad = np.isin(reading, list(why))
    return bad, [Rejection(one >> 16, one & 0xFFFF, reason) for one, reason in sorted(why.items())]
