"""Let Grafana in: the database role that may read the views of schema ``grafana`` and nothing else."""

from __future__ import annotations

import psycopg
from psycopg import sql

from deploy.grafana.provisioning import ROLE


def let_in(connection: psycopg.Connection, password: str) -> None:
    """Make the role where the migration could not, give it its rights again, let it sign in with ``password``.

    Needs a role that may create roles, or is allowed to administer this one.  The server receives a SCRAM verifier, never
    the password itself, so no log of statements can hold it.

    Raises:
        psycopg.errors.InsufficientPrivilege: ``connection`` may not administer roles.
    """
    role = sql.Identifier(ROLE)
    verifier = connection.pgconn.encrypt_password(password.encode(), ROLE.encode(), b"scram-sha-256").decode()
    with connection.transaction():
        if connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone() is None:
            connection.execute(sql.SQL("CREATE ROLE {}").format(role))
        connection.execute(sql.SQL("ALTER ROLE {} LOGIN CONNECTION LIMIT 20 PASSWORD {}").format(role, verifier))
        for setting in ("default_transaction_read_only = on", "statement_timeout = '30s'", "search_path = grafana"):
            connection.execute(sql.SQL("ALTER ROLE {} SET {}").format(role, sql.SQL(setting)))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA grafana TO {}").format(role))
        connection.execute(sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA grafana TO {}").format(role))
