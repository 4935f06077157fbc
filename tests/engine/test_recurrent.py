"""Clips that pass the codec's LSTM together come to the same as each of them alone."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from musicgen_bot.engine.native import build
from musicgen_bot.engine.native.decoder import Team
from musicgen_bot.engine.native.library import NotCompiled, library
from musicgen_bot.engine.native.lstm import NativeLstm
from musicgen_bot.engine.recurrent import Lstm, State, _Together, take_lstm
from musicgen_bot.errors import ModelError

WIDTH, LAYERS = 64, 2
LENGTHS = (7, 150, 1, 40)
CPU = torch.device("cpu")


@pytest.fixture
def module() -> nn.LSTM:
    torch.manual_seed(0)
    return nn.LSTM(WIDTH, WIDTH, LAYERS)


@pytest.fixture
def native(module: nn.LSTM) -> Lstm:
    lstm = take_lstm(module, CPU)
    if not isinstance(lstm, NativeLstm):
        pytest.skip("the step is not compiled here")
    return lstm


@pytest.fixture
def rows() -> list[Tensor]:
    torch.manual_seed(1)
    return [torch.randn(length, WIDTH) * 3 for length in LENGTHS]


@pytest.fixture
def state() -> State:
    torch.manual_seed(2)
    return torch.randn(LAYERS, len(LENGTHS), WIDTH), torch.randn(LAYERS, len(LENGTHS), WIDTH)


def alone(lstm: Lstm, row: int, rows: list[Tensor], state: State) -> tuple[Tensor, State]:
    hidden, cells = (part[:, row : row + 1] for part in state)
    outputs, after = lstm([rows[row]], (hidden, cells))
    return outputs[0], after


def assert_rows_are_as_alone(lstm: Lstm, rows: list[Tensor], state: State) -> None:
    outputs, after = lstm(rows, state)
    for row, output in enumerate(outputs):
        expected, (hidden, cells) = alone(lstm, row, rows, state)
        assert torch.equal(output, expected)
        assert torch.equal(after[0][:, row : row + 1], hidden)
        assert torch.equal(after[1][:, row : row + 1], cells)


@torch.inference_mode()
def test_a_row_is_the_same_to_the_bit_whatever_passes_beside_it(
    native: Lstm, rows: list[Tensor], state: State
) -> None:
    assert_rows_are_as_alone(native, rows, state)


@torch.inference_mode()
def test_it_is_so_without_the_compiled_step(
    module: nn.LSTM,
    rows: list[Tensor],
    state: State,
    tmp_path: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(build, "FOLDER", tmp_path)
    lstm = take_lstm(module, CPU)
    assert not isinstance(lstm, NativeLstm)
    assert_rows_are_as_alone(lstm, rows, state)


@torch.inference_mode()
def test_it_is_pytorchs(native: Lstm, module: nn.LSTM, rows: list[Tensor], state: State) -> None:
    before = [part.clone() for part in (*rows, *state)]
    outputs, after = native(rows, state)
    for row, output in enumerate(outputs):
        expected, ends = alone(_Together(module), row, rows, state)
        torch.testing.assert_close(output, expected, atol=1e-5, rtol=0)
        for found, end in zip(after, ends, strict=True):
            torch.testing.assert_close(found[:, row : row + 1], end, atol=1e-5, rtol=1e-5)
    # What it was given is left as it was.
    assert all(map(torch.equal, before, (*rows, *state)))


@torch.inference_mode()
def test_it_goes_on_from_a_state(native: Lstm, rows: list[Tensor], state: State) -> None:
    at_once, after = native(rows, state)
    first, between = native([row[:1] for row in rows], state)
    longer = [place for place, row in enumerate(rows) if len(row) > 1]
    hidden, cells = (part[:, longer] for part in between)
    rest, ends = native([rows[place][1:] for place in longer], (hidden, cells))
    for place, part in zip(longer, rest, strict=True):
        assert torch.equal(torch.cat([first[place], part]), at_once[place])
    assert torch.equal(ends[1], after[1][:, longer])


@torch.inference_mode()
@pytest.mark.parametrize("target", build.targets_here(), ids=lambda target: target.name)
def test_every_kind_of_processor_comes_to_the_same(
    target: build.Target,
    native: Lstm,
    module: nn.LSTM,
    rows: list[Tensor],
    state: State,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MUSICGEN_STEP_TARGET", target.name)
    try:
        step = library()
    except (ModelError, NotCompiled) as error:
        pytest.skip(str(error))
    other = NativeLstm(module, Team(step.path, step.target, 3))
    for found, expected in zip(other(rows, state)[0], native(rows, state)[0], strict=True):
        assert torch.equal(found, expected)
