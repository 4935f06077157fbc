"""What the host sets comes from the environment and `.env`, and a wrong one is named."""

from pathlib import Path

import pytest

from musicgen_bot.config import Config, load_config
from musicgen_bot.errors import ConfigError

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def _nothing_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Config.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_defaults_stand_without_any_setting() -> None:
    config = load_config()
    assert config.discord_token is None
    assert config.musicgen_model == "facebook/musicgen-small"
    assert config.limit_clip_seconds == 30
    assert config.database_path == Path("data/musicgen-bot.sqlite3")


def test_the_environment_counts_more_than_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("MUSICGEN_MODEL=tiny\nLIMIT_WAITING_PER_USER=7\nUNKNOWN=1\n")
    monkeypatch.setenv("MUSICGEN_MODEL", "some/model")
    config = load_config()
    assert config.musicgen_model == "some/model"
    assert config.limit_waiting_per_user == 7


@pytest.mark.parametrize(
    ("name", "written", "meant"),
    [
        ("MUSICGEN_PRECISION", "FP32", "fp32"),
        ("MUSICGEN_PRECISION", " Int8 ", "int8"),
        ("MUSICGEN_DEVICE", "CPU", "cpu"),
        ("MUSICGEN_DEVICE", "Cuda:0", "cuda:0"),
        ("LOG_LEVEL", "info", "INFO"),
        ("LOG_FORMAT", "JSON", "json"),
        ("LOG_PROMPTS", "TRUE", True),
    ],
)
def test_case_and_spaces_around_a_choice_do_not_matter(
    name: str, written: str, meant: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, written)
    assert getattr(load_config(), name.lower()) == meant


def test_a_setting_left_empty_is_the_default() -> None:
    Path(".env").write_text("DISCORD_TOKEN=\nLIMIT_CLIP_SECONDS=\n")
    config = load_config()
    assert config.discord_token is None
    assert config.limit_clip_seconds == 30


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LIMIT_CLIP_SECONDS", "soon"),
        ("LIMIT_CLIP_SECONDS", "301"),
        ("LIMIT_COOLDOWN_SECONDS", "-1"),
        ("LIMIT_WAITING_PER_GUILD", "0"),
        ("MUSICGEN_MAX_BATCH", "0"),
        ("MUSICGEN_DEVICE", "gpu"),
        ("MUSICGEN_PRECISION", "fp8"),
        ("LOG_LEVEL", "loud"),
        ("LOG_FORMAT", "xml"),
        ("LOG_PROMPTS", "perhaps"),
        ("OWNER_GUILD", "den"),
        ("OWNER_GUILD", "0"),
        ("IDLE_UNLOAD_MINUTES", "-1"),
        ("IDLE_UNLOAD_MINUTES", "inf"),
        ("KEEP_CLIPS_DAYS", "-1"),
        ("KEEP_CLIPS_MB", "much"),
        ("NICE", "-1"),
        ("NICE", "20"),
        ("NICE", "very"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    with pytest.raises(ConfigError, match=name) as raised:
        load_config()
    assert "very-secret" not in str(raised.value)


def test_the_token_is_in_no_repr(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "very-secret")
    assert "very-secret" not in repr(load_config())
    assert "very-secret" not in str(load_config())


@pytest.mark.parametrize("page", [".env.example", "docs/hosting.md"])
def test_every_setting_is_documented(page: str) -> None:
    text = (ROOT / page).read_text()
    for name in Config.model_fields:
        assert name.upper() in text, f"{name.upper()} is missing in {page}"
