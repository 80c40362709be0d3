from __future__ import annotations

import json

import pytest

from deploy.grafana.provisioning import DataSource


@pytest.mark.parametrize(
    ("url", "address", "sslmode"),
    [
        ("postgresql://vigil:hidden@127.0.0.1:5433/vigil", "127.0.0.1:5433", "disable"),
        ("postgresql://vigil@localhost/vigil", "localhost:5432", "disable"),
        ("postgresql://vigil:hidden@db.ward/vigil", "db.ward:5432", "verify-full"),
        ("postgresql://vigil@db.ward/vigil?sslmode=require", "db.ward:5432", "require"),
        ("postgresql://vigil@db.ward/vigil?sslmode=prefer", "db.ward:5432", "verify-full"),
        ("postgresql:///vigil", "127.0.0.1:5432", "disable"),
    ],
)
def test_values_travel_in_clear_on_this_machine_only(url: str, address: str, sslmode: str) -> None:
    file = DataSource.of(url).file()
    (source,) = file["datasources"]
    assert source["url"] == address
    assert source["jsonData"]["sslmode"] == sslmode
    assert source["jsonData"]["database"] == "vigil"
    assert source["type"] == "grafana-postgresql-datasource"


def test_the_password_comes_from_grafanas_environment_and_the_role_is_never_the_owner() -> None:
    file = DataSource.of("postgresql://vigil:hidden@127.0.0.1/vigil").file()
    assert "hidden" not in json.dumps(file)
    (source,) = file["datasources"]
    assert source["secureJsonData"] == {"password": "${VIGIL_GRAFANA_PASSWORD}"}
    assert source["user"] == "vigil_grafana"
