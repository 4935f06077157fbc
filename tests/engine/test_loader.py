"""Models are found, or it is said in one sentence why they cannot be used."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import load_file, save_file

from musicgen_bot.engine import load_engine
from musicgen_bot.engine.model_files import fetch_config, is_cached, name_of
from musicgen_bot.errors import ModelError
from musicgen_bot.generation import GenerationRequest

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
Change = Callable[[Path], object]


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


def write(name: str, text: str) -> Change:
    return lambda folder: (folder / name).write_text(text)


def delete(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def configure(part: str, **values: object) -> Change:
    def change(folder: Path) -> None:
        config = json.loads((folder / "config.json").read_text())
        config[part] |= values
        (folder / "config.json").write_text(json.dumps(config))

    return change


def cut_short(folder: Path) -> None:
    content = (folder / WEIGHTS).read_bytes()
    (folder / WEIGHTS).write_bytes(content[:-1000])


def pickle_instead(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    torch.save({}, folder / "pytorch_model.bin")


def lose_a_weight(folder: Path) -> None:
    weights = load_file(folder / WEIGHTS)
    del weights["decoder.model.decoder.layers.1.fc1.weight"]
    save_file(weights, folder / WEIGHTS, {"format": "pt"})


def lose_a_shard(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / INDEX).write_text(json.dumps({"weight_map": {"a": "model-1.safetensors"}}))


DAMAGES: dict[str, tuple[Change, str]] = {
    "no configuration": (delete("config.json"), "no config.json"),
    "no json": (write("config.json", "{"), "cannot be used"),
    "no object": (write("config.json", "[]"), "cannot be used"),
    "no number": (configure("decoder", ffn_dim="many"), "cannot be used"),
    "another kind": (write("config.json", '{"model_type": "gpt2"}'), "is no MusicGen"),
    "melody": (write("config.json", '{"model_type": "musicgen_melody"}'), "is no MusicGen"),
    "another codec": (configure("audio_encoder", model_type="dac"), "is no MusicGen"),
    "no weights": (delete(WEIGHTS), f"{WEIGHTS} is missing or damaged"),
    "pickled weights": (pickle_instead, "may run code"),
    "weights cut short": (cut_short, "are damaged"),
    "garbage for weights": (write(WEIGHTS, "x" * 10_000), "are damaged"),
    "a weight missing": (lose_a_weight, r"1 of them, such as decoder\.model\.decoder\.layers\.1\."),
    "weights of another size": (configure("decoder", ffn_dim=100), "lacks weights"),
    "impossible sizes": (configure("decoder", hidden_size=-4), "cannot be read"),
    "a shard missing": (lose_a_shard, r"model-1\.safetensors is missing"),
    "a damaged index": (write(INDEX, "{"), f"{INDEX} is missing or damaged"),
    "no tokenizer": (delete("tokenizer.json"), r"tokenizer\.json is missing"),
    "a damaged tokenizer": (write("tokenizer.json", "{}"), "cannot be read"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_or_foreign_model_is_refused(
    random_checkpoint: Path, tmp_path: Path, damage: str
) -> None:
    change, message = DAMAGES[damage]
    folder = shutil.copytree(random_checkpoint, tmp_path / "model")
    change(folder)
    with pytest.raises(ModelError, match=message) as error:
        load_engine(str(folder), "cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("/no/such/folder", "There is no folder"),
        ("./no-such-folder", "There is no folder"),
        ("facebook/musicgen-small", "not on this machine"),
        ("a name with spaces", "no name a model can have"),
        ("", "no name a model can have"),
    ],
)
def test_a_model_that_cannot_be_had_is_refused(hub: Path, model: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        load_engine(model, "cpu")
    assert not is_cached(model)
    assert not hub.exists()


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
