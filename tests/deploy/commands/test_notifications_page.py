"""The commands of docs/notifications.md, word by word and in their order."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import psycopg
import pytest

from alerts.care.channels import register_channels
from alerts.care.contacts import address_of
from alerts.care.reach import reach_of
from alerts.database import scalar
from alerts.rota.policy import Step
from streams.engine.condition import Priority
from tests.deploy.commands.conftest import Vigil

PAGE = (Path(__file__).parents[3] / "docs/notifications.md").read_text()


def test_the_page_sets_up_who_is_called(vigil: Vigil, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (toml,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "rota.toml").write_text(toml)
    with psycopg.connect(vigil.database) as tx:  # as the notifier does with the settings of the page
        register_channels(tx, ["sms", "mail", "webhook"], ["sms", "mail"])
    for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL):
        for line in block.splitlines():
            program, *words = shlex.split(line)
            assert program == "vigil"
            done = vigil.run(*words)
            assert done.returncode == 0, f"{line}: {done.stderr}"
    with psycopg.connect(vigil.database) as tx:
        book = reach_of(tx, 1)
        assert book is not None
        at = scalar(tx, "SELECT clock_timestamp()")
        first, *_, last = book.rota.policy.of(Priority.HIGH)
        (nurse,) = book.reach(first, Priority.HIGH, at).people
        assert nurse in ("m.testova", "j.sample")
        assert book.reach(Step(("p.doc",), 1), Priority.HIGH, at).people == ("p.doc",)
        assert book.reach(last, Priority.HIGH, at).team
        assert book.holes(at, at.replace(year=at.year + 1)) == []
        assert address_of(tx, vigil.master, book.people["m.testova"].person, "sms") == "+441632960001"
