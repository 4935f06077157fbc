"""A model that is damaged, or is none of MusicGen's, is refused in one sentence."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from musicgen_bot.engine import load_engine
from musicgen_bot.engine.model_files import fetch_config, is_cached
from musicgen_bot.errors import ModelError
from tests.engine.test_loader import INDEX, WEIGHTS

Change = Callable[[Path], object]


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


def shards(*names: object) -> Change:
    """Leave nothing of the weights but an index that names these files."""

    def change(folder: Path) -> None:
        (folder / WEIGHTS).unlink()
        weight_map = {str(number): name for number, name in enumerate(names)}
        (folder / INDEX).write_text(json.dumps({"weight_map": weight_map}))

    return change


def damage_the_index(folder: Path) -> None:
    (folder / WEIGHTS).unlink()
    (folder / INDEX).write_text("{")


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
    "a codebook left over": (
        configure("decoder", num_codebooks=3),
        r"such as .*lm_heads\.3",
    ),
    "a layer left over": (
        configure("decoder", num_hidden_layers=1),
        r"such as .*layers\.1",
    ),
    "no heads": (configure("decoder", num_attention_heads=0), "num_attention_heads of the decoder"),
    "negative heads": (configure("decoder", num_attention_heads=-2), "is -2, which is no size"),
    "heads that do not fit": (configure("decoder", num_attention_heads=3), "by 3 attention heads"),
    "negative width": (configure("decoder", hidden_size=-4), "is -4, which is no size"),
    "too little width": (configure("decoder", hidden_size=2, num_attention_heads=1), "size of 2"),
    "no layers": (configure("decoder", num_hidden_layers=0), "is 0, which is no size"),
    "no codebooks": (configure("decoder", num_codebooks=0), "is 0, which is no size"),
    "an odd codebook": (configure("decoder", num_codebooks=5, audio_channels=2), "5 codebooks"),
    "codebooks without a codec": (configure("decoder", num_codebooks=8), "8 codebooks"),
    "codes without a sound": (configure("decoder", vocab_size=1000), "knows 256 codes"),
    "unknown activation": (configure("decoder", activation_function="x"), "no activation function"),
    "one code": (configure("audio_encoder", codebook_size=1), "cannot be used"),
    "no text": (configure("text_encoder", num_heads=0), "num_heads of the text_encoder is 0"),
    "no rate": (configure("audio_encoder", sampling_rate=0), "is 0, which is no size"),
    "a broken frame": (configure("audio_encoder", sampling_rate=32001), "whole number of frames"),
    "no ratios": (configure("audio_encoder", upsampling_ratios=[]), r"is \[\], which is no size"),
    "a ratio of 0": (configure("audio_encoder", upsampling_ratios=[8, 0]), "which is no size"),
    "no bandwidth": (configure("audio_encoder", target_bandwidths=[]), "which is no size"),
    "an adapter": (write("adapter_config.json", "{}"), "merge it into its base model"),
    "an adapter's weights": (write("adapter_model.safetensors", ""), "merge it into its base"),
    "a shard missing": (shards("model-1.safetensors"), r"model-1\.safetensors is missing"),
    "a shard elsewhere": (shards("../x.safetensors"), r"names \.\./x\.safetensors"),
    "a shard anywhere": (shards("/tmp/x.safetensors"), r"names /tmp/x\.safetensors"),  # noqa: S108
    "a pickled shard": (shards("pytorch_model.bin"), r"names pytorch_model\.bin, which is no"),
    "no shards": (shards(), f"{INDEX} is missing or damaged"),
    "a shard without a name": (shards(5), f"{INDEX} is missing or damaged"),
    "a damaged index": (damage_the_index, f"{INDEX} is missing or damaged"),
    "no tokenizer": (delete("tokenizer.json"), r"tokenizer\.json is missing"),
    "a damaged tokenizer": (write("tokenizer.json", "{}"), "cannot be read"),
}


FOUND_BY_READING = {
    *("weights cut short", "garbage for weights", "a weight missing", "weights of another size"),
    *("a codebook left over", "a layer left over", "a damaged tokenizer"),
}
"""Damages that are not known before everything is read."""


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
    if damage not in FOUND_BY_READING:
        with pytest.raises(ModelError, match=message):
            looked_at(str(folder))


def looked_at(model: str) -> bool:
    """Look at a model as `check` does."""
    fetch_config(model)
    return is_cached(model)
