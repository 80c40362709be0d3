"""``vigil maintain``: the work of every hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    @app.command()
    def maintain(
        database: Annotated[str, typer.Option(envvar="VIGIL_DATABASE", help="PostgreSQL URL", show_default=False)],
        days: Annotated[int, typer.Option(min=1, max=366, help="look at the hours of so many days")] = 2,
        drop_raw_after: Annotated[
            int | None, typer.Option(min=31, help="delete readings older than so many days; rollups stay")
        ] = None,
        drop_refused_after: Annotated[
            int, typer.Option(min=7, help="delete refused and quarantined records older than so many days")
        ] = 90,
    ) -> None:
        """Write the hourly rollups of changed minutes, and drop what is too old: raw readings, refused records, scans.

        Run it hourly from a timer, and once a night with --days 31 for data that came late.  Two runs at once do no harm.

        Example: vigil maintain --days 31 --drop-raw-after 90
        """
        import psycopg

        from alerts.care.pairing_scan import forget_nearby
        from devices.database_session import session_options
        from streams.store.hours import complete_hours, drop_raw
        from streams.store.refused import drop_refused

        now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
        bounds = session_options("vigil maintain", statement_s=0, lock_s=60)
        with psycopg.connect(database, autocommit=True, **bounds) as db:  # type: ignore[arg-type]
            print(f"{complete_hours(db, now - timedelta(days=days), now)} hours written")
            forget_nearby(db)
            dropped = drop_refused(db, now - timedelta(days=drop_refused_after))
            if dropped.old:
                print(f"{dropped.old} refused records older than {drop_refused_after} days dropped")
            if dropped.never_kept:
                print(f"{dropped.never_kept} refused records were not kept, their senders had too many: vigil rejected list")
            if drop_raw_after is not None:
                drop_raw(db, now - timedelta(days=drop_raw_after))
                print(f"readings older than {drop_raw_after} days dropped")
