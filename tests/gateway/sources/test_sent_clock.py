from gateway.sources.sent_clock import SentClock
from tests.gateway.making import T0

DAY = 86_400_000


def learn(*offsets: int, every: int = 1000, clock: SentClock | None = None) -> list[int]:
    clock = clock or SentClock()
    return [clock.learn(T0 + n * every + offset, T0 + n * every) for n, offset in enumerate(offsets)]


def test_a_clock_that_is_ahead_is_known_from_its_first_message_and_stays_put() -> None:
    assert learn(45_000, 44_600, 45_300, 44_000) == [45_000] * 4


def test_a_message_that_was_long_on_its_way_says_nothing_against_it() -> None:
    assert learn(45_000, -600_000, 45_000) == [45_000] * 3
    assert learn(0, -600_000, -599_000, -100) == [0] * 4


def test_a_backlog_is_not_a_clock_that_is_behind() -> None:
    assert set(learn(*range(-600_000, 0, 5000))) == {0}


def test_a_clock_that_is_behind_is_learned_in_a_minute() -> None:
    found = learn(*[-600_000 - n % 3 * 300 for n in range(90)])
    assert found[:60] == [0] * 60
    assert found[60:] == [-600_000] * 30


def test_a_clock_that_began_in_1970_is_known_at_once() -> None:
    assert learn(5000 - T0, 5000 - T0) == [5000 - T0] * 2


def test_a_clock_that_is_set_is_right_again_once_its_past_is_forgotten() -> None:
    clock = SentClock()
    learn(45_000, clock=clock)
    assert clock.learn(T0 + 200_000, T0 + 200_000) == 0
    assert clock.learn(None, T0 + 200_000) == 0
