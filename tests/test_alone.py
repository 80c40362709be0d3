from __future__ import annotations

import threading
from pathlib import Path

from tests.alone import turn


def test_who_would_be_alone_waits_for_the_others_and_none_begins_meanwhile(tmp_path: Path) -> None:
    files = tmp_path / "gate", tmp_path / "room"
    for file in files:
        file.touch()
    events: list[str] = []
    here, go = threading.Event(), threading.Event()

    def take(name: str, alone: bool) -> None:
        with turn(alone=alone, files=files):
            events.append(name)
            here.set()
            assert go.wait(10)
            events.append(f"{name} ends")

    def begin(name: str, alone: bool) -> threading.Thread:
        thread = threading.Thread(target=take, args=(name, alone))
        thread.start()
        return thread

    with turn(alone=False, files=files):
        threads = [begin("beside", alone=False)]
        assert here.wait(10)
        here.clear()
        threads.append(begin("alone", alone=True))
        assert not here.wait(0.2)
        threads.append(begin("later", alone=False))
        assert not here.wait(0.2)
        go.set()
        threads[0].join(10)
        assert events == ["beside", "beside ends"]
    for thread in threads:
        thread.join(10)
    assert events == ["beside", "beside ends", "alone", "alone ends", "later", "later ends"]
