"""Direct access to the database, as the dashboard and other programs have it."""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg2


def execute(url: str, statement: str) -> list[tuple[Any, ...]]:
    """Run a statement on a connection of its own; returns its rows, if it has any."""
    if url.startswith("sqlite"):
        file = sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)
        rows = file.execute(statement).fetchall()
        file.close()
        return rows
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(statement)
        rows = cursor.fetchall() if cursor.description else []
    connection.close()
    return rows
