"""Grafana as code: two dashboards, their provisioning, and the database role they read with."""

from deploy.grafana.provisioning import DataSource
from deploy.grafana.role import let_in
from deploy.grafana.write import write

__all__ = ["DataSource", "let_in", "write"]
