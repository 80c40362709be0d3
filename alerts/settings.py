"""The settings of the notifier."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from devices.wire.batch import TOPIC


class NotifySettings(BaseSettings):
    """Read from the environment, ``VIGIL_NOTIFY_...``; all parts share ``VIGIL_DATABASE``, ``VIGIL_KAFKA``, ``VIGIL_TOPIC``
    and ``VIGIL_MASTER_KEY_FILE``.
    """

    model_config = SettingsConfigDict(env_prefix="VIGIL_NOTIFY_", extra="ignore", populate_by_name=True)

    database: str = Field(validation_alias=AliasChoices("VIGIL_DATABASE", "database"))
    kafka: str = Field("127.0.0.1:9092", validation_alias=AliasChoices("VIGIL_KAFKA", "kafka"))
    topic: str = Field(TOPIC, validation_alias=AliasChoices("VIGIL_TOPIC", "topic"))
    master_key_file: Path = Field(validation_alias=AliasChoices("VIGIL_MASTER_KEY_FILE", "master_key_file"))

    desk_url: str = "http://127.0.0.1:8080"
    """The address that messages link to; the desk there asks people to sign in."""
    webhook_url: SecretStr | None = None
    """The address that the channel ``webhook`` posts to; without it there is no such channel."""
    webhook_timeout_s: float = Field(5.0, gt=0, le=10)
    """The limit of one whole exchange."""
    poll_s: float = Field(1.0, gt=0, le=5)
    """The longest wait for a hint before the notifier looks by itself."""
