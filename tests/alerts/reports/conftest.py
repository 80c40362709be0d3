from __future__ import annotations

from tests.alerts.care.conftest import migrated, ward

__all__ = ["migrated", "ward"]
