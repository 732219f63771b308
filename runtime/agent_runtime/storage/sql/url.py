"""Which database a URL means."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

_FORMS = (
    "use sqlite:///relative/path, sqlite:////absolute/path or postgresql://user:password@host/name"
)


def is_postgres(url: str) -> bool:
    """Whether the URL names a PostgreSQL database."""
    return url.startswith(("postgresql://", "postgres://"))


def sqlite_path(url: str) -> Path:
    """The file of an sqlite:/// URL. Raises ValueError with the forms that are understood."""
    parts = urlsplit(url)
    if parts.scheme != "sqlite":
        raise ValueError(f"database URL of unknown kind {parts.scheme!r}: {_FORMS}")
    name = unquote(parts.path.removeprefix("/"))
    if parts.netloc or not name:
        raise ValueError(f"database URL without a file: {_FORMS}")
    if name == ":memory:":
        raise ValueError(
            f"an SQLite database in memory cannot be shared between processes: {_FORMS}"
        )
    if parts.query or parts.fragment:
        raise ValueError(f"options after the file of an SQLite URL are not understood: {_FORMS}")
    return Path(name)
