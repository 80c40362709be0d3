"""The servers that the gateway has to reach: the home's MQTT broker, the desk, and the log."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import confluent_kafka
import httpx
from confluent_kafka.admin import AdminClient
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from devices.wire.pairing import Claimed, Config
from gateway.health.check import LIMIT_S, Check, Looks
from gateway.settings import GatewaySettings

_SOON_D: Final = 21
_LOCAL: Final = {"127.0.0.1", "localhost", "::1"}


def broker(settings: GatewaySettings) -> Looks:
    """The MQTT broker takes us."""
    if not settings.mqtt_host:
        return
    where = f"{settings.mqtt_host}:{settings.mqtt_port}"
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id="vigil-doctor", protocol=paho.MQTTv5)
    answered, answers = threading.Event(), list[str]()

    def on_connect(_: Any, __: Any, ___: Any, reason: Any, ____: Any) -> None:
        answers.append(str(reason) if reason.is_failure else "")
        answered.set()

    client.on_connect = on_connect
    if settings.mqtt_user:
        client.username_pw_set(settings.mqtt_user, settings.mqtt_password.get_secret_value())
    try:
        if settings.mqtt_ca is not None:
            client.tls_set(str(settings.mqtt_ca))
        client.connect_timeout = LIMIT_S
        client.connect(settings.mqtt_host, settings.mqtt_port)
        client.loop_start()
        answered.wait(LIMIT_S)
        client.disconnect()
        client.loop_stop()
    except (OSError, ValueError) as error:
        answers.append(str(error))
    client.on_connect = None
    reason = answers[0] if answers else "no answer"
    what = f"The MQTT broker {where} does not take us ({reason})" if reason else f"The MQTT broker {where} answers"
    yield Check("broker", not reason, what, "see that it runs, and VIGIL_GATEWAY_MQTT_HOST, _PORT, _USER and _PASSWORD")


def desk(address: str, ca: Path | None, claimed: Claimed | None, stored: Config | None, changed: float | None) -> Looks:
    """The desk answers and knows us; how old the configuration is (``changed``: s since 1970 of its file)."""
    reason, cure = "", "see that this machine reaches it, and VIGIL_GATEWAY_DESK"
    if claimed is not None:
        try:
            verify: ssl.SSLContext | bool = ssl.create_default_context(cafile=str(ca)) if ca else True
            headers = {"Authorization": f"Bearer {claimed.credential}"}
            with httpx.Client(base_url=address, timeout=LIMIT_S, verify=verify, trust_env=False) as client:
                status = client.get("/gateway/v1/config", params={"wait": 0}, headers=headers).status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            reason = type(error).__name__
        else:
            if status == 401:
                reason, cure = "it does not know this gateway", "see that it is the right desk, with the right database"
            elif status == 410:
                reason, cure = "it has revoked this gateway", "ask for a new code and run vigil pair claim CODE --desk URL"
            elif status >= 300:
                reason = f"status {status}"
        what = f"The desk {address} does not serve us ({reason})" if reason else f"The desk {address} answers"
        yield Check("desk", not reason, what, cure)
    yield from _certificate(address, ca)
    if stored is None:
        yield Check("configuration", False, "There is no configuration yet", "see that the desk answers")
        return
    age = "" if changed is None else f" of {datetime.fromtimestamp(changed, UTC):%Y-%m-%d %H:%M} UTC"
    listens = f"{len(stored.devices)} devices of {len(stored.patients)} patients"
    cure = "pair a device for this gateway; it is heard once its enrolment and the patient's consent have taken effect"
    yield Check("configuration", bool(stored.devices), f"The configuration{age} names {listens}", cure)


def _certificate(address: str, ca: Path | None) -> Looks:
    url = urlsplit(address)
    host = url.hostname or ""
    if url.scheme != "https":
        if host not in _LOCAL:
            what = f"The desk's address {address} is not https, so keys travel in clear"
            yield Check("certificate", False, what, "claim the gateway at the desk's https address")
        return
    try:
        context = ssl.create_default_context(cafile=str(ca) if ca else None)
        address_of = host, url.port or 443
        with (
            socket.create_connection(address_of, LIMIT_S) as link,
            context.wrap_socket(link, server_hostname=host) as secured,
        ):
            until = str((secured.getpeercert() or {}).get("notAfter", ""))
    except ssl.SSLCertVerificationError as error:
        cure = "renew it, or name its authority with VIGIL_GATEWAY_DESK_CA; see that this machine's clock is right"
        yield Check("certificate", False, f"The desk's certificate is not valid ({error.verify_message})", cure)
        return
    except OSError:
        return  # said of the desk
    left = int((ssl.cert_time_to_seconds(until) - time.time()) // 86_400) if until else _SOON_D
    what = f"The desk's certificate is valid for {left} days"
    yield Check("certificate", left >= _SOON_D, what, "have it renewed: afterwards no gateway reaches the desk")


def kafka(servers: str, topic: str, options: dict[str, str]) -> Looks:
    """The brokers answer and have the topic."""
    if not servers:
        return
    problem = ""
    admin = AdminClient({"bootstrap.servers": servers, "log_level": 0, **options})
    with contextlib.suppress(confluent_kafka.KafkaException):
        topics = admin.list_topics(timeout=LIMIT_S).topics
        problem = "" if not topic or topic in topics else f"it has no topic {topic}"
        yield Check("Kafka", not problem, f"Kafka ({servers}) answers" if not problem else f"Kafka answers, but {problem}",
                    "on the server: vigil topic create")  # fmt: skip
        return
    cure = "see that this machine reaches it, and VIGIL_GATEWAY_KAFKA and _KAFKA_OPTIONS; readings are kept meanwhile"
    yield Check("Kafka", False, f"Kafka ({servers}) does not answer", cure)
