"""What a gateway must be told: where its state lies, where the desk and the broker are.  The rest comes from the desk."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.clock import ClockSource


class GatewaySettings(BaseSettings):
    """Read from the environment, ``VIGIL_GATEWAY_...``.

    ``state`` holds credential, configuration and outbox (mode 0700).  ``kafka`` replaces the address the desk names, where
    the home's network needs another; ``kafka_options`` are librdkafka's (SASL, TLS).  Without ``mqtt_host`` there is no
    MQTT.
    """

    model_config = SettingsConfigDict(env_prefix="VIGIL_GATEWAY_", extra="ignore")

    state: Path = Path("gateway-state")
    desk: str = "http://127.0.0.1:8000"
    desk_ca: Path | None = None
    kafka: str = ""
    kafka_options: dict[str, str] = Field(default_factory=dict)
    clock: ClockSource = "kernel"

    ble: bool = True
    ble_connections: int = Field(5, ge=1, le=32)
    """How many links the adapter holds at once; most hold 3 to 7."""
    ble_silence_s: float = Field(30.0, gt=0)
    """A streaming device that says nothing for so long (or three of its intervals) is connected anew."""

    mqtt_host: str = ""
    mqtt_port: int = Field(1883, ge=1, le=65535)
    mqtt_user: str = ""
    mqtt_password: SecretStr = SecretStr("")
    mqtt_ca: Path | None = None
    """With it MQTT goes over TLS."""

    outbox_mb: int = Field(1024, ge=1)
    live_s: float = Field(60.0, gt=0)
    """Readings that have waited longer are backfill: they go after the live ones."""
    backfill_per_s: int = Field(200, ge=1)
    """Readings of backfill a second: in the log of a partition what is live stands behind what all its gateways catch up."""
    backfill_spread_s: float = Field(30.0, ge=0, le=3600)
    """After an outage gateways begin to catch up within so many seconds, each at a time of its own."""

    metrics_port: int = Field(0, ge=0, le=65535)
    """Prometheus metrics on 127.0.0.1; 0: none."""
