"""Messages are brought up to date when there is news, and no more often than Discord likes."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

import discord

from musicgen_bot.generation import Progress
from musicgen_bot.jobs.active_job import ActiveJob, Estimate
from musicgen_bot.translations import Translations
from musicgen_bot.ui.job_message.messages import TOKEN_LIFETIME_SECONDS
from musicgen_bot.ui.job_message.updates import CHANNEL_EDITS, EDITS, FRONT, MessageUpdater
from tests.jobs.hand_driven import waiting

OLD = TOKEN_LIFETIME_SECONDS
"""When the tokens of all these jobs are of no use any more."""


class Board:
    """An updater's jobs, as a test sets them, and the messages it showed."""

    def __init__(self, *jobs: ActiveJob) -> None:
        for active in jobs:
            active.answered.set()
        self.rows: list[tuple[ActiveJob, Estimate]] = []
        self.shown: list[tuple[int, str]] = []
        self.is_busy = False
        """Whether the update before is still under way, so that none is taken."""
        self.updater = MessageUpdater(lambda: self.rows, self, Translations())  # type: ignore[arg-type]

    def show(self, active: ActiveJob, embed: discord.Embed) -> bool:
        assert embed.description is not None
        self.shown.append((active.job.id, embed.description.split("\n")[1]))
        return not self.is_busy

    def look(self, now: float, *rows: tuple[ActiveJob, Estimate]) -> list[tuple[int, str]]:
        """Return what is shown when these are the jobs at this time."""
        self.rows, self.shown = list(rows), []
        self.updater._look(now)
        return self.shown


def running(frames: int) -> Estimate:
    return Estimate(0, 5.0, Progress(frames, 500))


def crowd(count: int, *, channels: int = 1) -> list[ActiveJob]:
    """Return jobs that wait, spread over channels."""
    jobs = [waiting(str(n), n, 1) for n in range(count)]
    for number, active in enumerate(jobs):
        address = replace(active.job.address, channel_id=number % channels)
        active.job = replace(active.job, address=address)
    return jobs


def in_line(
    jobs: Iterable[ActiveJob], first: int, seconds: float | None = None, *, paused: bool = False
) -> list[tuple[ActiveJob, Estimate]]:
    """Return them with their places, from the first on, and the same time for each."""
    return [(job, Estimate(n, seconds, None, paused)) for n, job in enumerate(jobs, first)]


def test_progress_is_shown_when_it_has_changed() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    ((job_id, text),) = board.look(0.0, (active, running(50)))
    assert job_id == active.job.id
    assert "10%" in text
    assert board.look(2.0, (active, running(50))) == []
    assert "20%" in board.look(4.0, (active, running(100)))[0][1]


def test_a_place_in_front_is_shown_when_it_has_changed() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    assert board.look(0.0, (active, Estimate(FRONT, None, None))) == []
    shown = board.look(2.0, (active, Estimate(FRONT - 1, None, None)))
    assert f"#{FRONT - 1} in line" in shown[0][1]
    assert "next in line" in board.look(4.0, (active, Estimate(1, None, None)))[0][1]
    assert board.look(6.0, (active, Estimate(1, None, None))) == []


def test_an_answer_that_is_out_of_date_when_first_looked_at_is_put_right() -> None:
    active = waiting("x", 1, 1)
    active.promised = Estimate(3, None, None)
    board = Board(active)
    assert "#2 in line" in board.look(0.0, (active, Estimate(2, None, None)))[0][1]


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


def test_nothing_is_shown_before_there_is_a_message_nor_when_it_is_out_of_reach() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    active.answered.clear()
    assert board.look(0.0, (active, running(50))) == []
    active.answered.set()
    active.takes_updates = False
    assert board.look(2.0, (active, running(50))) == []


def test_what_is_far_back_is_left_in_peace() -> None:
    jobs = crowd(2 * FRONT)
    board = Board(*jobs)
    board.look(0.0, *in_line(jobs, 2))
    assert len(board.look(9.0, *in_line(jobs, 1))) == FRONT - 1


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


def test_what_is_far_back_is_told_when_it_has_come_much_nearer() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    assert board.look(60.0, (active, Estimate(99, 1000.0, None))) == []
    assert board.look(120.0, (active, Estimate(75, 940.0, None))) == []
    assert "#74 in line" in board.look(180.0, (active, Estimate(74, 880.0, None)))[0][1]


def test_a_long_queue_is_not_told_all_at_once() -> None:
    jobs = crowd(2 * EDITS + 5)
    board = Board(*jobs)
    rounds = ((60.0, 1000.0), (120.0, 3000.0), (122.0, 2998.0), (124.0, 2996.0), (126.0, 2994.0))
    told = [len(board.look(now, *in_line(jobs, 30, seconds))) for now, seconds in rounds]
    assert told == [0, EDITS, EDITS, 5, 0]


def test_a_pause_is_told_to_everybody_within_what_a_round_allows() -> None:
    jobs = crowd(3 * EDITS, channels=3 * EDITS)
    board = Board(*jobs)
    board.look(60.0, *in_line(jobs, 1))
    told: list[int] = []
    for number in range(4):
        shown = board.look(62.0 + 2 * number, *in_line(jobs, 1, paused=True))
        assert len(shown) == (EDITS if number < 3 else 0)
        assert all("the host has paused the bot" in text for _, text in shown)
        told += [job_id for job_id, _ in shown]
    assert sorted(told) == sorted(active.job.id for active in jobs)


def test_what_is_being_made_comes_first() -> None:
    jobs = crowd(3 * EDITS)
    making, rest = jobs[:4], jobs[4:]
    board = Board(*jobs)
    board.look(60.0, *((job, running(50)) for job in making), *in_line(rest, 1))
    for number in range(1, 5):
        rows = [(job, running(50 + 10 * number)) for job in making]
        shown = board.look(60.0 + 2 * number, *rows, *in_line(rest, 1, paused=True))
        assert {job_id for job_id, _ in shown[:4]} == {active.job.id for active in making}
        assert len(shown) <= EDITS


def test_the_most_overdue_is_told_first() -> None:
    jobs = crowd(2 * EDITS)
    board = Board(*jobs)
    board.look(60.0, *in_line(jobs, FRONT + 1, 1000.0))
    # Of the last jobs the time is off by the most, and of those before by less and less.
    rows = [(job, Estimate(FRONT + n, 2000.0 + 100.0 * n, None)) for n, job in enumerate(jobs, 1)]
    shown = board.look(120.0, *rows)
    assert [job_id for job_id, _ in shown] == [job.job.id for job in jobs[: EDITS - 1 : -1]]


def test_what_was_wrong_and_is_no_longer_in_the_queue_is_not_told() -> None:
    jobs = crowd(2 * EDITS)
    board = Board(*jobs)
    board.look(60.0, *in_line(jobs, FRONT + 1))
    told = dict(board.look(62.0, *in_line(jobs, FRONT + 1, paused=True)))
    for active in jobs:
        active.takes_updates = False
    assert len(told) == EDITS
    assert board.look(64.0) == []


def test_a_channels_limit_is_kept_where_it_is_shared() -> None:
    jobs = crowd(40, channels=2)
    board = Board(*jobs)
    board.look(OLD, *in_line(jobs, 1))
    for number in range(10):
        shown = board.look(OLD + 2 * number, *in_line(jobs, 1, paused=True))
        channels = Counter(
            active.job.address.channel_id
            for active in jobs
            if active.job.id in {job_id for job_id, _ in shown}
        )
        assert channels == {0: CHANNEL_EDITS, 1: CHANNEL_EDITS}
    assert board.look(OLD + 30.0, *in_line(jobs, 1, paused=True)) == []


def test_in_a_busy_channel_what_is_made_and_what_waits_take_turns() -> None:
    jobs = crowd(8)
    making, rest = jobs[:4], jobs[4:]
    board = Board(*jobs)
    told = Counter[int]()
    board.look(OLD, *((job, running(0)) for job in making), *in_line(rest, 1))
    for number in range(1, 13):
        rows = [(job, running(10 * number)) for job in making]
        shown = board.look(OLD + 2 * number, *rows, *in_line(rest, 1, paused=number < 5))
        assert len(shown) == CHANNEL_EDITS
        told.update(job_id for job_id, _ in shown)
    assert all(told[active.job.id] for active in jobs)


def test_an_update_that_was_not_taken_is_tried_again() -> None:
    active = waiting("x", 1, 1)
    board = Board(active)
    board.is_busy = True
    assert len(board.look(0.0, (active, running(50)))) >= 1
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
    assert {text for _, text in shown} == {"⏳ next in line", "⏳ #99 in line"}


def test_a_model_that_fails_and_works_again_is_told_to_everybody() -> None:
    near, far = waiting("x", 1, 1), waiting("y", 2, 1)
    board = Board(near, far)
    go = (near, Estimate(1, None, None)), (far, Estimate(99, None, None))
    stop = tuple((job, replace(estimate, out_of_order=True)) for job, estimate in go)
    assert board.look(0.0, *go) == []
    shown = board.look(1.0, *stop)
    assert len(shown) == 2
    assert all("the model has stopped working" in text for _, text in shown)
    assert board.look(9.0, *stop) == []
    assert {text for _, text in board.look(9.5, *go)} == {"⏳ next in line", "⏳ #99 in line"}


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


def test_after_a_restart_a_pause_is_told_again_to_those_in_front_first() -> None:
    near, far = waiting("x", 1, 1), waiting("y", 1, 1)
    board = Board(near, far)
    rows = (
        (near, Estimate(1, None, None, paused=True)),
        (far, Estimate(99, None, None, paused=True)),
    )
    assert [job_id for job_id, _ in board.look(0.0, *rows)] == [near.job.id]
    assert [job_id for job_id, _ in board.look(60.0, *rows)] == [far.job.id]
