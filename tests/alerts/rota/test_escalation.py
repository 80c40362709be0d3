"""The steps of an escalation, without a database."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from alerts.rota.escalation import NOBODY_MS, Move, Reach, Reached, Run, called, declined, passed, seen
from alerts.rota.policy import Policy, Step
from streams.engine.condition import Priority

HIGH, MEDIUM = Priority.HIGH, Priority.MEDIUM
MINUTE = 60_000
POLICY = Policy({HIGH: (Step(("nurse",), 2), Step(("charge",), 3), Step(("doctor",), 5)), MEDIUM: (Step(("nurse",), 10),)})
EVERYBODY = {"nurse": ("ann",), "charge": ("cem",), "doctor": ("dee",)}


def reach_of(people: Mapping[str, tuple[str, ...]]) -> Reach:
    def reach(step: Step) -> Reached:
        found = tuple(one for target in step.call for one in people.get(target, ()))
        return Reached(found, holes=tuple(target for target in step.call if not people.get(target)))

    return reach


ALL = reach_of(EVERYBODY)


def begun(priority: Priority = HIGH) -> Run:
    return called(None, POLICY, priority, 0, ALL).run


def test_the_nurse_is_called_again_until_her_time_is_over_and_then_the_next_one() -> None:
    move = called(None, POLICY, HIGH, 0, ALL)
    assert (move.reached.people, move.run.step, move.run.due) == (("ann",), 0, 2 * MINUTE)
    again = called(move.run, POLICY, HIGH, MINUTE, ALL)
    assert (again.reached.people, again.run.step, again.run.due, again.run.since) == (("ann",), 0, 2 * MINUTE, 0)
    after = called(again.run, POLICY, HIGH, 2 * MINUTE, ALL)
    assert (after.reached.people, after.run.step, after.run.due) == (("cem",), 1, 5 * MINUTE)


def test_after_the_last_step_the_first_is_called_again_for_as_long_as_nobody_acts() -> None:
    run, who = begun(), list[str]()
    for _ in range(7):
        assert run.due is not None
        move = passed(run, POLICY, run.due, ALL)
        assert move is not None
        run = move.run
        who += move.reached.people
    assert who == ["cem", "dee", "ann", "cem", "dee", "ann", "cem"]
    assert run.round == 2


def test_what_is_over_but_was_high_goes_through_the_policy_once() -> None:
    run, who = begun(), list[str]()
    while (move := passed(run, POLICY, run.due or 0, ALL, once=True)) is not None:
        run = move.run
        who += move.reached.people
    assert who == ["cem", "dee"]


def test_a_step_that_reaches_nobody_is_skipped_at_once_and_named() -> None:
    move = called(None, POLICY, HIGH, 0, reach_of({"doctor": ("dee",)}))
    assert (move.reached.people, move.run.step, move.run.due) == (("dee",), 2, 5 * MINUTE)
    assert [one.holes for one in move.skipped] == [("nurse",), ("charge",)]


def test_where_no_step_reaches_anybody_the_team_is_called_and_the_policy_tried_again() -> None:
    move = called(None, POLICY, HIGH, 0, reach_of({}))
    assert move.nobody
    assert move.run.due == NOBODY_MS
    assert len(move.skipped) == 3
    after = called(move.run, POLICY, HIGH, NOBODY_MS, ALL)
    assert after.reached.people


def test_who_goes_off_duty_during_a_step_is_followed_by_who_comes() -> None:
    move = called(begun(), POLICY, HIGH, MINUTE, reach_of(EVERYBODY | {"nurse": ("ben",)}))
    assert (move.reached.people, move.run.step, move.run.people) == (("ben",), 0, ("ann", "ben"))


def test_a_hole_that_opens_during_a_step_is_skipped_at_once() -> None:
    move = called(begun(), POLICY, HIGH, MINUTE, reach_of(EVERYBODY | {"nurse": ()}))
    assert (move.reached.people, move.run.step) == (("cem",), 1)
    assert [one.holes for one in move.skipped] == [("nurse",)]


def test_worse_begins_the_policy_of_the_higher_priority_and_better_keeps_it() -> None:
    medium = begun(MEDIUM)
    assert medium.due == 10 * MINUTE
    worse = called(medium, POLICY, HIGH, MINUTE, ALL)
    assert (worse.run.priority, worse.run.step, worse.run.due) == (HIGH, 0, 3 * MINUTE)
    assert called(worse.run, POLICY, MEDIUM, 2 * MINUTE, ALL).run.priority is HIGH


def test_declined_goes_on_at_once_when_all_of_the_step_have() -> None:
    two = called(None, Policy({HIGH: (Step(("nurse", "charge"), 5), Step(("doctor",), 5))}), HIGH, 0, ALL).run
    one = declined(two, "ann", 1000)
    assert one.due == 5 * MINUTE
    assert declined(one, "cem", 2000).due == 2000
    assert declined(one, "zoe", 2000) == one, "whom nobody called has nothing to decline"
    policy = Policy({HIGH: (Step(("nurse", "charge"), 5), Step(("doctor",), 5))})
    assert called(one, policy, HIGH, MINUTE, ALL).reached.people == ("cem",), "who declined is not called again"


def test_seen_waits_longer_but_only_once_for_each_person() -> None:
    run = seen(begun(), POLICY, "ann", MINUTE)
    assert run.due == 6 * MINUTE
    assert seen(run, POLICY, "ann", 5 * MINUTE) == run
    assert seen(begun(), POLICY, "zoe", MINUTE) == begun()


def test_a_run_that_sleeps_goes_on_where_it_was_and_is_overdue_then() -> None:
    asleep = Run(priority=HIGH, step=0, since=0, due=None, people=("ann",))
    assert called(asleep, POLICY, HIGH, MINUTE, ALL).reached.people == ("ann",)
    assert called(asleep, POLICY, HIGH, 50 * MINUTE, ALL).reached.people == ("cem",)


@given(st.lists(st.tuples(st.sets(st.sampled_from(sorted(EVERYBODY))), st.integers(0, 4 * MINUTE)), max_size=30))
def test_at_every_call_somebody_is_called_and_the_next_time_lies_ahead(happens: list[tuple[set[str], int]]) -> None:
    run, at = None, 0
    for there, later in happens:
        at += later
        move: Move = called(run, POLICY, HIGH, at, reach_of({name: EVERYBODY[name] for name in there}))
        assert move.nobody == (not there)
        run = move.run
        assert run.due is not None
        assert run.due > at
