"""The ways between the screens: forward by one answer, back by one, and never past what is not true."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alerts.desk.pages.pair.steps import STEPS, Progress, Step, after, before, shown, step_of

NEW = Progress("whose")


def walk(progress: Progress, *answers: str) -> list[str]:
    found: list[str] = []
    for answer in answers:
        to = after(progress, answer)
        assert to is not None, (progress, answer)
        progress = replace(progress, step=to)
        if answer == "agree":
            progress = replace(progress, consented=True)
        if answer in {"belt", "cuff"}:
            progress = replace(progress, kind=answer)  # type: ignore[arg-type]
        if answer == "choose":
            progress = replace(progress, chosen=True)
        found.append(shown(progress))
    return found


def test_five_answers_lead_to_the_receipt_where_the_leaflet_names_the_device() -> None:
    begun = Progress("whose", kind="belt", asked_kind=False)
    assert walk(begun, "me", "agree", "on", "choose") == ["consent", "wear", "find", "receipt"]


def test_a_leaflet_without_a_kind_asks_for_it() -> None:
    assert walk(NEW, "help", "agree", "cuff", "on", "choose") == ["consent", "kind", "wear", "find", "receipt"]


@pytest.mark.parametrize("step", STEPS)
def test_every_screen_but_the_first_and_the_last_has_one_way_back(step: Step) -> None:
    progress = Progress(step, consented=True, kind="belt", chosen=True, finished=step == "mine")
    assert (before(progress) is None) == (step in {"whose", "mine"})
    assert after(progress, "back") == before(progress)


@pytest.mark.parametrize("step", ["kind", "wear", "find", "receipt"])
def test_without_consent_nobody_comes_further(step: Step) -> None:
    assert shown(Progress(step, kind="belt", chosen=True)) == "consent"
    assert shown(Progress(step, kind="belt", chosen=True, finished=True)) == "mine"


def test_what_is_missing_is_asked_for_first() -> None:
    assert shown(Progress("receipt", consented=True, kind="belt")) == "find"
    assert shown(Progress("find", consented=True)) == "kind"
    assert shown(Progress("mine", consented=True)) == "whose"
    assert step_of("of a newer version") == "whose"


@pytest.mark.parametrize(
    ("progress", "answer"),
    [
        (NEW, "agree"),
        (NEW, "choose"),
        (NEW, "mine"),
        (Progress("receipt", consented=True, chosen=True), "mine"),
        (Progress("mine", consented=False, finished=True), "add"),
        (Progress("mine", consented=True, finished=True), "consent"),
        (Progress("kind", consented=True), "spaceship"),
    ],
)
def test_an_answer_that_does_not_belong_to_the_screen_is_none(progress: Progress, answer: str) -> None:
    assert after(progress, answer) is None


def test_who_has_finished_goes_back_to_their_readings() -> None:
    mine = Progress("mine", consented=True, finished=True)
    assert walk(mine, "add", "back") == ["kind", "mine"]
    again = Progress("mine", finished=True)
    assert walk(again, "consent", "agree") == ["consent", "mine"]
