"""Kafka's settings: small, quick to start, quick to notice a dead peer, safe with acks=all."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

JVM_OPTIONS = (
    "-Xms64m",
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-XX:ReservedCodeCacheSize=64m",
    "-Xss512k",
    "-XX:-UsePerfData",
    "-XX:+ExitOnOutOfMemoryError",
    "-Xlog:all=error",
)

LOG4J = """\
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{ISO8601} %p %c{1}: %m%n
rootLogger.level = WARN
rootLogger.appenderRef.out.ref = out
"""


def new_cluster_id() -> str:
    """A random UUID in the 22 characters that Kafka writes it in."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def broker_properties(
    node: int,
    ports: Sequence[int],
    controller_ports: Sequence[int],
    data: Path,
    users: Mapping[str, str] | None = None,
    far: tuple[int, int] | None = None,
) -> str:
    """The text of server.properties for broker `node` (from 1), which is its own controller as well.

    `ports` and `controller_ports` have one entry for each broker.  `users` (name to password, the first is the
    superuser) turns SASL/SCRAM and ACLs on.  `far` (of a single broker) opens one more listener on its first port for
    clients that come through a proxy on its second, which is what they are told to connect to.
    """
    copies = min(3, len(ports))
    protocol = "SASL_PLAINTEXT" if users else "PLAINTEXT"
    client, controller = f"127.0.0.1:{ports[node - 1]}", f"127.0.0.1:{controller_ports[node - 1]}"
    options: dict[str, object] = {
        "process.roles": "broker,controller",
        "node.id": node,
        # static voters: the ports may differ at the next start
        "controller.quorum.voters": ",".join(f"{i}@127.0.0.1:{p}" for i, p in enumerate(controller_ports, 1)),
        "listeners": f"CLIENT://{client},CONTROLLER://{controller}" + (f",FAR://127.0.0.1:{far[0]}" if far else ""),
        "advertised.listeners": f"CLIENT://{client}" + (f",FAR://127.0.0.1:{far[1]}" if far else ""),
        "listener.security.protocol.map": f"CLIENT:{protocol},CONTROLLER:{protocol},FAR:{protocol}",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "CLIENT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        # what acks=all promises
        "default.replication.factor": copies,
        "min.insync.replicas": max(1, copies - 1),
        "offsets.topic.replication.factor": copies,
        "transaction.state.log.replication.factor": copies,
        "transaction.state.log.min.isr": max(1, copies - 1),
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": max(1, copies - 1),
        # small
        "num.network.threads": 2,
        "num.io.threads": 4,
        "offsets.topic.num.partitions": 4,
        "transaction.state.log.num.partitions": 2,
        "share.coordinator.state.topic.num.partitions": 1,
        "log.cleaner.dedupe.buffer.size": 4 << 20,  # default: 128 MB of heap, taken at start
        "log.segment.bytes": 64 << 20,
        "log.index.size.max.bytes": 1 << 20,  # default: 10 MB laid out for each of a partition's two indexes
        # quick
        "group.initial.rebalance.delay.ms": 0,
        "group.min.session.timeout.ms": 1000,
        "broker.heartbeat.interval.ms": 500,
        "broker.session.timeout.ms": 3000,
        "replica.lag.time.max.ms": 5000,
        "initial.broker.registration.timeout.ms": 60000,
    }
    if users:
        options |= _sasl(*next(iter(users.items())))
    return "".join(f"{key}={value}\n" for key, value in options.items())


def _sasl(name: str, password: str) -> dict[str, str]:
    login = "org.apache.kafka.common.security"
    credentials = f'username="{name}" password="{password}"'
    return {
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "sasl.mechanism.inter.broker.protocol": "SCRAM-SHA-512",
        "listener.name.client.scram-sha-512.sasl.jaas.config": f"{login}.scram.ScramLoginModule required {credentials};",
        # SCRAM's secrets live in the metadata log, which the controllers must reach first: PLAIN between them
        "listener.name.controller.sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.controller.protocol": "PLAIN",
        "listener.name.controller.plain.sasl.jaas.config": (
            f'{login}.plain.PlainLoginModule required {credentials} user_{name}="{password}";'
        ),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": f"User:{name}",
        "allow.everyone.if.no.acl.found": "false",
    }
