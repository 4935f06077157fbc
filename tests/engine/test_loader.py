"""Models are found, or it is said in one sentence why they cannot be used."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file
from transformers.utils.import_utils import is_protobuf_available, is_sentencepiece_available

from musicgen_bot.engine import load_engine
from musicgen_bot.engine.model_files import fetch_config, is_cached, name_of
from musicgen_bot.errors import ModelError
from musicgen_bot.generation import GenerationRequest

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty Hugging Face cache."""
    folder = tmp_path / "hub"
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(folder))
    return folder


def cache(hub: Path, name: str, source: Path) -> Path:
    """Put a model into the cache as huggingface_hub does, and return its snapshot."""
    repository = hub / f"models--{name.replace('/', '--')}"
    commit = "0123456789012345678901234567890123456789"
    shutil.copytree(source, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    return repository / "snapshots" / commit


def split(folder: Path) -> None:
    """Split the weights in two files, whose names are not those that transformers gives."""
    weights = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    weight_map = {key: f"part-{number % 2}.safetensors" for number, key in enumerate(weights)}
    for name in set(weight_map.values()):
        part = {key: weights[key] for key in weights if weight_map[key] == name}
        save_file(part, folder / name, {"format": "pt"})
    content = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (folder / INDEX).write_text(json.dumps(content))


@pytest.mark.skipif(
    is_sentencepiece_available() and is_protobuf_available(), reason="it can be read here"
)
def test_a_tokenizer_that_takes_more_packages_is_told(
    random_checkpoint: Path, hub: Path, tmp_path: Path
) -> None:
    for folder in (
        shutil.copytree(random_checkpoint, tmp_path / "model"),
        cache(hub, "someone/musicgen-old", random_checkpoint),
    ):
        (folder / "spiece.model").touch()
        assert is_cached(str(folder))
        (folder / "tokenizer.json").unlink()
    for model in (str(tmp_path / "model"), "someone/musicgen-old"):
        with pytest.raises(ModelError, match="pip install sentencepiece protobuf"):
            load_engine(model, "cpu")
        with pytest.raises(ModelError, match="pip install sentencepiece protobuf"):
            is_cached(model)


def test_weights_may_be_in_files_of_any_name(random_checkpoint: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(random_checkpoint, tmp_path / "model")
    split(folder)
    (folder / "model-of-another.safetensors").write_text("garbage")
    assert is_cached(str(folder))
    whole, parts = (load_engine(str(each), "cpu") for each in (random_checkpoint, folder))
    sound = np.random.default_rng(0).uniform(-0.5, 0.5, (1, 6400)).astype(np.float32)
    np.testing.assert_array_equal(parts.encode(sound, 32000), whole.encode(sound, 32000))


def test_an_index_beside_whole_weights_is_not_read(random_checkpoint: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(random_checkpoint, tmp_path / "model")
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": "../x.safetensors"}}))
    assert load_engine(str(folder), "cpu").model == "model"


def test_a_file_instead_of_its_folder_is_told(random_checkpoint: Path) -> None:
    with pytest.raises(ModelError, match=f"is a file; give the folder .* {random_checkpoint}"):
        load_engine(str(random_checkpoint / WEIGHTS), "cpu")


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("/no/such/folder", "There is no folder"),
        ("./no-such-folder", "There is no folder"),
        ("~", "There is no folder ~"),
        ("~/models/mine", "There is no folder ~/models/mine"),
        ("/" + 300 * "x", "cannot be looked at"),
        ("https://huggingface.co/facebook/musicgen-small", "as in facebook/musicgen-small"),
        ("https://huggingface.co/someone/mine/tree/main?x=1", r"as in someone/mine\."),
        ("huggingface.co/someone/mine", r"as in someone/mine\."),
        ("https://someone:secret@huggingface.co/a/b", "as in facebook/musicgen-small"),
        ("facebook/musicgen-small", "not on this machine"),
        ("a name with spaces", "no name a model can have"),
        ("", "no name a model can have"),
    ],
)
def test_a_model_that_cannot_be_had_is_refused(
    hub: Path, monkeypatch: pytest.MonkeyPatch, model: str, message: str
) -> None:
    monkeypatch.setattr(Path, "expanduser", homeless)
    with pytest.raises(ModelError, match=message) as error:
        load_engine(model, "cpu")
    assert "secret" not in str(error.value)
    assert not hub.exists()


def test_models_of_somebody_without_a_home_need_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "expanduser", homeless)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", "~/.cache/huggingface/hub")
    with pytest.raises(ModelError, match="set HF_HOME"):
        load_engine("facebook/musicgen-small", "cpu")
    with pytest.raises(ModelError, match="set HF_HOME"):
        is_cached("facebook/musicgen-small")
    assert is_cached("tiny")


def homeless(path: Path) -> Path:
    """Be `Path.expanduser` for somebody who has no home."""
    if path.parts[:1] == ("~",):
        raise RuntimeError("Could not determine home directory.")
    return path


@pytest.mark.parametrize(
    ("device", "message"),
    [
        ("cuda", "0 CUDA GPUs"),
        ("cuda:3", "0 CUDA GPUs"),
        ("mps", "no Apple GPU"),
        ("cuda:x", "no device called"),
        ("tpu", "no device called"),
    ],
)
def test_a_device_that_is_not_there_is_refused(
    monkeypatch: pytest.MonkeyPatch, device: str, message: str
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ModelError, match=message):
        load_engine("tiny", device)


def test_an_unknown_precision_is_refused() -> None:
    with pytest.raises(ModelError, match="auto, fp32, bf16, fp16"):
        load_engine("tiny", "cpu", "int3")


def test_a_model_too_large_for_memory_is_refused(
    random_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "cat", lambda *_, **__: torch.empty(1 << 60))
    with pytest.raises(ModelError, match="does not fit"):
        load_engine(str(random_checkpoint), "cpu")


def test_tiny_is_the_bundled_model(hub: Path) -> None:
    engine = load_engine("tiny", "cpu")
    assert engine.model == "tiny"
    assert "MIT" in engine.licence
    assert (engine.sample_rate, engine.frame_rate, engine.codebooks) == (16000, 50, 5)
    (clip,) = engine.generate([GenerationRequest("lofi", 2.0, 1)])
    assert clip.samples.std() > 0.03
    assert not hub.exists()


def test_a_folder_is_known_by_its_name_and_not_by_where_it_is(random_checkpoint: Path) -> None:
    assert name_of(str(random_checkpoint)) == random_checkpoint.name
    assert name_of("tiny") == "tiny"
    assert name_of("facebook/musicgen-small") == "facebook/musicgen-small"
    assert load_engine(str(random_checkpoint), "cpu").model == random_checkpoint.name


def test_loading_prints_nothing(random_checkpoint: Path, capfd: pytest.CaptureFixture[str]) -> None:
    load_engine(str(random_checkpoint), "cpu")
    assert capfd.readouterr() == ("", "")


def test_a_cached_model_is_used_without_the_network(hub: Path, random_checkpoint: Path) -> None:
    snapshot = cache(hub, "someone/musicgen-little", random_checkpoint)
    assert is_cached("someone/musicgen-little")
    assert fetch_config("someone/musicgen-little").decoder.num_codebooks == 4  # type: ignore[union-attr]
    engine = load_engine("someone/musicgen-little", "cpu")
    assert engine.model == "someone/musicgen-little"
    assert "CC-BY-NC-4.0" in engine.licence
    (snapshot / WEIGHTS).unlink()
    assert not is_cached("someone/musicgen-little")
    with pytest.raises(ModelError, match=WEIGHTS):
        load_engine("someone/musicgen-little", "cpu")


def test_a_loaded_model_needs_its_file_no_more(random_checkpoint: Path, tmp_path: Path) -> None:
    """Its weights lie in memory, not in a mapped file that would take as much again."""
    folder = shutil.copytree(random_checkpoint, tmp_path / "model")
    engine = load_engine(str(folder), "cpu")
    request = GenerationRequest("lofi", 0.2, 1)
    (before,) = engine.generate([request])
    with (folder / WEIGHTS).open("r+b") as file:
        file.write(bytes((folder / WEIGHTS).stat().st_size))
    (after,) = engine.generate([request])
    np.testing.assert_array_equal(after.codes, before.codes)
    np.testing.assert_array_equal(after.samples, before.samples)


def test_a_checkpoint_of_an_older_transformers_is_the_same_model(
    random_checkpoint: Path, tmp_path: Path
) -> None:
    # facebook/musicgen-small was saved in 2023: weight_norm had other names then, the positions
    # were stored, and so was the text encoder's embedding under both of its names.
    folder = tmp_path / "older"
    shutil.copytree(random_checkpoint, folder)
    weights = load_file(folder / "model.safetensors")
    older = {
        name.replace("parametrizations.weight.original0", "weight_g").replace(
            "parametrizations.weight.original1", "weight_v"
        ): tensor
        for name, tensor in weights.items()
    }
    assert older.keys() != weights.keys()
    older["decoder.model.decoder.embed_positions.weights"] = torch.zeros(2048, 64)
    shared = older["text_encoder.shared.weight"]
    older["text_encoder.encoder.embed_tokens.weight"] = shared.clone()
    save_file(older, folder / "model.safetensors", metadata={"format": "pt"})

    request = GenerationRequest("slow piano", 1.0, seed=1)
    (new,) = load_engine(str(random_checkpoint), "cpu").generate([request])
    (old,) = load_engine(str(folder), "cpu").generate([request])
    assert np.array_equal(new.codes, old.codes)
    assert np.array_equal(new.samples, old.samples)


def test_the_licence_of_an_unknown_model_is_on_its_card(random_checkpoint: Path) -> None:
    assert "the model card" in load_engine(str(random_checkpoint), "cpu").licence


def test_a_configuration_is_had_without_the_weights(hub: Path, random_checkpoint: Path) -> None:
    for model in ("tiny", str(random_checkpoint)):
        assert is_cached(model)
        assert fetch_config(model).model_type == "musicgen"
    with pytest.raises(ModelError, match="not on this machine"):
        fetch_config("facebook/musicgen-small")
    assert not is_cached("facebook/musicgen-small")
