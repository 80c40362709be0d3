from __future__ import annotations

from pathlib import Path

from tests.outcome import Outcome, read_outcome

REPORT = """<testsuites><testsuite>
<testcase classname="tests.a.test_x" name="test_ok"/>
<testcase classname="tests.a.test_x" name="test_bad"><failure message="x"/></testcase>
<testcase classname="tests.a.test_x" name="test_broken"><error message="x"/></testcase>
<testcase classname="tests.a.test_x" name="test_later"><skipped message="could not run: no broker"/></testcase>
<testcase classname="tests.b.test_y" name="test_too"><skipped message="could not run: no broker"/></testcase>
</testsuite></testsuites>"""


def test_counts_and_reasons_are_read(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    assert read_outcome(tmp_path / "report.xml") == Outcome(
        passed=1,
        failed=2,
        skipped={"could not run: no broker": ["a.test_x.test_later", "b.test_y.test_too"]},
    )


def test_a_run_that_came_to_no_end_is_a_failure(tmp_path: Path) -> None:
    assert read_outcome(tmp_path / "missing.xml").failed == 1
    (tmp_path / "broken.xml").write_text("<testsuites>")
    assert read_outcome(tmp_path / "broken.xml").failed == 1
