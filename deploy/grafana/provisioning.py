"""Grafana's provisioning files: where the data are and where the dashboards lie."""

from __future__ import annotations

import contextlib
import ipaddress
from dataclasses import dataclass
from typing import Any, Final

from psycopg.conninfo import conninfo_to_dict

from deploy.grafana.look import Json
from deploy.grafana.panel import SOURCE

ROLE: Final = "vigil_grafana"
PASSWORD_VARIABLE: Final = "VIGIL_GRAFANA_PASSWORD"  # noqa: S105  the name of a variable


@dataclass(frozen=True, slots=True)
class DataSource:
    """The database as Grafana reaches it.  ``sslmode``: disable, require, verify-ca or verify-full."""

    host: str = "127.0.0.1"
    port: int = 5432
    database: str = "vigil"
    sslmode: str = "disable"
    timescaledb: bool = False  # only changes what Grafana's own macros write in Explore: the dashboards need neither

    @classmethod
    def of(cls, url: str, *, timescaledb: bool = False) -> DataSource:
        """The data source of Vigil's URL; without an ``sslmode`` in it, in clear on this machine only."""
        parts = conninfo_to_dict(url)
        host = str(parts.get("host") or "127.0.0.1")
        mode = str(parts.get("sslmode") or "prefer")
        if mode in ("allow", "prefer"):  # Grafana knows neither
            mode = "disable" if _is_here(host) else "verify-full"
        return cls(host, int(parts.get("port") or 5432), str(parts.get("dbname") or "vigil"), mode, timescaledb)

    def file(self) -> dict[str, Any]:
        """``datasources/vigil.yaml``.  The password comes from the environment of Grafana, never from a file here."""
        return {
            "apiVersion": 1,
            "datasources": [
                {
                    "name": "Vigil",
                    "uid": SOURCE["uid"],
                    "type": SOURCE["type"],
                    "access": "proxy",
                    "url": f"{self.host}:{self.port}",
                    "user": ROLE,
                    "editable": False,
                    "jsonData": {
                        "database": self.database,
                        "sslmode": self.sslmode,
                        "timescaledb": self.timescaledb,
                        "timeInterval": "1s",
                        "maxOpenConns": 10,
                        "maxIdleConns": 2,
                        "connMaxLifetime": 14400,
                    },
                    "secureJsonData": {"password": f"${{{PASSWORD_VARIABLE}}}"},
                }
            ],
        }


def provider_file(path: str) -> Json:
    """``dashboards/vigil.yaml``: dashboards come from files under ``path`` and cannot be changed in the browser."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": "vigil",
                "orgId": 1,
                "type": "file",
                "disableDeletion": True,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": path, "foldersFromFilesStructure": True},
            }
        ],
    }


def _is_here(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.startswith("/")
