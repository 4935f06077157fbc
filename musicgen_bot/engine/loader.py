"""From a model's name to an engine: find the files, let transformers read them, take them over."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from transformers import (
    AutoTokenizer,
    MusicgenForConditionalGeneration,
    PreTrainedTokenizerBase,
)

from musicgen_bot.engine.batch import LENGTH_UNIT, AnyDecoder
from musicgen_bot.engine.codec import Codec
from musicgen_bot.engine.decoder import Decoder
from musicgen_bot.engine.delay import lag
from musicgen_bot.engine.device import (
    QUANTISED,
    choose_device,
    choose_precision,
    compiled_step,
    is_out_of_memory,
    limit_threads,
    release_memory,
    threads,
    why_not_compiled,
    working_dtype,
)
from musicgen_bot.engine.encoder import Encoder
from musicgen_bot.engine.engine import WINDOW_SECONDS, Engine
from musicgen_bot.engine.layout import rounded_up
from musicgen_bot.engine.matrices import Matrix, PlainMatrix, WeightOnlyInt8, exact_int8
from musicgen_bot.engine.model_config import first_line
from musicgen_bot.engine.model_files import TINY, fetch_config, fetch_model, name_of, weight_files
from musicgen_bot.engine.native.decoder import NativeDecoder
from musicgen_bot.engine.native.library import NotCompiled
from musicgen_bot.engine.native.packing import pack
from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.engine.text import TextEncoder
from musicgen_bot.engine.weights import copier, take_decoder
from musicgen_bot.errors import ModelError
from musicgen_bot.translations import Text

_log = logging.getLogger(__name__)
_COMPILED = ("bf16", *QUANTISED)
"""The precisions of the compiled step."""


def load_engine(model: str, device: str = "auto", precision: str = "auto") -> Engine:
    """Load a model: a name on Hugging Face, a folder, or `tiny`, which comes with the bot.

    `device` is auto, cpu, cuda, cuda:N or mps; `precision`, that of the decoder, is auto, fp32,
    bf16, fp16, int8 or int4. Downloads the model at the first time. Raises ModelError where any of
    these cannot be used here.
    """
    where = choose_device(device)
    decoder = fetch_config(model).decoder
    chosen = choose_precision(precision, where, decoder)
    if where.type == "cpu" and precision in ("auto", *_COMPILED):
        obstacle = why_not_compiled(decoder)
        if obstacle:
            _log.warning("The decoder's step is not compiled, and slower: %s", obstacle)
    limit_threads(where)
    return _load(fetch_model(model), model, where, chosen)


def licence_of(model: str) -> str:
    """Return a sentence on the licence of a model's weights, in English."""
    sentence = Text("For the licence of the weights, see the model card.")
    if model == TINY:
        sentence = Text("The weights are under the MIT licence.")
    elif Path(model).name.startswith("musicgen-"):
        sentence = Text("The weights are under CC-BY-NC-4.0: not for commercial use.")
    return str(sentence)


def _load(folder: Path, model: str, device: torch.device, precision: str) -> Engine:
    try:
        with quiet_transformers(), torch.inference_mode():
            engine = _take_over(*_read(folder, model), folder, model, device, precision)
        # What is left of transformers' modules refers to itself, and to the mapped file.
        gc.collect()
        release_memory(device)
        return engine
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise ModelError(
            f"The model {model} does not fit into the memory of {device} in {precision}; choose a "
            "smaller model, another device or precision, or close other programs."
        ) from None


def _read(folder: Path, model: str) -> tuple[PreTrainedTokenizerBase, Any]:
    """Let transformers read tokenizer and weights.

    Raises ModelError where a file is damaged, or a weight is not there as the configuration says.
    """
    load: Any = MusicgenForConditionalGeneration.from_pretrained  # its types know no report
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        modules, report = load(
            folder,
            local_files_only=True,
            use_safetensors=True,
            dtype=torch.float32,
            ignore_mismatched_sizes=True,
            output_loading_info=True,
        )
    except SafetensorError as error:
        raise ModelError(
            f"The weights of the model {model} are damaged ({first_line(error)}); download it "
            "again."
        ) from error
    except Exception as error:  # transformers raises what it likes on files it cannot use
        if is_out_of_memory(error):
            raise
        raise ModelError(
            f"The model {model} cannot be read ({first_line(error)}); download it again."
        ) from error
    # transformers makes up the weights that it does not find, or not in the right size.
    made_up = sorted({*report["missing_keys"], *(key for key, *_ in report["mismatched_keys"])})
    if made_up:
        raise ModelError(
            f"The model {model} lacks weights that its configuration asks for "
            f"({len(made_up)} of them, such as {made_up[0]}); download it again."
        )
    _check_nothing_left_over(folder, model, modules.config.decoder)
    return tokenizer, modules.eval()


def _check_nothing_left_over(folder: Path, model: str, decoder: Any) -> None:
    """Raise ModelError where there are weights of more codebooks or layers than configured.

    transformers leaves them out without a word, and what is left makes noise.
    """
    beyond = (
        f"decoder.lm_heads.{decoder.num_codebooks}.",
        f"decoder.model.decoder.layers.{decoder.num_hidden_layers}.",
    )
    for path in weight_files(folder, model):
        with safe_open(path, framework="pt") as file:
            left_over = sorted(name for name in file.keys() if name.startswith(beyond))  # noqa: SIM118
        if left_over:
            raise ModelError(
                f"The model {model} has more weights than its configuration asks for (such as "
                f"{left_over[0]}); download it again."
            )


def _take_over(
    tokenizer: PreTrainedTokenizerBase,
    modules: Any,
    folder: Path,
    model: str,
    device: torch.device,
    precision: str,
) -> Engine:
    config = modules.config.decoder
    channels = config.audio_channels
    projection = getattr(modules, "enc_to_dec_proj", nn.Identity())
    text = TextEncoder(
        tokenizer, modules.text_encoder, projection, device, compact=precision in QUANTISED
    )
    codec = Codec(modules.audio_encoder, channels, device)
    longest = round(WINDOW_SECONDS * codec.frame_rate) + lag(config.num_codebooks, channels)
    positions = rounded_up(longest, LENGTH_UNIT)
    return Engine(
        model=name_of(model),
        licence=licence_of(model),
        precision=precision,
        text=text,
        decoder=_take_decoder(modules, positions, device, precision),
        codec=codec,
        encoder=Encoder(weight_files(folder, model), modules.config.audio_encoder, device),
    )


def _take_decoder(modules: Any, positions: int, device: torch.device, precision: str) -> AnyDecoder:
    """Take the decoder out of transformers' modules; on a CPU for the compiled step if it can."""
    built = None
    if device.type == "cpu" and precision in _COMPILED:
        with suppress(NotCompiled):
            built = compiled_step(modules.config.decoder)
    if built is None:
        moved = copier(working_dtype(precision, device), device)
        made = _matrix_type(precision, device)
        return Decoder(take_decoder(modules, positions, moved, lambda matrix: made(moved(matrix))))
    bits = QUANTISED.get(precision, 16)
    weights = take_decoder(
        modules,
        positions,
        copier(torch.float32, device),
        partial(pack, bits=bits),
        partial(pack, bits=max(bits, 8)),
    )
    return NativeDecoder(weights, built.path, built.target, threads())


def _matrix_type(precision: str, device: torch.device) -> Callable[[Tensor], Matrix]:
    """Return what makes the matrices of PyTorch's own decoder."""
    if precision not in QUANTISED:
        return PlainMatrix
    kind = exact_int8() if device.type == "cpu" else None
    return (kind or WeightOnlyInt8).pack
