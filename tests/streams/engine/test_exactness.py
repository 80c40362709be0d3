"""Exactness: no order, copy, batch, cut, grouping or restart changes a row, and no number of samples a sum."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from devices.vitals import Vital
from devices.wire.batch import Kind
from streams.engine.columns.axis import Axis
from streams.engine.series.closed import GREATEST, Closed
from streams.engine.series.ring import AHEAD, LONGEST, ROWS, WINDOWS, Ring, cells_of
from streams.engine.series.rollup import DUE
from streams.engine.series.series import Series
from streams.engine.series.sums import Sums
from streams.engine.testing import START, PatientLog, Record, clock_record
from streams.engine.windows.long_windows import DAY, HOUR, LongWindows
from streams.engine.windows.windows import Windows
from tests.streams.engine.any_log import logs
from tests.streams.engine.test_engine import EVERYTHING, Logs, Probe, Run, check_against_oracle, make_logs, same, whole

FEW = settings(max_examples=20, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
MANY = settings(FEW, max_examples=3000, derandomize=False)

SAMPLE = st.tuples(st.integers(-400, 25), st.integers(0, 999), st.integers(300, 3000), st.sampled_from((0, 0, 0, 1)))
SAMPLES = st.lists(SAMPLE, min_size=1, max_size=40, unique_by=lambda one: one[:2])


def delivered(batches: list[list[tuple[int, int, int, int]]]) -> Run:
    """Deliver all batches in one second of the clock, then move the clock alone until everything has been written."""
    probe = Probe()
    run, home = Run([1], probe), PatientLog()
    setup = [one for one in make_setup(home) if one.partition == 1]
    run.advance(setup)
    records = []
    for batch in batches:
        samples = [
            ((START + 1 + second) * 1000 + ms, fixed / 10, int(Vital.HEART_RATE), status, k)
            for k, (second, ms, fixed, status) in enumerate(batch)
        ]
        records.append(Record((START + 1) * 1000, Kind.SAMPLES, 1, 7, 3, samples=tuple(samples)))
    run.advance([clock_record((START + 1) * 1000), *records])
    for second in range(5, 150, 5):
        run.advance([clock_record((START + second) * 1000)])
    return run


def make_setup(home: PatientLog) -> list[Record]:
    from devices.wire.control import Consent, Control, Enrolled, Enrolment

    controls: tuple[Control, ...] = (Consent(True, 0), Enrolment((Enrolled(7, 3, 0),), (3,)))
    return [Record(START * 1000, Kind.CONTROL, 1, control=one, first=k + 1) for k, one in enumerate(controls)]


def check_deliveries(samples: list[tuple[int, int, int, int]], data: st.DataObject) -> None:
    wanted = delivered([samples])
    copies = data.draw(st.lists(st.sampled_from(samples), max_size=10))
    mixed = data.draw(st.permutations(samples + copies))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(mixed)), max_size=5)))
    batches = [mixed[a:b] for a, b in zip([0, *cuts], [*cuts, len(mixed)], strict=True) if a < b]
    found = delivered(batches)
    for name in ("conditions", "rollups", "late", "latest"):
        assert found.rows()[name] == wanted.rows()[name], name
    assert found.probe and wanted.probe
    assert repr(found.probe.seen) == repr(wanted.probe.seen)
    check_windows_by_definition(samples, found.probe)


def check_windows_by_definition(samples: list[tuple[int, int, int, int]], probe: Probe) -> None:
    """Every figure of all four windows, in fractions, from the set of samples alone."""
    seconds: dict[int, tuple[int, int]] = {}
    for second, ms, fixed, status in samples:
        if second > -LONGEST:
            good = status == 0
            seconds[second] = max(seconds.get(second, (-1, -1)), (ms, fixed) if good else (-1, -1))
    cells = {START + 1 + second: fixed for second, (_, fixed) in seconds.items()}
    for (now, _, length), found in probe.seen.items():
        if length <= LONGEST:
            here = {t - now: v for t, v in cells.items() if now - length <= t < now}
            each = 1
        else:
            last = (now - int(DUE[1])) // 60 - 1
            first = (START + 1 - int(DUE[1])) // 60  # the one before closed before they came
            each = 60 if length == 3600 else 3600
            minutes = [(t // 60, v) for t, v in sorted(cells.items()) if first <= t // 60 <= last]
            points = [((m if each == 60 else m // 60), v) for m, v in minutes]
            expect(points, each, found[-1])
            continue
        expect(sorted(here.items()), each, found[-1])


def expect(points: list[tuple[int, int]], each: int, found: tuple[float, ...]) -> None:
    poor, good = [v for _, v in points if v < 0], [(t, Fraction(v, 10)) for t, v in points if v >= 0]
    assert found[:2] == (len(good), len(poor))
    if not good:
        return
    n, mean = len(good), sum(v for _, v in good) / len(good)
    middle = Fraction(sum(t for t, _ in good), n)
    spread = sum((t - middle) ** 2 for t, _ in good)
    low, high = min(v for _, v in good), max(v for _, v in good)
    assert found[2] == pytest.approx(float(mean), rel=1e-15)  # one rounding of the sum by n, one by the steps
    assert found[3:5] == (float(low), float(high))
    if n > 1:
        assert found[5] == pytest.approx(float(sum((v - mean) ** 2 for _, v in good) / (n - 1)) ** 0.5, rel=1e-9)
    if spread:
        assert found[6] == pytest.approx(float(sum((t - middle) * v for t, v in good) / spread / each), rel=1e-9, abs=1e-12)


@FEW
@given(SAMPLES, st.data())
def test_no_order_copy_or_batch_changes_a_window_or_rollup(
    samples: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    check_deliveries(samples, data)


def check_folds(them: Logs, data: st.DataObject) -> None:
    check_against_oracle(them)
    wanted, run = whole(them), Run(list(them))
    at = dict.fromkeys(them, 0)
    while any(at[p] < len(them[p]) for p in them):
        records = []
        for p in sorted(them):
            n = data.draw(st.sampled_from((0, 1, 1, 2, 5, 100)))
            records += them[p][at[p] : at[p] + n]
            at[p] += n
        if not records:
            p = min(q for q in them if at[q] < len(them[q]))
            records, at[p] = [them[p][at[p]]], at[p] + 1
        run.advance(records)
        what = data.draw(st.sampled_from(("", "", "", "restart", "move")))
        if what == "restart":
            run.restart(data.draw(st.sampled_from(sorted(them))))
        elif what == "move":
            engine = run.fresh()
            for partition in them:
                run.restart(partition, engine)
            run.engine = engine
    same(run, wanted)


@FEW
@given(logs(12), st.data())
def test_no_cut_grouping_or_restart_changes_a_row(them: Logs, data: st.DataObject) -> None:
    check_folds(them, data)


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_none_does_in_thousands_of_trials() -> None:
    given(SAMPLES, st.data())(MANY(check_deliveries))()
    given(logs(30), st.data())(MANY(check_folds))()


def pattern(second: int) -> int:
    return 900 + second * 37 % 211


def total(power: int, square: bool, end: int) -> int:
    """Σ t^power · v or v² over seconds 0 <= t < end, by residues: what adding one at a time would have come to."""
    found = 0
    for r in range(211):
        n = (end - 1 - r) // 211 + 1
        v = pattern(r)
        sums = (n, r * n + 211 * n * (n - 1) // 2)
        found += sums[power] * (v * v if square else v)
    return found


def squares(end: int) -> int:
    return (end - 1) * end * (2 * end - 1) // 6


def test_sums_are_exact_after_a_thousand_million_samples() -> None:
    axis = Axis()
    ring = Ring(axis)
    windows = Windows(ring)
    column = axis.add(np.zeros(1, np.int64))
    now = 10**9 + 7
    rows = np.arange(now - LONGEST, now + 1)
    ring.cells[rows % ROWS, column] = cells_of(np.array([pattern(int(t)) for t in rows]), np.ones(len(rows), bool), rows * 0)
    for window, length in enumerate(WINDOWS):  # all that came, less all that left, each modulo 2**64
        words = []
        for end in (now + 1, now - length):
            n, v = end, total(0, False, end)
            words.append(((v << 16) + n, total(0, True, end), n * (n - 1) // 2, squares(end), total(1, False, end)))
        left = np.array([[x % 2**64 for x in one] for one in words], np.uint64)
        windows.sums.sums[window, :, column] = (left[0] - left[1]).view(np.int64)
    for second in range(now + 1, now + 700):
        windows.begin(second, axis.of(0), None)
        ring.forget(second - 1 - LONGEST, axis.of(0), None)
        for window, length in enumerate(WINDOWS):
            n, v, vv, st_, stt, stv, low, high, poor = (int(x[0]) for x in windows.exact(window, second, axis.of(0)))
            points = [(t - second, pattern(t)) for t in range(second - length, second)]
            assert (n, v, vv) == (length, sum(v for _, v in points), sum(v * v for _, v in points))
            assert (st_, stt) == (sum(t for t, _ in points), sum(t * t for t, _ in points))
            assert stv == sum(t * v for t, v in points)
            assert (low, high, poor) == (min(v for _, v in points), max(v for _, v in points), 0)
        cell = cells_of(np.array([pattern(second)]), np.ones(1, bool), np.zeros(1, np.int64))
        windows.written(*ring.write(column, np.array([second]), cell), second)
    assert AHEAD < 60


@pytest.mark.parametrize("values", [(GREATEST,), (0, GREATEST), (1, 2, 3), (GREATEST, 0, 0)])
def test_a_day_of_the_greatest_values_stays_exact(values: tuple[int, ...]) -> None:
    axis = Axis()
    closed, series = Closed(axis), Series(axis, None)
    windows = LongWindows(closed, series)
    column = axis.add(np.zeros(1, np.int64))
    series.vital[column] = Vital.HEART_RATE
    first = 30_000_000
    for minute in range(first, first + 3 * 1440):
        v = [values[(minute + k) % len(values)] for k in range(60)]
        words = (60, 0, sum(v), sum(x * x for x in v), 1770, 70_210, 0, min(v), max(v), v[0], v[-1])
        closed.enter(0, minute, Sums(*(np.array([x]) for x in words)))
    last = first + 3 * 1440 - 1
    for length, count in ((HOUR, 60), (DAY, 23 * 60 + last % 60 + 1)):
        each = 60 if length == HOUR else 3600
        points = [
            (m if each == 60 else m // 60, values[(m + k) % len(values)])
            for m in range(last - count + 1, last + 1)
            for k in range(60)
        ]
        found = windows.figures(length, 0)
        row = tuple(float(getattr(found, x)[0]) for x in ("n", "poor", "mean", "min", "max", "std", "slope"))
        expect(points, each, row)
        assert found.coverage[0] == 1


def test_cells_are_packed_and_unpacked_bit_for_bit() -> None:
    rng, axis = np.random.default_rng(1), Axis()
    closed = Closed(axis)
    hours = closed.keep_hours()
    axis.add(np.zeros(50, np.int64))
    for minute in range(5000, 5150):
        v = rng.integers(0, GREATEST + 1, (60, 50)) * (rng.random((60, 50)) < rng.random(50))
        there = v > 0
        n = there.sum(0)
        low = np.where(n > 0, np.where(there, v, GREATEST).min(0), 0x8000)
        high = np.where(n > 0, v.max(0), -1)
        closed.enter(0, minute, Sums(n, 60 - n, v.sum(0), (v * v).sum(0), n, n, n, low, high, n, n))
    for table in (closed.minutes, hours):
        before = {name: getattr(table, name).copy() for name in table.FIELDS}
        packed = table.pack(axis.of(0))
        table.vacate(axis.of(0))
        table.unpack(axis.of(0), packed)
        for name, array in before.items():
            assert np.array_equal(getattr(table, name), array), name


def test_random_logs_hold_what_the_trials_are_for() -> None:
    """The trials mean nothing where nothing happens in them."""
    counted = check_against_oracle(make_logs(EVERYTHING))
    assert all(counted[name] for name in ("conditions", "rollups", "late", "late episodes", "rising", "gain")), counted
