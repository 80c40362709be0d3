"""The homes of the demo: gateways, the wearables they hear, and the network that can be cut."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
import psycopg

from deploy.demo.installation import CLI, READY_S, Installation
from deploy.demo.observe import gauge
from deploy.demo.plan import OVER_BLE, Plan
from deploy.demo.programs import Program
from deploy.demo.provision import Provisioned, claim_code
from deploy.demo.proxy import CuttableProxy
from deploy.demo.wearables import Counts, Spec
from deploy.stack.port import kept_ports
from gateway.desk.configuration import read_credential
from gateway.desk.downlink import claim

GATEWAY_USER: Final = "gateway"
_LINKS: Final = 16
"""The number of links that the simulated adapter holds at once."""


class Homes:
    """One gateway a home.  Those with a proxy reach Kafka and the desk through it, and lose both when it is cut."""

    def __init__(self, installation: Installation, plan: Plan, done: Provisioned, cuttable: str | None = None) -> None:
        self.installation, self.plan, self.done = installation, plan, done
        self.cut = plan.homes.index(cuttable) if cuttable else None
        far = installation.stack.kafka.far
        assert far
        self._kafka_proxy, self._kafka_listener = far[1], far[0]
        self.proxies = [
            CuttableProxy(self._kafka_proxy, self._kafka_listener),
            CuttableProxy(installation.desk_proxy_port, installation.desk_port),
        ]

    async def start(self) -> None:
        """Proxies, then gateways: each claimed with a code of its own where it has no credential yet."""
        for proxy in self.proxies:
            await proxy.start()
        ports = kept_ports(self.installation.home / "gateway-ports.json", [str(n) for n in range(len(self.plan.homes))])
        for home, port in enumerate(ports.values()):
            state = self.state(home)
            if read_credential(state) is None:
                code = claim_code(self.installation.database, self.done.gateways[home])
                await claim(self.desk(home), code, state)
            name, hears = f"gateway {home + 1}", partial(self._hears, home, port)
            environment = self.environment(home) | {"VIGIL_GATEWAY_METRICS_PORT": str(port)}
            self.installation.run(Program(name, CLI, ["gateway"], environment, self._log(f"gateway-{home + 1}"), "", hears))

    def _hears(self, home: int, port: int) -> bool:
        """Return whether the gateway listens to all its MQTT wearables: what they publish before goes nowhere."""
        with psycopg.connect(self.installation.database) as db:
            row = db.execute(
                "SELECT count(*) FROM enrolment JOIN device USING (device)"
                " WHERE gateway = %s AND until IS NULL AND source = 'mqtt'",
                [self.done.gateways[home]],
            ).fetchone()
        return bool(row and gauge(port, "vigil_gateway_topics") == row[0])

    def settle(self) -> None:
        """Relay the enrolments once the worker works, until all have taken effect; then the gateways listen.

        StackError when that takes longer than a minute.
        """
        installation = self.installation
        installation.wait("worker")
        installation.notify()
        installation.wait("notifier")
        notifier = installation.programs[-1]
        assert notifier.child
        notifier.child.wait_until(self._understood, READY_S)
        installation.wait(*(f"gateway {home + 1}" for home in range(len(self.plan.homes))))

    def _understood(self) -> bool:
        """Return whether the newest consent and enrolment of everybody decide: what is measured before is refused."""
        with psycopg.connect(self.installation.database) as db:
            row = db.execute(
                "SELECT count(*) FROM control_outbox o WHERE patient = ANY(%s) AND kind IN ('consent', 'enrolment') AND"
                " NOT EXISTS (SELECT FROM control WHERE patient = o.patient AND kind = o.kind AND sequence >= o.sequence)",
                [self.done.patients],
            ).fetchone()
        return row == (0,)

    def state(self, home: int) -> Path:
        return self.installation.home / f"gateway-{home + 1}"

    def outboxes(self) -> list[Path]:
        return [self.state(home) / "outbox.sqlite" for home in range(len(self.plan.homes))]

    def desk(self, home: int) -> str:
        return f"http://127.0.0.1:{self.proxies[1].listen}" if home == self.cut else self.installation.desk_url

    def environment(self, home: int) -> dict[str, str]:
        """Settings of one gateway."""
        mqtt, dbus = self.installation.stack.mqtt, self.installation.stack.dbus
        return {
            "VIGIL_GATEWAY_STATE": str(self.state(home)),
            "VIGIL_GATEWAY_DESK": self.desk(home),
            "VIGIL_GATEWAY_KAFKA": f"127.0.0.1:{self._kafka_proxy}" if home == self.cut else "",
            "VIGIL_GATEWAY_CLOCK": "assumed",
            "VIGIL_GATEWAY_MQTT_HOST": "127.0.0.1",
            "VIGIL_GATEWAY_MQTT_PORT": str(mqtt.port),
            "VIGIL_GATEWAY_MQTT_USER": GATEWAY_USER,
            "VIGIL_GATEWAY_MQTT_PASSWORD": mqtt.users[GATEWAY_USER],
            "VIGIL_GATEWAY_BLE": "true" if dbus else "false",
            "VIGIL_GATEWAY_BLE_CONNECTIONS": str(_LINKS),
            "OPENBLAS_NUM_THREADS": "1",
            **(dbus.environment if dbus else {}),
        }

    def wear(self) -> int:
        """Start the wearables; when their scenario begins, ms since the epoch."""
        stack, home = self.installation.stack, self.installation.home
        start = time.time_ns() // 1_000_000 + 1000
        passwords = {name: word for name, word in stack.mqtt.users.items() if name != GATEWAY_USER}
        spec = Spec(start, stack.mqtt.port, passwords, str(self.counts_file), ble=stack.dbus is not None)
        file = home / "wearables.json"
        file.touch(mode=0o600)
        file.write_bytes(msgspec.json.encode(spec))
        environment = dict(stack.dbus.environment) if stack.dbus else {}
        module = "deploy.demo.wearables"
        self.counts_file.unlink(missing_ok=True)
        self.installation.run(Program("wearables", module, [str(file)], environment, self._log("wearables")))
        return start

    @property
    def counts_file(self) -> Path:
        return self.installation.home / "wearables-counts.json"

    def counts(self) -> Counts:
        """The samples that the wearables have measured so far."""
        try:
            return msgspec.json.decode(self.counts_file.read_bytes(), type=Counts)
        except (FileNotFoundError, msgspec.DecodeError):
            return Counts(0, 0)

    async def network(self, *, whole: bool) -> None:
        """Cut the home's network, or mend it."""
        for proxy in self.proxies:
            if whole:
                proxy.mend()
            else:
                proxy.cut()

    async def stop(self) -> None:
        for proxy in self.proxies:
            await proxy.stop()

    def _log(self, name: str) -> Path:
        return self.installation.log_of(name)


def mqtt_users(plan: Plan) -> tuple[str, ...]:
    """The gateways' user, then the wearables that speak MQTT, those that stand in for Bluetooth too."""
    worn = [*plan.wearables, *plan.without_bluetooth().wearables]
    return (GATEWAY_USER, *dict.fromkeys(wearable.address for _, wearable in worn if wearable.kind not in OVER_BLE))
