"""What the host sets, read once from the environment and from `.env`.

In the code that is the config; settings are what a server's admins set.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from musicgen_bot.errors import ConfigError


def _small(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _capital(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


Device = Annotated[str, BeforeValidator(_small), Field(pattern=r"^(auto|cpu|cuda(:\d+)?|mps)$")]
Precision = Annotated[
    Literal["auto", "fp32", "bf16", "fp16", "int8", "int4"], BeforeValidator(_small)
]
LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_capital)]
LogFormat = Annotated[Literal["text", "json"], BeforeValidator(_small)]


class Config(BaseSettings):
    """Each field is the environment variable of its name in capitals; see `.env.example`."""

    model_config = SettingsConfigDict(
        env_file=".env", env_file_encoding="utf-8", env_ignore_empty=True, extra="ignore"
    )

    discord_token: SecretStr | None = None
    musicgen_model: str = "facebook/musicgen-small"
    musicgen_device: Device = "auto"
    musicgen_precision: Precision = "auto"
    musicgen_max_batch: Annotated[int, Field(ge=1, le=64)] = 4
    nice: Annotated[int, Field(ge=0, le=19)] = 0
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


def load_config(**instead: Any) -> Config:
    """Read the config; what is given here by name counts more than what is read.

    Raises ConfigError that names every setting which is wrong, and never shows the token.
    """
    try:
        return Config(**instead)
    except ValidationError as error:
        wrong = "; ".join(
            f"{str(item['loc'][0]).upper()}: {item['msg']}"
            for item in error.errors(include_input=False, include_url=False)
        )
        raise ConfigError(f"Please correct these settings ({wrong}).") from None
    except UnicodeDecodeError:
        raise ConfigError("The file .env is not UTF-8 text; please save it as UTF-8.") from None
