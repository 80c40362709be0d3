"""Apache Kafka (KRaft) in child processes: one broker for the demo, three for faults."""

from __future__ import annotations

import logging
import signal
import subprocess
import tempfile
import time
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Self

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic, OffsetSpec

from deploy.stack.cache import exclusive
from deploy.stack.child import Child
from deploy.stack.errors import ServerNotReadyError
from deploy.stack.jars import KAFKA_VERSION, classpath, fetch_jars, kafka_folder
from deploy.stack.java import java
from deploy.stack.kafka_settings import JVM_OPTIONS, LOG4J, broker_properties, new_cluster_id
from deploy.stack.port import kept_ports, listening
from deploy.stack.progress import Progress, silent
from deploy.stack.server import Server
from deploy.stack.topics import Topic

_AOT_SINCE = 25
_LED_S = 30.0
_quiet = logging.getLogger("deploy.stack.kafka.starting")
_quiet.setLevel(logging.CRITICAL + 1)  # "connection refused" is normal while it starts


class Kafka(Server):
    """A cluster whose brokers are children of this process; its log is kept in `home`.

    `users` (name to password, the first is the superuser) turns SASL/SCRAM and ACLs on.  `proxied` (one broker only)
    opens a listener for clients behind a proxy: `far` is the port it listens on and the one the proxy must offer.
    """

    name = "Kafka"

    def __init__(
        self,
        home: Path,
        *,
        brokers: int = 1,
        users: Mapping[str, str] | None = None,
        heap_mb: int = 192,
        train: Path | None = None,
        proxied: bool = False,
    ) -> None:
        self.home, self.brokers, self.users, self.heap_mb = home.absolute(), brokers, users, heap_mb
        self._train = train
        names = [f"{role}-{node}" for role in ("client", "controller") for node in range(1, brokers + 1)]
        ports = list(kept_ports(self.home / "ports.json", [*names, *(("far", "proxy") if proxied else ())]).values())
        self.ports, self._controller_ports = ports[:brokers], ports[brokers : 2 * brokers]
        self.far = (ports[-2], ports[-1]) if proxied else None
        self.children: dict[int, Child] = {}

    @property
    def bootstrap(self) -> str:
        """The address for clients: host:port of every broker, comma-separated."""
        return ",".join(f"127.0.0.1:{port}" for port in self.ports)

    @property
    def address(self) -> str:
        return self.bootstrap

    def client(self, user: str | None = None) -> dict[str, str | int | float | bool]:
        """Options for a confluent-kafka client of `user` (default: the superuser, where users exist)."""
        options: dict[str, str | int | float | bool] = {"bootstrap.servers": self.bootstrap}
        if self.users:
            user = user or next(iter(self.users))
            options |= {
                "security.protocol": "SASL_PLAINTEXT",
                "sasl.mechanism": "SCRAM-SHA-512",
                "sasl.username": user,
                "sasl.password": self.users[user],
            }
        return options

    def admin(self) -> AdminClient:
        """An admin client; keep it in a variable until the futures it gave are done, else it takes them with it."""
        return AdminClient(self.client(), logger=_quiet)

    def start(self, progress: Progress = silent, timeout: float = 60) -> Self:
        """Start the brokers that do not run and wait until a client sees them all.

        Raises:
            StackError: Java is missing, the jars cannot be had, or a broker does not come up.
        """
        install(progress)
        progress(self.name, "starting")
        for node in range(1, self.brokers + 1):
            if node not in self.children or not self.children[node].running:
                self.spawn(node)
        self.wait(timeout)
        progress(self.name, "ready", 1.0)
        return self

    def spawn(self, node: int = 1) -> None:
        """Start one broker (again, after a kill) without waiting for it."""
        folder = self.home / f"broker-{node}"
        folder.mkdir(parents=True, exist_ok=True)
        properties, data = folder / "server.properties", folder / "data"
        properties.touch(mode=0o600)  # has passwords when SASL is on
        properties.write_text(broker_properties(node, self.ports, self._controller_ports, data, self.users, self.far))
        (folder / "log4j2.properties").write_text(LOG4J)
        if not (data / "meta.properties").exists():
            self._format(properties)
        program, *options = self._java(folder)
        if self._train:
            options.insert(0, f"-XX:AOTCacheOutput={self._train}")
        self.children[node] = Child(self.name, [program, *options, "kafka.Kafka", properties], folder / "kafka.log")

    def wait(self, timeout: float = 60) -> None:
        """Return once every broker that should run is in the cluster's metadata, as a client sees it.

        Raises:
            ServerNotReadyError: a broker ended, or `timeout` seconds have passed.
        """
        end = time.monotonic() + timeout
        running = {node: child for node, child in self.children.items() if child.running}
        for node, child in running.items():
            child.wait_until(lambda port=self.ports[node - 1]: listening(port), end - time.monotonic())  # type: ignore[misc]
        while self._seen() != len(running):
            for child in running.values():
                if not child.running or time.monotonic() > end:
                    reason = f"was not ready in {timeout:.0f} s" if child.running else "ended while it started"
                    raise ServerNotReadyError(self.name, reason, child.log, child.tail())
            time.sleep(0.05)

    def healthy(self) -> bool:
        """Return whether every broker of the cluster is in its metadata now."""
        return bool(self.children) and self._seen() == self.brokers

    def stop(self) -> None:
        """Stop all at once.  The last of three cannot hand over without a quorum and would wait for ever: it is killed."""
        for child in self.children.values():
            child.send(signal.SIGTERM)
        for child in self.children.values():
            child.stop(timeout=20 if self.brokers == 1 else 3)

    def kill(self, node: int = 1) -> None:
        """SIGKILL to one broker."""
        self.children[node].kill()

    def memory(self) -> int:
        """Bytes of all brokers."""
        return sum(child.memory() for child in self.children.values())

    def version(self) -> str:
        return KAFKA_VERSION

    def create(self, *topics: Topic) -> None:
        """Create those that are missing: three copies of each where there are three brokers.  The partitions of all of them
        are led when this returns: docs/decisions/0085-a-topic-is-there-once-it-is-led.md.

        Raises:
            KafkaException: the cluster refuses, or does not lead them in time.
            ServerNotReadyError: no broker answers.
        """
        there = self._topics()
        admin = self.admin()
        new = [
            NewTopic(t.name, t.partitions, min(3, self.brokers), config=dict(t.options))
            for t in topics
            if t.name not in there
        ]
        for future in (admin.create_topics(new) if new else {}).values():
            future.result(30)
        self.until_led(*(topic.name for topic in topics))

    def _topics(self) -> set[str]:
        """The names of all topics.  A new client is made until one is answered: a broker that has just started may close
        the first connections that it takes.

        Raises:
            ServerNotReadyError: no answer in time.
        """
        end = time.monotonic() + _LED_S
        while True:
            try:
                return set(self.admin().list_topics(timeout=5).topics)
            except KafkaException:
                for child in self.children.values():
                    if not child.running or time.monotonic() > end:
                        reason = "did not name its topics in time" if child.running else "ended after it started"
                        raise ServerNotReadyError(self.name, reason, child.log, child.tail()) from None
                time.sleep(0.05)

    def until_led(self, *names: str) -> None:
        """Return once every partition of these topics has a leader that answers: a broker that has just started, or started
        again, is in the metadata before it leads.

        Raises:
            KafkaException: not in time.
        """
        end = time.monotonic() + _LED_S
        while True:
            try:
                _ask_leaders(self.admin(), names)  # a new client: one told that there is no such topic remembers it
            except KafkaException:
                if time.monotonic() > end:
                    raise
                time.sleep(0.05)
            else:
                return

    def delete(self, *names: str) -> None:
        """Delete topics; the broker removes their files a minute later."""
        admin = self.admin()
        for future in admin.delete_topics(list(names)).values():
            future.result(30)

    def _seen(self) -> int:
        try:
            return len(self.admin().list_topics(timeout=1).brokers)
        except KafkaException:
            return 0

    def _java(self, folder: Path) -> list[str | Path]:
        aot = _aot_cache()
        return [
            java().program,
            f"-Xmx{self.heap_mb}m",
            *JVM_OPTIONS,
            f"-Dlog4j2.configurationFile={folder}/log4j2.properties",
            *([f"-XX:AOTCache={aot}"] if aot.exists() and not self._train else []),
            "-cp",
            classpath(),
        ]

    def _format(self, properties: Path) -> None:
        known = self.home / "cluster.id"
        if not known.exists():
            known.write_text(new_cluster_id())
        # --cluster-id=X, not -t X: one id in 64 begins with "-"
        command = [
            *self._java(properties.parent),
            "kafka.tools.StorageTool",
            "format",
            f"--cluster-id={known.read_text()}",
            "-c",
            properties,
        ]
        for name, password in (self.users or {}).items():
            command += ["--add-scram", f"SCRAM-SHA-512=[name={name},password={password}]"]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        if done.returncode:
            raise ServerNotReadyError(self.name, "could not format its folder", properties, done.stderr + done.stdout)


def install(progress: Progress = silent) -> None:
    """Fetch the jars and, on Java 25 or newer, let one short run write down what the start needs (AOT cache).

    Raises:
        StackError: Java is missing, or a jar cannot be had.
    """
    runtime = java()
    fetch_jars(progress)
    final = _aot_cache()
    in_vain = final.with_suffix(".none")
    if runtime.major < _AOT_SINCE or final.exists() or in_vain.exists():
        return
    with exclusive(final.parent):
        if final.exists() or in_vain.exists():
            return
        progress("Kafka", "preparing quick starts, once")
        with tempfile.TemporaryDirectory(dir=final.parent) as scratch:
            made = Path(scratch) / final.name
            _train(Path(scratch), made)
            if made.exists():
                made.replace(final)
            else:
                in_vain.touch()  # starts take longer, and do not try again each time


def _train(home: Path, made: Path) -> None:
    kafka = Kafka(home, train=made)
    try:
        kafka.spawn()
        kafka.wait()
        kafka.create(Topic("train", 1))
    except ServerNotReadyError:
        pass  # a Java that refuses the option: the start itself goes without
    finally:
        for child in kafka.children.values():
            child.stop(timeout=60)  # Java writes the file as it ends


def _aot_cache() -> Path:
    return kafka_folder() / f"java-{java().version}.aot"


def _ask_leaders(admin: AdminClient, names: Collection[str]) -> None:
    """Ask every partition's leader for its end, which nobody else answers."""
    topics = admin.list_topics(timeout=10).topics
    if missing := [name for name in names if name not in topics or not topics[name].partitions]:
        raise KafkaException(KafkaError(KafkaError.UNKNOWN_TOPIC_OR_PART, f"{missing[0]} is not in the metadata"))
    ends = {TopicPartition(name, p): OffsetSpec.latest() for name in names for p in topics[name].partitions}
    for future in admin.list_offsets(ends, request_timeout=10).values():
        future.result(10)
