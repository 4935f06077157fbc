"""The codec, an EnCodec whose quantiser and decoder are computed from the stems, not trained.

Each stem has latent dimensions of its own, which hold the coordinates of its waves in an
orthonormal basis of them. A codebook's vectors are zero outside the dimensions of its stem, so
EnCodec's residual quantiser finds the codes of all stems independently of each other, and the sum
of their vectors says everything about the sum of their waves. The decoder, whose non-linear parts
are kept idle, is the linear map from that sum to samples: it is as good as `bank.render`.

The way back, from a sum of waves to what they are, is no linear map: see `training.encoder`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from transformers import EncodecConfig, EncodecModel

from training.bank import CODES, FRAME_RATE, HOP, OVERLAP, SAMPLE_RATE, WAVE, Stem

RATIOS = (5, 4, 4, 4)
"""By how much each layer of the decoder raises the rate, from frames to samples."""
BLOCK = HOP // RATIOS[0]
"""Samples that the slowest layers have in a channel each."""
_QUIET = 1 / 1024
"""The decoder works at this fraction of the level: so close to 0 its ELUs change nothing."""
LIFT = 1.0
"""The encoder's fast layers work this far above 0: there, too, ELUs change nothing."""
LEARNING_LAYERS = 6
"""How many of the encoder's layers learn: those after the samples are folded into blocks."""
_FAR = 16.0
"""Length of the vectors of codes that no stem uses; those of the silent stem's codes are 1 long."""


def build_codec(stems: Sequence[Stem]) -> EncodecModel:
    """Return a codec that decodes codes to what `bank.render` makes of them.

    What its encoder is to learn is random. Codes that a stem does not use are silent. Raises
    ValueError where no stem is silent: it is in the dimensions of the silent stem that the vectors
    of unused codes are told apart.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = EncodecModel(_config(stems))
    bases = [_basis(stem) for stem in stems]
    with torch.no_grad():
        _fill_codebooks(model, stems, bases)
        _fill_decoder(model, np.concatenate(bases))
        _fill_fast_encoder(model)
    return model


def blocks(stems: Sequence[Stem]) -> list[slice]:
    """Return the latent dimensions of each stem."""
    ends = np.cumsum([stem.dimensions for stem in stems]).tolist()
    return [slice(end - stem.dimensions, end) for stem, end in zip(stems, ends, strict=True)]


def signal_to_distortion(reference: NDArray[np.float32], estimate: NDArray[np.float32]) -> float:
    """Return how well `estimate` matches `reference` but for its level, in dB (SI-SDR)."""
    expected, found = reference.astype(np.float64), estimate.astype(np.float64)
    target = expected * (expected @ found) / (expected @ expected)
    error = found - target
    return float(10 * np.log10((target @ target) / (error @ error)))


def _config(stems: Sequence[Stem]) -> EncodecConfig:
    dimensions = sum(stem.dimensions for stem in stems)
    # EnCodec insists on a power of two.
    codebook_size = 2 ** math.ceil(math.log2(CODES))
    # The decoder's first layer needs a channel a dimension, its second one a sample of a block.
    filters = max(math.ceil(dimensions / 2 ** len(RATIOS)), BLOCK // 8)
    return EncodecConfig(
        # EnCodec derives the number of its codebooks from the bandwidth in kbit/s.
        target_bandwidths=[len(stems) * math.log2(codebook_size) * FRAME_RATE / 1000 + 1e-3],
        sampling_rate=SAMPLE_RATE,
        hidden_size=dimensions,
        codebook_size=codebook_size,
        num_filters=filters,
        upsampling_ratios=list(RATIOS),
        kernel_size=3,
        last_kernel_size=3,
        num_lstm_layers=1,
        use_causal_conv=False,
        use_conv_shortcut=False,
    )


def _basis(stem: Stem) -> NDArray[np.float64]:
    """Return orthonormal waves that the stem's waves are sums of, [dimensions, WAVE].

    Rows are zero where the waves span less.
    """
    basis = np.zeros((stem.dimensions, WAVE))
    _, sizes, waves = np.linalg.svd(stem.waves.astype(np.float64), full_matrices=False)
    rank = min(stem.dimensions, int((sizes > 1e-6 * max(sizes[0], 1e-6)).sum()))
    basis[:rank] = waves[:rank]
    return basis


def _fill_codebooks(
    model: Any, stems: Sequence[Stem], bases: Sequence[NDArray[np.float64]]
) -> None:
    silent = next((number for number, basis in enumerate(bases) if not basis.any()), None)
    if silent is None:
        raise ValueError("One of the stems must be silent.")
    own = blocks(stems)
    for number, stem in enumerate(stems):
        codebook = model.quantizer.layers[number].codebook
        states = len(stem.waves)
        codebook.embed.zero_()
        vectors = _directions(stem) if number == silent else stem.waves @ bases[number].T
        codebook.embed[:states, own[number]] = torch.from_numpy(vectors).float()
        codebook.embed[states:, own[silent].start] = _FAR
        codebook.embed_avg.copy_(codebook.embed)
        codebook.cluster_size.fill_(1)


def _directions(stem: Stem) -> NDArray[np.float64]:
    """Return a vector of length 1 for each state of the silent stem, drawn at random."""
    vectors = np.random.default_rng(0).normal(size=(len(stem.waves), stem.dimensions))
    unit: NDArray[np.float64] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _fill_decoder(model: Any, basis: NDArray[np.float64]) -> None:
    """Make the decoder map latents to the waves of `basis`, [dimensions, WAVE], added up.

    The first transposed convolution turns a frame into blocks of samples, a channel a sample; the
    others divide blocks into smaller ones, down to single samples.
    """
    for part in model.decoder.modules():
        if isinstance(part, nn.Conv1d | nn.ConvTranspose1d):
            _set_weight(part, torch.zeros_like(part.weight))
        elif isinstance(part, nn.LSTM):
            for weight in part.parameters():
                weight.zero_()
    first, *_, last = (layer.conv for layer in model.decoder.layers if hasattr(layer, "conv"))
    _set_weight(first, _at_centre(first, _QUIET * torch.eye(len(basis))))
    _set_weight(last, _at_centre(last, torch.ones(1, 1) / _QUIET))
    waves, start, block = torch.from_numpy(basis).float(), OVERLAP, HOP
    for conv in model.decoder.modules():
        if isinstance(conv, nn.ConvTranspose1d):
            block //= conv.stride[0]
            _set_weight(conv, _unfolding(conv, waves, start, block))
            waves, start = torch.eye(block), 0


def _fill_fast_encoder(model: Any) -> None:
    """Make the encoder's fast layers fold each block of samples into channels, a sample each."""
    fast = model.encoder.layers[:-LEARNING_LAYERS]
    for part in fast.modules():
        if isinstance(part, nn.Conv1d):
            _set_weight(part, torch.zeros_like(part.weight))
    first, *folds = (layer.conv for layer in fast if hasattr(layer, "conv"))
    _set_weight(first, _at_centre(first, torch.ones(1, 1)))
    first.bias[0] = LIFT
    block = 1
    for conv in folds:
        _set_weight(conv, _folding(conv, block))
        block *= conv.stride[0]


def _at_centre(conv: nn.Conv1d, matrix: Tensor) -> Tensor:
    """Return a weight by which a convolution applies `matrix`, [out, in], to each frame."""
    weight = torch.zeros_like(conv.weight)
    weight[: matrix.shape[0], : matrix.shape[1], conv.kernel_size[0] // 2] = matrix
    return weight


def _unfolding(conv: nn.ConvTranspose1d, waves: Tensor, start: int, block: int) -> Tensor:
    """Return a weight by which a transposed convolution adds up waves in blocks of samples.

    Input channel i stands for `waves[i]`, [in, samples], which begins `start` samples before its
    frame; output channel c for sample c of a block.
    """
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    blocks_before = (kernel - stride + 1) // 2  # what EnCodec cuts off at the left
    before = blocks_before * block - start
    after = kernel * block - before - waves.shape[1]
    weight = torch.zeros_like(conv.weight)
    taps = nn.functional.pad(waves, (before, after)).reshape(len(waves), kernel, block)
    weight[: len(waves), :block] = taps.transpose(1, 2)
    return weight


def _folding(conv: nn.Conv1d, block: int) -> Tensor:
    """Return a weight by which a strided convolution joins blocks of so many samples to one."""
    stride = conv.stride[0]
    before = (conv.kernel_size[0] - stride + 1) // 2  # what EnCodec pads at the left
    weight = torch.zeros_like(conv.weight)
    taps = torch.eye(stride * block).reshape(-1, stride, block).transpose(1, 2)
    weight[: stride * block, :block, before : before + stride] = taps
    return weight


def _set_weight(conv: Any, weight: Tensor) -> None:
    """Give a convolution with weight norm this weight, and no bias.

    The direction of a weight of length 0 does not matter, but must have a length.
    """
    lengths = weight.norm(dim=(1, 2), keepdim=True)
    directions = torch.where(lengths > 0, weight / lengths, torch.ones_like(weight))
    conv.parametrizations.weight.original0.copy_(lengths)
    conv.parametrizations.weight.original1.copy_(directions)
    conv.bias.zero_()
