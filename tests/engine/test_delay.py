"""The delay pattern, by its picture in transformers' documentation."""

from __future__ import annotations

import torch

from musicgen_bot.engine.delay import delayed, lag, undelayed

P, U = 9, -1


def test_codebooks_lag_one_step_each() -> None:
    known = torch.tensor([[0, 1], [2, 3], [4, 5], [6, 7]])
    expected = [
        [P, 0, 1, U, U, P, P, P],
        [P, P, 2, 3, U, U, P, P],
        [P, P, P, 4, 5, U, U, P],
        [P, P, P, P, 6, 7, U, U],
    ]
    assert lag(4, 1) == 3
    assert delayed(known, 4, 1, P).tolist() == expected


def test_left_and_right_share_a_lag() -> None:
    expected = [[P, U, U, P], [P, U, U, P], [P, P, U, U], [P, P, U, U]]
    assert lag(4, 2) == 1
    assert delayed(torch.empty(4, 0, dtype=torch.int64), 2, 2, P).tolist() == expected


def test_undoing_gives_the_frames_back() -> None:
    codes = torch.arange(40).view(8, 5)
    for channels in (1, 2):
        assert torch.equal(undelayed(delayed(codes, 5, channels, P), 5, channels), codes)
