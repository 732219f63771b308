"""Reads a database URL: which kind of database, and which SQLite file."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

_FORMS: Final = (
    "use sqlite:///relative/path, sqlite:////absolute/path or postgresql://user:password@host/name"
)


def is_postgres(url: str) -> bool:
    """Whether the URL names a PostgreSQL database."""
    return url.startswith(("postgresql://", "postgres://"))


def sqlite_path(url: str) -> Path:
    """The file of an sqlite:/// URL. Raises ValueError with the supported forms for any other."""
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise ValueError(f"unknown kind of database URL {parts.scheme!r}: {_FORMS}")
    name = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not name:
        raise ValueError(f"the SQLite URL names no file: {_FORMS}")
    if name == ":memory:":
        raise ValueError(f"processes cannot share an SQLite database in memory: {_FORMS}")
    if parts.query or parts.fragment:
        raise ValueError(f"an SQLite URL takes no options after the file: {_FORMS}")
    return Path(name)
