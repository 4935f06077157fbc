"""The host's settings, read once from the environment and from `.env`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from musicgen_bot.errors import ConfigError

Precision = Literal["auto", "fp32", "bf16", "fp16", "int8", "int4"]
LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]
LogFormat = Literal["text", "json"]


class Settings(BaseSettings):
    """Each field is the environment variable of its name in capitals; see `.env.example`."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore"
    )

    discord_token: SecretStr | None = None
    musicgen_model: str = "facebook/musicgen-small"
    musicgen_device: Annotated[str, Field(pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$")] = "auto"
    musicgen_precision: Precision = "auto"
    musicgen_max_batch: Annotated[int, Field(ge=1, le=64)] = 4
    data_dir: Path = Path("data")
    log_level: LogLevel = "INFO"
    log_format: LogFormat = "text"
    log_prompts: bool = False
    owner_guild: Annotated[int, Field(ge=1, lt=2**63)] | None = None
    idle_unload_minutes: Annotated[float, Field(ge=0, allow_inf_nan=False)] = 0
    keep_clips_days: Annotated[int, Field(ge=0, le=36_500)] = 365
    keep_clips_mb: Annotated[int, Field(ge=0, le=10**9)] = 1000
    limit_clip_seconds: Annotated[float, Field(ge=1, le=300)] = 30
    limit_cooldown_seconds: Annotated[float, Field(ge=0, le=86_400)] = 10
    limit_waiting_per_user: Annotated[int, Field(ge=1)] = 3
    limit_waiting_per_guild: Annotated[int, Field(ge=1)] = 20

    @property
    def database_path(self) -> Path:
        """The one file everything is kept in."""
        return self.data_dir / "musicgen-bot.sqlite3"


def load_settings(**instead: Any) -> Settings:
    """Read the settings; what is given here by name counts more than what is read.

    Raises ConfigError that names every setting which is wrong, and never shows the token.
    """
    try:
        return Settings(**instead)
    except ValidationError as error:
        wrong = "; ".join(
            f"{str(item['loc'][0]).upper()}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise ConfigError(f"Please correct these settings ({wrong}).") from None
    except UnicodeDecodeError:
        raise ConfigError("The file .env is not UTF-8 text; please save it as UTF-8.") from None
