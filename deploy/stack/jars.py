"""Kafka's jars: fetched once into the cache, each checked against the digest in `kafka.lock`."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Final

from deploy.stack.cache import cache_folder, exclusive
from deploy.stack.errors import DownloadFailedError
from deploy.stack.progress import Progress, silent

KAFKA_VERSION = "4.2.0"
LOCK = Path(__file__).with_name("kafka.lock")

_TIMEOUT = 60
_PARALLEL = 8
_CERTIFICATES: Final = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
)
"""The certificates of Debian, Red Hat and SUSE."""


def kafka_folder() -> Path:
    """The part of the cache that belongs to this version of Kafka."""
    return cache_folder() / f"kafka-{KAFKA_VERSION}"


def locked() -> dict[str, str]:
    """SHA-256 digests by Maven coordinate (group:artifact:version)."""
    return {coordinate: digest for digest, coordinate in map(str.split, LOCK.read_text().splitlines())}


def classpath() -> str:
    """All jars in a fixed order: Java's start-up cache insists on the order."""
    return ":".join(sorted(str(jar_path(coordinate)) for coordinate in locked()))


def jar_path(coordinate: str) -> Path:
    """The path of a coordinate's jar."""
    _, artifact, version = coordinate.split(":")
    return kafka_folder() / f"{artifact}-{version}.jar"


def fetch_jars(progress: Progress = silent) -> None:
    """Make the cache hold every jar of the lock; quick when it does already.

    Raises:
        DownloadFailedError: a jar cannot be fetched, or is not the one that the lock names.
    """
    wanted = locked()
    done = kafka_folder() / ".done"
    stamp = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if _complete(done, stamp, wanted):
        return
    with exclusive(kafka_folder()):
        if _complete(done, stamp, wanted):
            return
        _download({c: d for c, d in wanted.items() if not _matches(jar_path(c), d)}, progress)
        done.write_text(stamp)


def _trust_the_machine() -> None:
    """Use the machine's certificates, as every other program here does: a hospital's proxy may have its own."""
    if "REQUESTS_CA_BUNDLE" not in os.environ:
        there = next((path for path in _CERTIFICATES if Path(path).is_file()), None)
        if there:
            os.environ["REQUESTS_CA_BUNDLE"] = there


def _complete(done: Path, stamp: str, wanted: Mapping[str, str]) -> bool:
    return done.exists() and done.read_text() == stamp and all(jar_path(c).exists() for c in wanted)


def _matches(jar: Path, digest: str) -> bool:
    return jar.exists() and hashlib.sha256(jar.read_bytes()).hexdigest() == digest


def _download(missing: Mapping[str, str], progress: Progress) -> None:
    from jgo.maven import MavenContext

    _trust_the_machine()

    step = f"downloading Kafka {KAFKA_VERSION}, {len(missing)} jars"
    progress("Kafka", step, 0.0)
    with tempfile.TemporaryDirectory(dir=kafka_folder()) as scratch:
        maven = MavenContext(repo_cache=Path(scratch), timeout=_TIMEOUT)

        def fetch(coordinate: str) -> None:
            group, artifact, version = coordinate.split(":")
            try:
                jar = Path(maven.project(group, artifact).at_version(version).artifact().resolve())
            except Exception as error:
                raise DownloadFailedError(f"The jar {coordinate}", str(error) or type(error).__name__) from error
            if not _matches(jar, missing[coordinate]):  # jgo itself only warns
                raise DownloadFailedError(f"The jar {coordinate}", "not the file that kafka.lock names")
            jar.replace(jar_path(coordinate))  # whole and checked, or not there at all

        with ThreadPoolExecutor(_PARALLEL) as pool:
            for count, future in enumerate(as_completed([pool.submit(fetch, c) for c in missing]), 1):
                future.result()
                progress("Kafka", step, count / len(missing))
