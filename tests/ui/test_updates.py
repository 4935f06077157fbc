"""Messages are brought up to date when there is news, and no more often than Discord likes."""

from dataclasses import replace

import discord

from musicgen_bot.generation import Progress
from musicgen_bot.jobs.active_job import ActiveJob, Estimate
from musicgen_bot.translations import Translations
from musicgen_bot.ui.job_message.updates import FAR_EDITS, PLACES_SHOWN, MessageUpdater
from tests.jobs.hand_driven import waiting


class Board:
    """A follower's jobs, as a test sets them, and the messages it showed."""

    def __init__(self, *jobs: ActiveJob) -> None:
        for active in jobs:
            active.answered.set()
        self.rows: list[tuple[ActiveJob, Estimate]] = []
        self.shown: list[tuple[int, str]] = []
        self.is_busy = False
        """Whether the update before is still under way, so that none is taken."""
        self.follower = MessageUpdater(lambda: self.rows, self, Translations())  # type: ignore[arg-type]

    def show(self, active: ActiveJob, embed: discord.Embed) -> bool:
        assert embed.description is not None
        self.shown.append((active.job.id, embed.description.split("\n")[1]))
        return not self.is_busy

    def look(self, now: float, *rows: tuple[ActiveJob, Estimate]) -> list[tuple[int, str]]:
        """Return what is shown when these are the jobs at this time."""
        self.rows, self.shown = list(rows), []
        self.follower._look(now)
        return self.shown


def running(frames: int) -> Estimate:
    return Estimate(0, 5.0, Progress(frames, 500))


def test_progress_is_shown_when_it_has_changed() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    ((job_id, text),) = board.look(0.0, (active, running(50)))
    assert job_id == active.job.id
    assert "10%" in text
    assert board.look(2.0, (active, running(50))) == []
    assert "20%" in board.look(4.0, (active, running(100)))[0][1]


def test_a_place_is_shown_when_it_has_changed_but_not_at_once() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    assert board.look(0.0, (active, Estimate(3, None, None))) == []
    assert board.look(2.0, (active, Estimate(2, None, None))) == []
    assert "#2 in line" in board.look(4.0, (active, Estimate(2, None, None)))[0][1]
    assert board.look(6.0, (active, Estimate(1, None, None))) == []
    assert "next in line" in board.look(8.0, (active, Estimate(1, None, None)))[0][1]


def test_an_expected_time_is_shown_when_it_becomes_known_or_moves() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    assert board.look(0.0, (active, Estimate(1, None, None))) == []
    assert "<t:64:R>" in board.look(4.0, (active, Estimate(1, 60.0, None)))[0][1]
    assert board.look(14.0, (active, Estimate(1, 55.0, None))) == []
    assert "<t:94:R>" in board.look(24.0, (active, Estimate(1, 70.0, None)))[0][1]


def test_a_job_that_starts_shows_it_at_once() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    board.look(0.0, (active, Estimate(1, None, None)))
    assert board.look(2.0, (active, Estimate(0, None, None))) == [(active.job.id, "🎶 starting")]


def test_what_is_shown_is_in_the_language_of_the_job() -> None:
    active = waiting("x", 1, 1)
    active.job = replace(active.job, address=replace(active.job.address, locale="de"))
    assert board_line(active) == "🎶 fängt an"


def board_line(active: ActiveJob) -> str:
    board = Board(active)
    board.look(0.0, (active, Estimate(1, None, None)))
    ((_, text),) = board.look(2.0, (active, Estimate(0, None, None)))
    return text


def test_nothing_is_shown_before_there_is_a_message() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    active.answered.clear()
    assert board.look(0.0, (active, running(50))) == []


def test_what_is_far_back_is_left_in_peace() -> None:
    jobs = [waiting(str(n), n, 1) for n in range(40)]
    board = Board(*jobs)
    board.look(0.0, *((job, Estimate(n + 2, None, None)) for n, job in enumerate(jobs)))
    shown = board.look(9.0, *((job, Estimate(n + 1, None, None)) for n, job in enumerate(jobs)))
    assert len(shown) == PLACES_SHOWN - 1


def test_what_is_far_back_is_told_when_its_time_is_no_longer_true() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    assert board.look(60.0, (active, Estimate(99, 1000.0, None))) == []
    assert board.look(110.0, (active, Estimate(99, 2000.0, None))) == []  # not every round
    assert board.look(120.0, (active, Estimate(99, 1200.0, None))) == []  # near enough
    assert "<t:1780:R>" in board.look(180.0, (active, Estimate(99, 1600.0, None)))[0][1]
    assert board.look(240.0, (active, Estimate(98, 1540.0, None))) == []
    # It comes nearer between two of those rounds, and what it was told is remembered.
    assert board.look(242.0, (active, Estimate(98, 1538.0, None))) == []
    assert "#9 in line" in board.look(244.0, (active, Estimate(9, 1536.0, None)))[0][1]


def test_a_long_queue_is_not_told_all_at_once() -> None:
    jobs = [waiting(str(n), n, 1) for n in range(FAR_EDITS + 5)]
    board = Board(*jobs)
    told: list[int] = []
    for now, seconds in ((60.0, 1000.0), (120.0, 3000.0), (180.0, 2940.0), (240.0, 2880.0)):
        rows = [(job, Estimate(n + 30, seconds, None)) for n, job in enumerate(jobs)]
        told.append(len(board.look(now, *rows)))
    assert told == [0, FAR_EDITS, 5, 0]


def test_an_update_that_was_not_taken_is_tried_again() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    board.is_busy = True
    assert len(board.look(0.0, (active, running(50)))) == 1
    board.is_busy = False
    assert len(board.look(2.0, (active, running(50)))) == 1
    assert board.look(4.0, (active, running(50))) == []


def test_a_pause_and_its_end_are_shown_at_once_and_to_everybody() -> None:
    near, far = waiting("x", 1, 1), waiting("y", 2, 1)
    board = Board(near, far)
    go = Estimate(1, None, None), Estimate(99, None, None)
    stop = Estimate(1, None, None, paused=True), Estimate(99, None, None, paused=True)
    assert board.look(0.0, (near, go[0]), (far, go[1])) == []
    shown = board.look(1.0, (near, stop[0]), (far, stop[1]))
    assert len(shown) == 2
    assert all("the host has paused the bot" in text for _, text in shown)
    assert board.look(9.0, (near, stop[0]), (far, stop[1])) == []
    shown = board.look(9.5, (near, go[0]), (far, go[1]))
    assert [text for _, text in shown] == ["⏳ next in line", "⏳ #99 in line"]


def test_a_model_that_fails_is_told_to_those_in_front_and_by_and_by_to_the_others() -> None:
    jobs = [waiting(str(n), n, 1) for n in range(FAR_EDITS + 5)]
    near, far = (jobs[0], 1), [(job, n + 30) for n, job in enumerate(jobs[1:])]
    board = Board(*jobs)
    board.look(60.0, *((job, Estimate(place, None, None)) for job, place in (near, *far)))
    rows = [(job, Estimate(n, None, None, out_of_order=True)) for job, n in (near, *far)]
    ((_, text),) = board.look(62.0, *rows)
    assert "the model has stopped working" in text
    assert [len(board.look(now, *rows)) for now in (64.0, 120.0, 180.0, 240.0)] == [
        *(0, FAR_EDITS, 4, 0)
    ]


def test_a_pause_that_came_right_after_the_answer_is_shown() -> None:
    before, after = waiting("x", 1, 1), waiting("y", 1, 1)
    before.promised = Estimate(1, None, None)
    after.promised = Estimate(2, None, None, paused=True)
    board = Board(before, after)
    rows = (
        (before, Estimate(1, None, None, paused=True)),
        (after, Estimate(2, None, None, paused=True)),
    )
    assert [job_id for job_id, _ in board.look(0.0, *rows)] == [before.job.id]


def test_after_a_restart_a_pause_is_told_again_to_those_in_front() -> None:
    near, far = waiting("x", 1, 1), waiting("y", 1, 1)
    board = Board(near, far)
    rows = (
        (near, Estimate(1, None, None, paused=True)),
        (far, Estimate(99, None, None, paused=True)),
    )
    assert [job_id for job_id, _ in board.look(0.0, *rows)] == [near.job.id]
