"""Nights: what people get. Each is kept as a file in ``tests/nights`` that one reads like a story;
``make nights`` writes them anew, and prints what changed.
"""

import os
from datetime import timedelta
from pathlib import Path

from ops import ROOT
from ops.stage.resources import Stage

import pytest

from tests.support import cluster
from tests.support.cluster import ERAS, at, flat, task
from tests.support.night import Night
from tests.support.nights import STORIES, WEB, Story

FOLDER = ROOT / "tests" / "nights"


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_people_get_the_messages_of_the_night(story: Story, stage: Stage) -> None:
    era, *_ = story.eras
    night = Night(stage)
    heard = night.happen(story.events(ERAS[era]), story.until)
    title = story.name.replace("_", " ").capitalize()
    _compare(_file(story), night.story(title, story.words, story.right))
    assert tuple(each.state for each in heard) == story.states


@pytest.mark.parametrize(
    ("story", "era"),
    [(story, era) for story in STORIES for era in story.eras[1:]],
    ids=lambda each: each if isinstance(each, str) else each.name,
)
def test_it_is_the_same_in_other_eras(story: Story, era: str, stage: Stage) -> None:
    heard = Night(stage).happen(story.events(ERAS[era]), story.until)
    assert tuple(each.state for each in heard) == story.states


def test_every_night_that_is_kept_is_played() -> None:
    kept = {path.name for path in FOLDER.glob("*.md")}
    assert kept == {_file(each).name for each in STORIES}


def test_a_cluster_that_sends_nothing_is_told_of_where_people_ask_for_it(stage: Stage) -> None:
    night = Night(stage)
    stage.clusters.claim(cluster.registered())
    night.functions.watching().no_events = timedelta(minutes=15)
    heard = night.happen(
        flat(*(task(at("00:30:00", 300 * n), WEB, n, "TASK_RUNNING") for n in (0, 1, 10, 11)))
    )
    assert [each.state for each in heard] == ["opened", "ongoing", "resolved", "opened"]
    assert "Events come again, after 45 minutes without any" in heard[2].title


def _file(story: Story) -> Path:
    return FOLDER / f"{story.name.replace('_', '-')}.md"


def _compare(path: Path, text: str) -> None:
    if os.environ.get("WRITE_NIGHTS"):
        path.write_text(text)
    assert path.read_text() == text
