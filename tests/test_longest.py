from __future__ import annotations

from tests.longest import LONGEST, ROOT, place


def test_every_file_named_is_there_and_the_others_come_after() -> None:
    assert [name for name in LONGEST if not (ROOT / name).is_file()] == []
    assert [place(ROOT / name) for name in LONGEST] == list(range(len(LONGEST)))
    assert place(ROOT / "test_longest.py") == len(LONGEST)
