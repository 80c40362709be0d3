"""Settings of a worker."""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from devices.wire.batch import TOPIC


class WorkerSettings(BaseSettings):
    """Read from the environment, ``VIGIL_WORKER_...``; what all parts share is ``VIGIL_DATABASE``, ``VIGIL_KAFKA``,
    ``VIGIL_TOPIC`` and ``VIGIL_MASTER_KEY_FILE``.
    """

    model_config = SettingsConfigDict(env_prefix="VIGIL_WORKER_", extra="ignore", populate_by_name=True)

    database: str = Field(validation_alias=AliasChoices("VIGIL_DATABASE", "database"))
    kafka: str = Field("127.0.0.1:9092", validation_alias=AliasChoices("VIGIL_KAFKA", "kafka"))
    topic: str = Field(TOPIC, validation_alias=AliasChoices("VIGIL_TOPIC", "topic"))
    master_key_file: Path = Field(validation_alias=AliasChoices("VIGIL_MASTER_KEY_FILE", "master_key_file"))

    group: str = "vigil"
    """The consumer group: workers of one group share the partitions."""
    session_s: float = Field(6.0, gt=0)
    """A worker that sends no heartbeat for so long loses its partitions."""
    fetch_wait_ms: int = Field(40, ge=1)
    """The broker waits so long for more records before it answers a fetch: fetch, round and transaction cost several ms,
    however little they hold."""
    round_wait_ms: int = Field(5, ge=0)
    """A round waits so long for the fetches of other brokers."""
    round_records: int = Field(20_000, ge=1)
    round_mb: int = Field(4, ge=1)
    """The most that a round takes: opened and computed it needs about ten times as much memory, and two are under way."""
    backlog_ms: int = Field(3, ge=1)
    """A round takes so much of backlogs while other partitions are at their head: what arrives there waits for it."""
    refold_ms: int = Field(20, ge=1)
    """The same for records that are folded again and not written, of partitions just taken: that ends soon."""
    waiting_mb: int = Field(32, ge=1)
    """Records read and not yet stored; beyond it nothing more is read."""
    snapshot_s: float = Field(60.0, gt=0)
    """Each partition's small state is saved at most once in this time, and at least once in five times as long: a restart
    reads the log again from there."""
    watchdog_s: float = Field(180.0, gt=0)
    """A partition that stands still so long while its lag grows, and brokers and database answer, ends the worker.  One
    statement may take 60 s before it fails and is tried again."""
    clock: bool = True
    """Append a clock record a second to each partition owned.  Off only where something else does it."""
    silence_min: int = Field(15, ge=0, le=65535)
    """A planned stop may last so long before it counts as one that nobody planned: a worker that is asked to end announces
    it in its last clock record.
    """

    metrics_port: int = Field(0, ge=0, le=65535)
    """Prometheus metrics on 127.0.0.1; 0: none."""
