"""Settings that all commands of the server share; each package has its own in its settings.py."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict

from devices.wire.batch import TOPIC


class ServerSettings(BaseSettings):
    """Read from VIGIL_DATABASE, VIGIL_KAFKA, VIGIL_TOPIC and VIGIL_MASTER_KEY_FILE."""

    model_config = SettingsConfigDict(env_prefix="VIGIL_", extra="ignore")

    database: str
    kafka: str
    topic: str = TOPIC
    master_key_file: Path
