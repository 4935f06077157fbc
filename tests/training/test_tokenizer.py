from __future__ import annotations

import pytest
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from training.tokenizer import build_tokenizer

CAPTIONS = 30 * ["A calm lofi beat, 75 bpm, no drums", "A happy piano and a Dulcimer"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory: pytest.TempPathFactory) -> PreTrainedTokenizerBase:
    """As it comes back from a file."""
    folder = tmp_path_factory.mktemp("tokenizer")
    build_tokenizer(CAPTIONS).save_pretrained(folder)
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder)
    return loaded


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Piano, and DRUMS!", ["▁piano", "▁and", "▁drums"]),
        ("lofi - 120BPM", ["▁lofi", "▁120", "▁bpm"]),
        ("piáno", ["▁piano"]),
        ("happiness", ["▁happ", "iness"]),
        ("pianist", ["▁pian", "ist"]),
        ("dulcimers", ["▁dulcimer", "s"]),
        ("nodrums", ["▁no", "drums"]),
        ("75s", ["▁75", "▁", "s"]),
        ("音楽 🎵", []),
    ],
)
def test_words_are_pieces_whatever_their_looks(
    tokenizer: PreTrainedTokenizerBase, text: str, pieces: list[str]
) -> None:
    assert tokenizer.tokenize(text) == pieces


@pytest.mark.parametrize("tempo", range(40, 221))
def test_every_tempo_is_one_piece(tokenizer: PreTrainedTokenizerBase, tempo: int) -> None:
    assert tokenizer.tokenize(str(tempo)) == [f"▁{tempo}"]


def test_every_word_can_be_spelled(tokenizer: PreTrainedTokenizerBase) -> None:
    ids = tokenizer("Qwxzj 9876543210 Zyzzyva ñandú").input_ids
    assert tokenizer.unk_token_id not in ids


def test_ids_of_the_special_pieces_are_those_of_t5(tokenizer: PreTrainedTokenizerBase) -> None:
    batch = tokenizer(["", "piano"], padding=True)
    assert batch.input_ids[0] == [1, 0]
    assert batch.input_ids[1][1] == 1
    assert batch.attention_mask == [[1, 0], [1, 1]]
    assert tokenizer.convert_tokens_to_ids("<unk>") == 2


def test_rare_words_are_no_pieces() -> None:
    tokenizer = build_tokenizer([*CAPTIONS, "a zither"])
    assert "▁dulcimer" in tokenizer.get_vocab()
    assert "▁zither" not in tokenizer.get_vocab()
