"""Nobody waits for more than their turn."""

import random

from musicgen_bot.jobs.active_job import ActiveJob
from musicgen_bot.jobs.fair_queue import FairQueue
from tests.jobs.hand_driven import waiting


def filled(*jobs: tuple[str, int, int | None]) -> tuple[FairQueue, dict[str, ActiveJob]]:
    queue = FairQueue()
    by_name = {name: waiting(name, user_id, guild_id) for name, user_id, guild_id in jobs}
    for active in by_name.values():
        queue.put(active)
    return queue, by_name


def drained(queue: FairQueue) -> str:
    names = []
    while active := queue.pop():
        names.append(active.job.request.prompt)
    return " ".join(names)


def test_one_users_jobs_come_in_their_order() -> None:
    queue, _ = filled(("a", 1, 1), ("b", 1, 1), ("c", 1, 1))
    assert drained(queue) == "a b c"


def test_guilds_are_served_in_turn() -> None:
    queue, _ = filled(("a1", 1, 1), ("a2", 2, 1), ("a3", 3, 1), ("b1", 4, 2), ("c1", 5, 3))
    assert drained(queue) == "a1 b1 c1 a2 a3"


def test_members_of_a_guild_are_served_in_turn() -> None:
    queue, _ = filled(("a1", 1, 1), ("a2", 1, 1), ("a3", 1, 1), ("b1", 2, 1), ("c1", 3, 1))
    assert drained(queue) == "a1 b1 c1 a2 a3"


def test_direct_messages_are_a_party_of_their_own() -> None:
    queue, _ = filled(("d1", 1, None), ("d2", 1, None), ("e1", 2, None), ("g1", 3, 1))
    assert drained(queue) == "d1 e1 g1 d2"


def test_who_was_served_goes_to_the_end_of_the_line() -> None:
    queue, _ = filled(("a1", 1, 1), ("a2", 1, 1), ("b1", 2, 1))
    assert queue.pop()
    queue.put(waiting("b2", 2, 1))
    assert drained(queue) == "b1 a2 b2"


def test_a_job_can_be_taken_out_once() -> None:
    queue, jobs = filled(("a1", 1, 1), ("a2", 1, 1), ("b1", 2, 2))
    assert queue.remove(jobs["b1"])
    assert not queue.remove(jobs["b1"])
    assert queue.remove(jobs["a1"])
    assert drained(queue) == "a2"
    assert not queue.remove(jobs["a2"])


def test_the_order_that_is_shown_is_the_order_that_comes() -> None:
    chance = random.Random(7)
    for _ in range(50):
        queue, jobs = filled(
            *((str(n), chance.randrange(5), chance.choice([None, 1, 2, 3])) for n in range(40))
        )
        for name in chance.sample(sorted(jobs), 10):
            queue.remove(jobs[name])
        for _ in range(chance.randrange(10)):
            queue.pop()
        shown = " ".join(active.job.request.prompt for active in queue)
        assert shown == drained(queue)


def test_an_empty_queue_gives_nothing() -> None:
    assert FairQueue().pop() is None
    assert list(FairQueue()) == []
