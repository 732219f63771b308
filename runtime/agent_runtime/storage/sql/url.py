"""Reads a database URL: which kind of database, and which SQLite file."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from agent_runtime.storage.sql.postgres_url import read_postgres_url

_FORMS: Final = (
    "use sqlite:///relative/path, sqlite:////absolute/path or postgresql://user:password@host/name"
)


def is_postgres(url: str) -> bool:
    """Whether the URL names a PostgreSQL database."""
    return url.startswith(("postgresql://", "postgres://"))


def check_url(url: str) -> str:
    """The URL as it is. Raises ValueError, without any part of a password, when it is unusable."""
    if is_postgres(url):
        read_postgres_url(url)
    else:
        sqlite_path(url)
    return url


def sqlite_path(url: str) -> Path:
    """The file of an sqlite:/// URL. Raises ValueError with the supported forms for any other."""
    if not url.startswith("sqlite://"):
        raise ValueError(f"is no kind of database URL that is known: {_FORMS}")
    parts = urlsplit(url)
    name = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not name:
        raise ValueError(f"the SQLite URL names no file: {_FORMS}")
    if name == ":memory:":
        raise ValueError(f"processes cannot share an SQLite database in memory: {_FORMS}")
    if parts.query or parts.fragment:
        raise ValueError(f"an SQLite URL takes no options after the file: {_FORMS}")
    return Path(name)
