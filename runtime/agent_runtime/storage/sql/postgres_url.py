"""Reads a postgresql:// URL: the parameters of libpq, and those of other clients that the URL may carry.

Form and parameters: PostgreSQL's manual, "Connection Strings" and "Parameter Key Words" of libpq. Prisma
adds `schema`, `pgbouncer` and `connection_limit`, node-postgres `ssl` and `sslmode=no-verify`. No message
here holds a part of the URL that may be a password: a password with a special character moves the borders.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote

MALFORMED: Final = (
    "is not a valid URL: use postgresql://user:password@host:port/name, write / ? # @ [ ] % in a password "
    "as %2F %3F %23 %40 %5B %5D %25, and the port as a number"
)
MAX_PORT: Final = 65_535
MAX_CONNECTIONS: Final = 200  # as DATABASE_POOL_SIZE

_BOOLEANS: Final = dict.fromkeys(("true", "1", "on", "yes"), True) | dict.fromkeys(
    ("false", "0", "off", "no"), False
)
_NAME: Final = re.compile(r"[A-Za-z_]{1,40}")
_ONE_OF: Final[Mapping[str, tuple[str, ...]]] = {
    "sslmode": ("disable", "allow", "prefer", "require", "verify-ca", "verify-full"),
    "target_session_attrs": (
        "any",
        "read-write",
        "read-only",
        "primary",
        "standby",
        "prefer-standby",
    ),
    "channel_binding": ("disable", "prefer", "require"),
    "gssencmode": ("disable", "prefer", "require"),
    "load_balance_hosts": ("disable", "random"),
    "sslnegotiation": ("postgres", "direct"),
    "sslcertmode": ("disable", "allow", "require"),
}
_NUMBERS: Final = frozenset(
    {
        "connect_timeout",
        "keepalives",
        "keepalives_idle",
        "keepalives_interval",
        "keepalives_count",
        "tcp_user_timeout",
        "sslsni",
        "sslcompression",
        "gssdelegation",
    }
)
_TEXTS: Final = frozenset(
    {
        "host",
        "hostaddr",
        "port",
        "dbname",
        "user",
        "password",
        "passfile",
        "options",
        "application_name",
        "fallback_application_name",
        "sslcert",
        "sslkey",
        "sslpassword",
        "sslrootcert",
        "sslcrl",
        "sslcrldir",
        "requirepeer",
        "require_auth",
        "ssl_min_protocol_version",
        "ssl_max_protocol_version",
        "krbsrvname",
        "gsslib",
        "service",
    }
)
# Parameters whose only effect is on another client, or that are always as below.
_IGNORED: Final = frozenset({"uselibpqcompat", "statement_cache_size", "pool_timeout"})


@dataclass(slots=True)
class PostgresUrl:
    """libpq's parameters; `prepare` and `pool_size` are None unless the URL has them."""

    parameters: dict[str, str] = field(default_factory=dict)
    prepare: bool | None = None
    pool_size: int | None = None


def read_postgres_url(url: str) -> PostgresUrl:
    """Read the URL. Raises ValueError, which names the parameter that is not understood."""
    rest = url.partition("://")[2]
    place, _, query = rest.partition("?")
    authority, _, name = place.partition("/")
    user, separator, hosts = authority.rpartition("@")
    if "@" in name + query or "/" in name:
        raise ValueError(MALFORMED)  # an @ behind the host: it was meant to end the password
    found = PostgresUrl()
    given = found.parameters
    if separator:
        given["user"], colon, password = (_decoded(part) for part in user.partition(":"))
        if colon:
            given["password"] = password
    _read_hosts(hosts, given)
    given["dbname"] = _decoded(name)
    for pair in filter(None, query.split("&")):
        key, equals, value = pair.partition("=")
        if not equals or not _NAME.fullmatch(key):
            raise ValueError(MALFORMED)
        _read_parameter(key, _decoded(value), found)
    if "," in given.get("host", "") and "target_session_attrs" not in given:
        given["target_session_attrs"] = (
            "read-write"  # of a cluster, the server that takes our writes
        )
    given["client_encoding"] = "UTF8"
    found.parameters = {key: value for key, value in given.items() if value}
    return found


def _decoded(text: str) -> str:
    if re.search(r"%(?![0-9A-Fa-f]{2})|%00|\x00", text):
        raise ValueError(MALFORMED)
    try:
        return unquote(text, errors="strict")
    except UnicodeDecodeError:
        raise ValueError(MALFORMED) from None


def _read_hosts(text: str, given: dict[str, str]) -> None:
    hosts, ports = [], []
    for one in text.split(","):
        match = re.fullmatch(r"(\[[0-9A-Fa-f:.%\w]+\]|[^:\[\]\s]*)(?::(\d*))?", one)
        if match is None or int(match[2] or 0) > MAX_PORT:
            raise ValueError(MALFORMED)
        hosts.append(_decoded(match[1].strip("[]")))
        ports.append(match[2] or "")
    if any(hosts):
        given["host"] = ",".join(hosts)
    if any(ports):
        given["port"] = ",".join(ports)


def _read_parameter(key: str, value: str, found: PostgresUrl) -> None:
    special = _SPECIAL.get(key)
    if special is not None:
        special(key, value, found)
    elif key in _ONE_OF:
        if value not in _ONE_OF[key]:
            raise ValueError(f"parameter {key}: use {', '.join(_ONE_OF[key])}")
        found.parameters[key] = value
    elif key in _NUMBERS:
        if not re.fullmatch(r"-?\d{1,9}", value):
            raise ValueError(f"parameter {key}: must be a whole number")
        found.parameters[key] = value
    elif key in _TEXTS:
        found.parameters[key] = value
    elif key not in _IGNORED and key != "client_encoding":
        raise ValueError(
            f"parameter {key} is not known: use postgresql://user:password@host:port/name without it"
        )


def _schema(key: str, value: str, _found: PostgresUrl) -> None:
    if value != "public":
        raise ValueError(
            f"parameter {key}: only public is supported; for another one leave it out and run "
            "ALTER ROLE ... SET search_path for the user"
        )


def _pgbouncer(key: str, value: str, found: PostgresUrl) -> None:
    found.prepare = False if _boolean(key, value) else None


def _pool_size(key: str, value: str, found: PostgresUrl) -> None:
    if not re.fullmatch(r"\d{1,4}", value) or not 1 <= int(value) <= MAX_CONNECTIONS:
        raise ValueError(f"parameter {key}: must be a whole number from 1 to {MAX_CONNECTIONS}")
    found.pool_size = int(value)


def _ssl(key: str, value: str, found: PostgresUrl) -> None:
    wanted = value in ("no-verify", "require") or _boolean(key, value)
    found.parameters.setdefault("sslmode", "require" if wanted else "disable")


def _sslmode(key: str, value: str, found: PostgresUrl) -> None:
    # node-postgres's word for what libpq calls require: encrypted, with no look at the certificate.
    value = "require" if value == "no-verify" else value
    if value not in _ONE_OF[key]:
        raise ValueError(f"parameter {key}: use {', '.join(_ONE_OF[key])} or no-verify")
    found.parameters[key] = value


def _boolean(key: str, value: str) -> bool:
    known = _BOOLEANS.get(value.lower())
    if known is None:
        raise ValueError(f"parameter {key}: must be true or false")
    return known


_SPECIAL: Final[Mapping[str, Callable[[str, str, PostgresUrl], None]]] = {
    "schema": _schema,
    "pgbouncer": _pgbouncer,
    "connection_limit": _pool_size,
    "ssl": _ssl,
    "sslmode": _sslmode,
}
