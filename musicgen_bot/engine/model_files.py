"""Where a model's files are: in a folder, in the Hugging Face cache, or still to be fetched.

Only configuration, tokenizer and safetensors are ever looked at or downloaded; pickled weights and
code never are.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from transformers import MusicgenConfig

from musicgen_bot.engine.quiet import quiet_transformers
from musicgen_bot.errors import ModelError

TINY = "tiny"
"""Names the model that comes with the bot."""
_BUNDLED = Path(__file__).parents[1] / "models" / TINY
_CONFIG = "config.json"
_WEIGHTS = "model.safetensors"
_WEIGHTS_INDEX = "model.safetensors.index.json"
_TOKENIZERS = ("tokenizer.json", "spiece.model")
_WANTED = ["*.json", "model*.safetensors", "spiece.model"]


def name_of(model: str) -> str:
    """Return what people may know a model by: of a folder its last part, and not where it is."""
    folder = _local_folder(model)
    return model if folder is None else folder.absolute().name


def is_cached(model: str) -> bool:
    """Return whether `model` can be loaded without a download."""
    try:
        folder = _local_folder(model) or _cached_folder(model)
    except ModelError:
        return False
    return folder is not None and not _unusable_files(folder)


def fetch_config(model: str) -> MusicgenConfig:
    """Return the configuration of `model` without its weights, downloading it alone if need be.

    Raises ModelError where it cannot be had, or is of another kind of model.
    """
    folder = _local_folder(model) or _cached_folder(model) or _download(model, [_CONFIG])
    return read_config(folder, model)


def read_config(folder: Path, model: str) -> MusicgenConfig:
    """Return the configuration in a model's folder; raises ModelError if it is not MusicGen's."""
    path = folder / _CONFIG
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        kinds = [content.get("model_type")]
        if kinds == ["musicgen"]:
            with quiet_transformers():
                config: Any = MusicgenConfig.from_pretrained(folder)
            kinds += [config.text_encoder.model_type, config.audio_encoder.model_type]
    except FileNotFoundError:
        raise ModelError(
            f"The model {model} has no {_CONFIG}; give a folder that transformers saved, or a "
            "name such as facebook/musicgen-small."
        ) from None
    except Exception as error:  # transformers raises what it likes on a configuration it dislikes
        raise ModelError(
            f"The {_CONFIG} of the model {model} cannot be used ({first_line(error)}); "
            "download the model again."
        ) from error
    if kinds != ["musicgen", "t5", "encodec"]:
        raise ModelError(
            f"The model {model} is no MusicGen (it says {kinds[-1]}), but the bot runs nothing "
            "else; choose one such as facebook/musicgen-small."
        )
    return cast("MusicgenConfig", config)


def fetch_model(model: str) -> Path:
    """Return the folder with a model's files, downloading them (with a progress bar) if need be.

    Raises ModelError where there is no such model, it cannot be had, or files are missing.
    """
    folder = _local_folder(model)
    if folder is None:
        folder = _cached_folder(model)
        if folder is None or _unusable_files(folder):
            folder = _download(model, _WANTED)
    read_config(folder, model)
    unusable = _unusable_files(folder)
    if unusable and any(folder.glob("*.bin")):
        raise ModelError(
            f"The model {model} has its weights only in files that may run code when they are "
            "read; choose one with .safetensors files."
        )
    if unusable:
        raise ModelError(
            f"The model {model} is not complete: {', '.join(unusable)} is missing or damaged; "
            "download it again."
        )
    return folder


def first_line(error: Exception) -> str:
    """Return what a library's error says, without the pages that follow."""
    return str(error).strip().split("\n")[0].rstrip(".") or type(error).__name__


def _local_folder(model: str) -> Path | None:
    """Return the folder that `model` names; None where it is a name on Hugging Face."""
    if model == TINY:
        return _BUNDLED
    folder = Path(model).expanduser()
    if model and folder.is_dir():
        return folder
    if folder.is_absolute() or model.startswith((".", "~")) or len(folder.parts) > 2:
        raise ModelError(f"There is no folder {model}; check where the model is.")
    return None


def _cached_folder(model: str) -> Path | None:
    try:
        return Path(snapshot_download(model, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None


def _download(model: str, wanted: list[str]) -> Path:
    try:
        return Path(snapshot_download(model, allow_patterns=wanted))
    except HFValidationError:
        reason = "that is no name a model can have; give one such as facebook/musicgen-small"
    except GatedRepoError:
        reason = "its owner has to grant access; ask for it on huggingface.co and set HF_TOKEN"
    except RepositoryNotFoundError:
        reason = "huggingface.co has no model of that name; check how it is written"
    except LocalEntryNotFoundError:
        reason = (
            "it is not on this machine and huggingface.co cannot be reached; connect to the "
            "internet, or give the folder of a model"
        )
    except OSError as error:
        reason = f"the download failed ({first_line(error)}); try again"
    raise ModelError(f"The model {model} cannot be had: {reason}.")


def _unusable_files(folder: Path) -> list[str]:
    """Return the names of missing or damaged files without which no model can be loaded."""
    tokenizer = next((name for name in _TOKENIZERS if (folder / name).is_file()), _TOKENIZERS[0])
    needed = [_CONFIG, tokenizer]
    index = folder / _WEIGHTS_INDEX
    if not index.is_file():
        needed.append(_WEIGHTS)
    else:
        try:
            weight_map = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
            needed.extend(sorted(set(weight_map.values())))
        except (ValueError, TypeError, KeyError, AttributeError):
            return [_WEIGHTS_INDEX]
    return [name for name in needed if not (folder / name).is_file()]
