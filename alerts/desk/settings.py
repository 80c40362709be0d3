"""The settings of the desk.

Environment variables begin with ``VIGIL_DESK_``; those shared with other parts begin with ``VIGIL_``.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from alerts.settings import shared
from devices.wire.batch import TOPIC


class DemoSignIn(BaseModel):
    """A sign-in that the demo shows on the sign-in page."""

    sign_in: str
    password: str
    role: str


class DeskSettings(BaseSettings):
    """Settings of the desk; times in seconds."""

    model_config = SettingsConfigDict(env_prefix="VIGIL_DESK_", extra="ignore")

    database: str = Field(validation_alias=shared("database"))
    master_key_file: Path = Field(validation_alias=shared("master_key_file"))
    kafka: str = Field(default="127.0.0.1:9092", validation_alias=shared("kafka"))  # gateways get this address
    topic: str = Field(default=TOPIC, validation_alias=shared("topic"))

    heartbeat_s: float = Field(30.0, ge=1, le=60)  # between two heartbeats of a gateway

    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = "http://127.0.0.1:8080"  # https here makes cookies Secure with the __Host- prefix
    zone: ZoneInfo = ZoneInfo("UTC")  # of all times shown
    grafana_url: str | None = None

    demo: bool = False
    demo_sign_ins: tuple[DemoSignIn, ...] = ()

    idle_s: int = 15 * 60
    absolute_s: int = 12 * 3600
    read_every_s: float = 0.5
    stale_after_s: float = 10.0  # older than this, the newest clock record means that data stands still
    body_limit: int = 64 * 1024
    request_s: float = 15.0
    head_s: float = 10.0  # a client may take so long for the head of a request
    trusted_proxies: str = ""  # addresses or networks, with commas: only their X-Forwarded-For is believed
    claim_tries: int = 10  # wrong ones, a minute and address
    pair_tries: int = 10  # wrong codes of leaflets, a minute and address
    sign_in_tries: int = 5  # wrong ones a minute, account and address, before the next ones wait
    pool: int = 8
    watch_path: bool = True  # ask database, brokers, workers and notifier: health says which of them is away

    @property
    def secure(self) -> bool:
        """True if browsers reach the desk over https."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def cookie(self) -> str:
        """The session cookie's name."""
        return "__Host-vigil" if self.secure else "vigil"
