"""Where a model's files are: in a folder, in the Hugging Face cache, or still to be fetched.

Only configuration, tokenizer and safetensors are ever looked at or downloaded; pickled weights and
code never are.
"""

from __future__ import annotations

import json
from pathlib import Path

from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    GatedRepoError,
    HFValidationError,
    LocalEntryNotFoundError,
    RepositoryNotFoundError,
)
from transformers import MusicgenConfig
from transformers.utils.import_utils import is_protobuf_available, is_sentencepiece_available

from musicgen_bot.engine.model_config import ADAPTER, CONFIG, first_line, read_config
from musicgen_bot.errors import ModelError

TINY = "tiny"
"""Names the model that comes with the bot."""
_BUNDLED = Path(__file__).parents[1] / "models" / TINY
_EXAMPLE = "facebook/musicgen-small"
_HOSTS = ("huggingface.co/", "hf.co/", "www.huggingface.co/")
_WEIGHTS = "model.safetensors"
_WEIGHTS_INDEX = "model.safetensors.index.json"
_TOKENIZER = "tokenizer.json"
_OLD_TOKENIZER = "spiece.model"
_SUFFIX = ".safetensors"


def name_of(model: str) -> str:
    """Return what people may know a model by: of a folder its last part, and not where it is."""
    folder = _local_folder(model)
    return model if folder is None else folder.absolute().name


def is_cached(model: str) -> bool:
    """Return whether `model` can be loaded without a download.

    Raises ModelError where what is here cannot be used, and no download would mend that.
    """
    local = _local_folder(model)
    folder = local or _cached_folder(model)
    if folder is None:
        return False
    if local is not None:
        _check_files(local, model)
    return not _missing_files(folder, model)


def fetch_config(model: str) -> MusicgenConfig:
    """Return the configuration of `model` without its weights, downloading it alone if need be.

    Raises ModelError where it cannot be had, or no MusicGen can be built of it.
    """
    folder = _local_folder(model) or _cached_folder(model) or _download(model, [CONFIG, ADAPTER])
    return read_config(folder, model)


def fetch_model(model: str) -> Path:
    """Return the folder with a model's files, downloading them (with a progress bar) if need be.

    Raises ModelError where there is no such model, it cannot be had, or files are missing.
    """
    folder = _local_folder(model)
    if folder is None:
        folder = _cached_folder(model)
        if folder is None or _missing_files(folder, model):
            folder = _download(model, ["*.json", _OLD_TOKENIZER])
            read_config(folder, model)
            folder = _download(model, _weight_names(folder, model) or [_WEIGHTS])
    read_config(folder, model)
    _check_files(folder, model)
    return folder


def weight_files(folder: Path, model: str) -> list[Path]:
    """Return the files with the weights, those that transformers reads; raises ModelError."""
    return [folder / name for name in _weight_names(folder, model)]


def _local_folder(model: str) -> Path | None:
    """Return the folder that `model` names; None where it is a name on Hugging Face."""
    if model == TINY:
        return _BUNDLED
    _, is_address, location = model.rpartition("://")
    if is_address or model.startswith(_HOSTS):
        # The address itself is not told: there may be a token in it.
        name = "/".join(location.split("/")[1:3]) if location.startswith(_HOSTS) else _EXAMPLE
        raise ModelError(f"The model is given as an address; write its name alone, as in {name}.")
    try:
        folder = Path(model).expanduser()
        if model and folder.is_dir():
            return folder
        is_file = folder.is_file()
    except RuntimeError:  # nobody knows whose home ~ is
        folder, is_file = Path(model).absolute(), False
    except OSError as error:
        raise ModelError(
            f"The model {model} cannot be looked at ({error.strerror}); check where it is and who "
            "may read it."
        ) from error
    if is_file:
        raise ModelError(f"The model {model} is a file; give the folder it is in, {folder.parent}.")
    if folder.is_absolute() or model.startswith((".", "~")) or len(folder.parts) > 2:
        raise ModelError(f"There is no folder {model}; check where the model is.")
    return None


def _cached_folder(model: str) -> Path | None:
    try:
        # Without a pattern it would have to be all that is there, files that nobody wants included.
        return Path(snapshot_download(model, allow_patterns=[CONFIG], local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    except RuntimeError as error:  # of a user whom the system does not know
        raise ModelError(
            f"There is no place to keep the model {model}, as this user has no home; set HF_HOME "
            "to a folder that can be written."
        ) from error
    except OSError as error:
        raise ModelError(
            f"The model {model} cannot be looked for ({first_line(error)}); set HF_HOME to a "
            "folder that can be read and written."
        ) from error


def _download(model: str, wanted: list[str]) -> Path:
    try:
        return Path(snapshot_download(model, allow_patterns=wanted))
    except HFValidationError:
        reason = f"that is no name a model can have; give one such as {_EXAMPLE}"
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


def _check_files(folder: Path, model: str) -> None:
    """Raise ModelError where a file is missing without which the model cannot be loaded."""
    missing = _missing_files(folder, model)
    if missing and any(folder.glob("*.bin")):
        raise ModelError(
            f"The model {model} has its weights only in files that may run code when they are "
            "read; choose one with .safetensors files."
        )
    if missing:
        raise ModelError(
            f"The model {model} is not complete: {', '.join(missing)} is missing or damaged; "
            "download it again."
        )


def _missing_files(folder: Path, model: str) -> list[str]:
    """Return the names of missing or damaged files without which the model cannot be loaded.

    Raises ModelError where what is there is the obstacle.
    """
    weights = _weight_names(folder, model)
    if not weights:
        return [_WEIGHTS_INDEX]
    needed = [CONFIG, *weights]
    if not (folder / _OLD_TOKENIZER).is_file():
        needed.append(_TOKENIZER)
    elif not (folder / _TOKENIZER).is_file():
        _check_converters(model)
    return [name for name in needed if not (folder / name).is_file()]


def _weight_names(folder: Path, model: str) -> list[str]:
    """Return the names of the files with the weights; none where their index is damaged.

    Raises ModelError where the index names what must not be read.
    """
    index = folder / _WEIGHTS_INDEX
    if (folder / _WEIGHTS).is_file() or not index.is_file():
        return [_WEIGHTS]
    try:
        names = sorted(set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values()))
        foreign = [name for name in names if Path(name).name != name or not name.endswith(_SUFFIX)]
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return []
    if foreign:
        raise ModelError(
            f"The {_WEIGHTS_INDEX} of the model {model} names {foreign[0]}, which is no {_SUFFIX} "
            "file in the same folder, and is not read; choose another model."
        )
    return names


def _check_converters(model: str) -> None:
    """Raise ModelError where transformers has not what it reads an old tokenizer with."""
    if not (is_sentencepiece_available() and is_protobuf_available()):
        raise ModelError(
            f"The model {model} has no {_TOKENIZER}, and its {_OLD_TOKENIZER} takes two more "
            "packages to read; install them with `pip install sentencepiece protobuf`."
        )
