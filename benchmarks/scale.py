"""One, two and four workers on three brokers, and what they cost: ``python -m benchmarks.scale``.

The same prepared log for each number of workers, 1 and 60 readings a batch.  Told: samples a second of wall clock (the
curve, as far as the cores go), and the CPU a sample of workers, database and brokers, the bytes a value in the database and
a record in the log.  ``python -m benchmarks.capacity`` computes from it.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import psutil  # type: ignore[import-untyped]
import psycopg

from benchmarks.errors import BenchmarkError
from benchmarks.figures import Report
from benchmarks.machine import machine
from benchmarks.observation import Observed
from benchmarks.servers import Servers
from benchmarks.throughput import Log, make_logs

WORKERS: Final = (1, 2, 4)
BROKERS: Final = 3
_END_S: Final = 240.0


def measure(servers: Servers, report: Report, log: Log, workers: int) -> dict[str, Any]:
    """Of one number of workers on one log."""
    database, group = servers.database(log.template), f"scale-{secrets.token_hex(4)}"
    master = servers.home / f"{group}.key"
    master.touch(mode=0o600)
    master.write_bytes(log.ward.world.master)
    environment = {
        "VIGIL_DATABASE": servers.url(database), "VIGIL_KAFKA": servers.kafka.bootstrap, "VIGIL_TOPIC": log.topic,
        "VIGIL_MASTER_KEY_FILE": str(master), "VIGIL_WORKER_GROUP": group, "VIGIL_WORKER_CLOCK": "false",
        "BENCH_GATE": "1" if workers == 1 else "",
    }  # fmt: skip
    size, turns = _size(servers, database), report.turn()
    before = _cpu_of(servers)
    with ExitStack() as running:
        all_of_them = [
            running.enter_context(Observed(f"worker {n + 1}", "benchmarks.observed_worker", servers.home, environment))
            for n in range(workers)
        ]
        steps = _wait(all_of_them, log.messages)
        after = _cpu_of(servers)
        memory = [one.child.memory() / 2**20 for one in all_of_them]
    turns = (turns + report.turn()) / 2
    first = min(each[0].at for each in steps)
    last = max(each[-1].at for each in steps)
    samples = sum(step.samples for each in steps for step in each)
    counted = sum(step.samples for each in steps for step in each[1:])
    spent = sum(each[-1].cpu - each[0].cpu for each in steps)
    found = {
        "readings_a_batch": log.readings, "workers": workers, "busy": len(steps), "samples": samples,
        "samples_a_s": samples / (last - first) * 1e9, "worker_ns": spent / max(counted, 1),
        "database_ns": 1e9 * (after[0] - before[0]) / samples, "broker_ns": 1e9 * (after[1] - before[1]) / samples,
        "bytes_a_value": (_size(servers, database) - size) / samples,
        "bytes_a_record": _log_size(servers, log) / sum(log.ends),
        "memory_mb": memory, "loop_ns_a_turn": turns,
    }  # fmt: skip
    servers.drop(database)
    return found


def _wait(workers: list[Observed], messages: int) -> list[Any]:
    """The steps of those workers that had any."""
    end = time.monotonic() + _END_S
    while True:
        steps = [worker.steps() for worker in workers]
        done = sum(step.messages for each in steps for step in each)
        if done >= messages:
            return [each for each in steps if any(step.messages for step in each)]
        if time.monotonic() > end or not all(worker.child.running for worker in workers):
            raise BenchmarkError(f"{len(workers)} workers came to {done} of {messages} messages.")
        time.sleep(0.1)


def _cpu_of(servers: Servers) -> tuple[float, float]:
    """CPU seconds of (the database, all brokers) so far."""
    assert servers.postgres.child
    return _spent(servers.postgres.child.pid), sum(_spent(child.pid) for child in servers.kafka.children.values())


def _spent(pid: int) -> float:
    root = psutil.Process(pid)
    return sum(sum(one.cpu_times()[:4]) for one in (root, *root.children(recursive=True)))


def _size(servers: Servers, database: str) -> int:
    with psycopg.connect(servers.url(database), autocommit=True) as db:
        row = db.execute("SELECT pg_database_size(current_database())").fetchone()
    assert row
    return int(row[0])


def _log_size(servers: Servers, log: Log) -> int:
    """Bytes of the records of a topic on one broker, those of admission with them."""
    files = (servers.kafka.home / "broker-1" / "data").glob(f"{log.topic}-*/*.log")
    return sum(file.stat().st_size for file in files)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__)
    parser.add_argument("--patients", type=int, default=3000)
    parser.add_argument("--seconds", type=int, default=12, help="of log")
    parser.add_argument("--repetitions", type=int, default=2, metavar="N")
    parser.add_argument("--json", type=Path, default=Path("out/scale.json"), metavar="FILE")
    options = parser.parse_args()
    report, found = Report(lambda line: print(line, file=sys.stderr)), []
    options.json.parent.mkdir(parents=True, exist_ok=True)
    with ExitStack() as running:
        servers = running.enter_context(Servers(report.say, brokers=BROKERS))
        logs = make_logs(servers, report, options.patients, options.seconds)
        for _ in range(options.repetitions):
            for log in logs.values():
                for workers in WORKERS:
                    found.append(measure(servers, report, log, workers))
                    report.say(json.dumps(found[-1]))
        facts = machine() | servers.versions()
    at = datetime.now(UTC).isoformat(timespec="seconds")
    options.json.write_text(json.dumps({"at": at, "machine": facts, "brokers": BROKERS, "scale": found}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
