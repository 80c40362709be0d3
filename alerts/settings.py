"""The settings of the notifier."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from devices.wire.batch import TOPIC


def shared(name: str) -> AliasChoices:
    """The names of a setting that all parts share: ``name`` and ``VIGIL_NAME``."""
    return AliasChoices(f"VIGIL_{name.upper()}", name)


class NotifySettings(BaseSettings):
    """Read from the environment, ``VIGIL_NOTIFY_...``; all parts share ``VIGIL_DATABASE``, ``VIGIL_KAFKA``, ``VIGIL_TOPIC``
    and ``VIGIL_MASTER_KEY_FILE``.
    """

    model_config = SettingsConfigDict(env_prefix="VIGIL_NOTIFY_", extra="ignore", populate_by_name=True)

    database: str = Field(validation_alias=shared("database"))
    kafka: str = Field("127.0.0.1:9092", validation_alias=shared("kafka"))
    topic: str = Field(TOPIC, validation_alias=shared("topic"))
    master_key_file: Path = Field(validation_alias=shared("master_key_file"))

    desk_url: str = Field(
        "http://127.0.0.1:8080",
        validation_alias=AliasChoices("VIGIL_NOTIFY_DESK_URL", "VIGIL_DESK_PUBLIC_URL", "desk_url"),
    )
    """The address that messages link to: the desk's public address, unless people reach it by another one."""
    webhook_url: SecretStr | None = None
    """The address that the channel ``webhook`` posts to; without it there is no such channel."""
    webhook_secret: SecretStr | None = None
    """The secret under which the channel ``webhook`` signs what it posts (header ``X-Vigil-Signature``)."""
    webhook_timeout_s: float = Field(5.0, gt=0, le=10)
    """The limit of one whole exchange."""
    apprise: bool = False
    """True if people may have Apprise URLs as their channel ``apprise``."""
    apprise_urls: SecretStr | None = None
    """Apprise URLs, with blanks between them, for whole teams; they switch the channel on, too."""
    smtp_host: str = ""
    """The server of the channel ``mail``; without it there is no such channel."""
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr = SecretStr("")
    smtp_from: str = "vigil@localhost"
    smtp_to: str = ""
    """The address for whole teams; without it only people with an address of their own get mail."""
    sms_url: SecretStr | None = None
    """The address of a gateway for text messages, to which the channel ``sms`` posts a form."""
    sms_form: str = "to={to}&text={text}&id={key}"
    """The form: fields and values, in which ``{to}``, ``{text}`` and ``{key}`` are replaced."""
    sms_authorization: SecretStr = SecretStr("")
    """The header ``Authorization`` of its requests, such as ``Bearer …``."""
    sms_to: str = ""
    """The number for whole teams; without it only people with a number of their own get text messages."""
    heartbeat_url: SecretStr | None = None
    """The address of an external receiver that is told every minute that all is well, and calls somebody when it is not (a
    dead man's switch, such as Healthchecks)."""
    heartbeat_method: Literal["GET", "POST"] = "GET"
    heartbeat_s: float = Field(60.0, ge=1, le=600)
    """The time between two heartbeats."""
    poll_s: float = Field(1.0, gt=0, le=5)
    """The longest wait for a hint before the notifier looks by itself."""
