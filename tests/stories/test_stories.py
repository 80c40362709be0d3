"""Every story of this folder, played on the pure core."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories.story import Played, read_story

STORIES = sorted(Path(__file__).parent.glob("*.toml"))


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_story(path: Path) -> None:
    story = read_story(path)
    played = Played(story)
    for number, scene in enumerate(story.scene, 1):
        calls, shown = played.play(scene)
        if scene.called is not None:
            called = played.rota.take_called()
            assert called == scene.called, f"{story.about}: who was called in scene {number}; calls were {calls}"
        if scene.holes is not None:
            assert played.rota.take_holes() == scene.holes, f"{story.about}: holes of scene {number}"
        if scene.calls is not None:
            assert calls == scene.calls, f"{story.about}: calls of scene {number}; the list is {shown}"
        if scene.shown is not None:
            assert shown == sorted(scene.shown), f"{story.about}: the list after scene {number}; calls were {calls}"
