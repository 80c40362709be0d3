from __future__ import annotations

from collections.abc import Sequence

import msgspec

from deploy.demo.reckoning import Raised, of_this_run
from deploy.demo.summary import Alarms, Latency, Quantiles, Samples, Summary, count_alarms, failures, quantiles

WHOLE = Samples(10, 10, 10, 0, 0)


def summary(alarms: Alarms, samples: Samples = WHOLE, missed: Sequence[str] = ()) -> Summary:
    return Summary(samples, alarms, Latency(Quantiles(), Quantiles()), 1.0, {}, list(missed))


def test_every_expected_alarm_once_is_no_failure() -> None:
    alarms, missed, extra = count_alarms([(1, "spo2.low", 7)], [(1, "spo2.low", 7)], 1, 1)
    assert (alarms.missed, alarms.extra, alarms.doubled, missed, extra) == (0, 0, 0, [], [])
    assert failures(summary(alarms)) == []


def test_a_missed_and_a_doubled_alarm_are_failures_and_an_extra_one_is_named() -> None:
    alarms, missed, extra = count_alarms(
        [(1, "spo2.low", 7), (2, "news2", 0)], [(2, "news2", 0), (2, "news2", 0), (3, "no_data", 9)], 3, 0
    )
    assert (alarms.expected, alarms.raised, alarms.missed, alarms.extra, alarms.doubled) == (2, 3, 1, 1, 1)
    assert extra == ["no_data of patient 3 (source 9)"]
    sentences = failures(summary(alarms, missed=missed))
    assert sentences == [
        "Expected alarms were missed: spo2.low of patient 1 (source 7).",
        "1 expected alarms were raised twice.",
    ]


def test_an_acknowledged_sample_that_is_not_stored_is_a_failure() -> None:
    alarms, *_ = count_alarms([], [], 0, 0)
    assert failures(summary(alarms, Samples(10, 9, 8, 0, 1))) == ["1 acknowledged samples are not stored."]
    assert failures(summary(alarms, Samples(10, 9, 9, 2, 0))) == ["2 samples are stored twice."]


def test_quantiles_of_nothing_are_null_in_the_json() -> None:
    assert msgspec.json.encode(quantiles([])) == b'{"p50":null,"p99":null,"max":null}'
    assert quantiles([1.0, 2.0, 3.0]) == Quantiles(2.0, 3.0, 3.0)


def test_an_alarm_of_yesterday_that_is_raised_anew_today_is_not_doubled() -> None:
    assert kept(raised(1, 900), raised(2, 1100), raised(3, 900, "sensor_off")) == [2, 3]
    assert kept(raised(1, 1050), raised(2, 1100)) == [1, 2]


def test_an_unexpected_alarm_of_yesterday_counts_today_only_while_it_stands() -> None:
    """A wearable that never speaks is silent to the end; one that was silent between two runs speaks again."""
    assert kept(raised(1, 900, "no_data", stands=True), raised(2, 900, "news2")) == [1]


def raised(alarm: int, onset: int, rule: str = "spo2.low", *, stands: bool = False) -> Raised:
    return Raised(alarm, (1, rule, 7), onset, notified=True, acknowledged=True, open=stands)


def kept(*alarms: Raised) -> list[int]:
    return [one.alarm for one in of_this_run(alarms, 1000, {(1, "spo2.low", 7), (1, "sensor_off", 7)})]
