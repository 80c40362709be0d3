"""``vigil topic``: the log's topic with the settings that Vigil needs."""

from __future__ import annotations

from typing import Annotated

import typer

from deploy.errors import DeployError
from deploy.printed import print_record

app = typer.Typer(help="Create the log's topic with the settings that Vigil needs.", no_args_is_help=True)


def register(to: typer.Typer) -> None:
    to.add_typer(app, name="topic")


@app.command()
def create(
    copies: Annotated[
        int | None, typer.Option(min=1, help="default: 3, or as many as there are brokers", show_default=False)
    ] = None,
    days: Annotated[float, typer.Option(min=1, help="days that records are kept: longer than the longest outage")] = 7,
) -> None:
    """Create the topic that every program shares, once: 64 partitions, stamped by the brokers.

    Settings come from the environment: VIGIL_KAFKA, VIGIL_TOPIC.  A single broker writes every record through to its disk.

    Example: vigil topic create --days 14
    """
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient, NewTopic

    from deploy.settings import LogSettings
    from deploy.stack.topics import vitals_topic

    settings = LogSettings()
    admin = AdminClient({"bootstrap.servers": settings.kafka, "log_level": 2})
    try:
        there = admin.list_topics(timeout=10)
        if settings.topic in there.topics:
            raise DeployError(f"The topic {settings.topic} exists already: vigil doctor says if its settings are right.")
        brokers = len(there.brokers)
        wanted = copies or min(3, brokers)
        if wanted > brokers:
            raise DeployError(f"There are {brokers} brokers and {wanted} copies are asked for: give --copies {brokers}.")
        topic = vitals_topic(brokers=wanted, retention_days=days)
        options = dict(topic.options)
        if wanted > 2:
            options["min.insync.replicas"] = "2"
        made = NewTopic(settings.topic, topic.partitions, wanted, config=options)
        admin.create_topics([made], operation_timeout=30, request_timeout=30)[settings.topic].result(60)
    except KafkaException as error:
        raise DeployError(f"Kafka does not do this ({error.args[0].str()}): check VIGIL_KAFKA and its rights.") from None
    print_record({"topic": settings.topic, "partitions": topic.partitions, "copies": wanted, **options}, as_json=False)
