"""Bare confluent-kafka: ``Consumer.consume`` of many messages at once, no framework.

As in its documentation, "Consumer.consume(num_messages, timeout)" for batches; every other option is the default.
"""

from __future__ import annotations

from confluent_kafka import Consumer

from benchmarks.peers.notes import Orders

_MESSAGES = 1000


def main() -> None:
    orders = Orders()
    job = orders.job
    options = {"bootstrap.servers": orders.kafka, "group.id": orders.group, "auto.offset.reset": "earliest"}
    consumer = Consumer(options)
    consumer.subscribe([orders.topic])
    orders.done(0)
    while True:
        messages = consumer.consume(_MESSAGES, 0.2)
        for message in messages:
            job.take(message.value(), message.timestamp()[1])
        if messages:
            orders.done(len(messages))


if __name__ == "__main__":
    main()
