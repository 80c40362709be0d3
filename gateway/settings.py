"""The settings of a gateway: its state folder, and the addresses of desk and broker.  The rest comes from the desk."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.clock import ClockSource


class GatewaySettings(BaseSettings):
    """The settings, read from the environment: ``VIGIL_GATEWAY_...``.

    ``state`` holds credential, configuration and outbox (mode 0700).  ``desk`` and ``desk_ca`` replace what ``vigil pair
    claim`` has kept there.  ``kafka`` replaces the address the desk names, where
    the home's network needs another; ``kafka_options`` are librdkafka's (SASL, TLS).  Without ``mqtt_host`` there is no
    MQTT.
    """

    model_config = SettingsConfigDict(env_prefix="VIGIL_GATEWAY_", extra="ignore")

    state: Path = Path("gateway-state")
    desk: str = ""
    desk_ca: Path | None = None
    kafka: str = ""
    kafka_options: dict[str, str] = Field(default_factory=dict)
    clock: ClockSource = "kernel"
    zone: str = ""
    """The home's time zone, such as Europe/Berlin, where the desk names none; without both the machine's own unless UTC."""

    ble: bool = True
    ble_connections: int = Field(5, ge=1, le=32)
    """Links the adapter holds at once; most hold 3 to 7."""
    ble_silence_s: float = Field(30.0, gt=0)
    """Seconds of silence (or three intervals of the device) after which a streaming device is connected anew."""

    mqtt_host: str = ""
    mqtt_port: int = Field(1883, ge=1, le=65535)
    mqtt_user: str = ""
    mqtt_password: SecretStr = SecretStr("")
    mqtt_ca: Path | None = None
    """A PEM file; with it MQTT uses TLS."""

    mqtt_mappings: Path | None = None
    """A folder of mappings (``*.toml``, docs/mqtt.md) for devices that do not speak Vigil's envelope."""

    outbox_mb: int = Field(1024, ge=1)
    outbox_key: Path | None = None
    """The file of 32 bytes under which the outbox is sealed; default: outbox.key in ``state``, made at the first start."""
    live_s: float = Field(60.0, gt=0)
    """Readings that have waited longer are backfill; the live ones go first."""
    backfill_per_s: int = Field(200, ge=1)
    """Backfill readings a second: in a partition's log live readings queue behind the backfill of all its gateways."""
    backfill_spread_s: float = Field(30.0, ge=0, le=3600)
    """Seconds within which each gateway starts its backfill after an outage, at a random time."""

    metrics_port: int = Field(0, ge=0, le=65535)
    """Prometheus metrics on 127.0.0.1; 0: none."""
