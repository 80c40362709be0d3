"""Settings that all commands of the server share; each package has its own in its settings.py."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from devices.wire.batch import TOPIC


class LogSettings(BaseSettings):
    """Read from VIGIL_KAFKA and VIGIL_TOPIC."""

    model_config = SettingsConfigDict(env_prefix="VIGIL_", extra="ignore")

    kafka: str
    topic: str = TOPIC


class ServerSettings(LogSettings):
    """Read from VIGIL_DATABASE, VIGIL_KAFKA, VIGIL_TOPIC and VIGIL_MASTER_KEY_FILE."""

    database: str
    master_key_file: Path
