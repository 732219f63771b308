"""API keys: their form, what one allows, and the access of a request.

A key is `vark_<id>_<secret><checksum>` in letters and digits. The prefix and the checksum (CRC-32) let
scanners of secrets recognise it, and tell a key from any other text without a look into the database.
Only its SHA-256 is stored: a secret of 256 bits cannot be guessed from it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from agent_runtime.domain.errors import AgentRuntimeError, Conflict, InvalidInput, NotFound

PREFIX: Final = "vark"
_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_ID_LENGTH: Final = 8
_SECRET_LENGTH: Final = 43  # 62^43 > 2^256
_CHECK_LENGTH: Final = 6  # 62^6 > 2^32
_KEY: Final = re.compile(
    rf"{PREFIX}_([0-9A-Za-z]{{{_ID_LENGTH}}})_[0-9A-Za-z]{{{_SECRET_LENGTH + _CHECK_LENGTH}}}"
)
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
# Valid keys of one name: the old one and the new one while clients change over.
MAX_VALID_OF_A_NAME: Final = 2
# Valid keys of a deployment: the API keeps them in memory.
MAX_VALID: Final = 1000


class Scope(StrEnum):
    """What a key may do; each operation of openapi.yaml needs one of them (`x-scope`)."""

    AGENTS_READ = "agents:read"
    AGENTS_WRITE = "agents:write"
    SESSIONS_READ = "sessions:read"
    SESSIONS_WRITE = "sessions:write"
    METRICS_READ = "metrics:read"
    CALLERS_WRITE = "callers:write"
    PROMETHEUS = "prometheus"

    @property
    def changes(self) -> bool:
        """Whether its operations change something, so that the audit records them."""
        return self.endswith(":write")


ALL_SCOPES: Final = frozenset(Scope)
# A tenant's key never has these: Prometheus's metrics, and a caller's rows, are those of all tenants.
OF_ALL_TENANTS: Final = frozenset({Scope.CALLERS_WRITE, Scope.PROMETHEUS})


class Forbidden(AgentRuntimeError):
    """The key of the request does not allow it."""

    remedy = "use a key that allows it"


class ScopeMissing(Forbidden):
    """Raised when the key of a request lacks the operation's scope; None: no scope allows it."""

    remedy = "use a key with this scope: agent-runtime keys create NAME --scope ..."

    def __init__(self, scope: Scope | None) -> None:
        lacks = f"the scope {scope}" if scope else "the right to this operation"
        super().__init__(f"This key lacks {lacks}")
        self.scope = scope


class OtherTenant(Forbidden):
    """Raised when a request names another tenant than the one of its key."""

    remedy = "name the key's tenant, or use a key of the other tenant"

    def __init__(self, tenant_id: int) -> None:
        super().__init__(f"This key is for tenant {tenant_id} only")
        self.tenant_id = tenant_id


class InvalidKeyError(InvalidInput):
    """Raised when no key can be made with this name, tenant, scopes or expiry."""

    remedy = "agent-runtime keys create --help shows the forms"


class TooManyKeys(Conflict):
    """Raised when another valid key would be one too many."""

    remedy = "revoke one: agent-runtime keys list, agent-runtime keys revoke ID"


class KeyNotFound(NotFound):
    """Raised when no valid key has this name or id."""

    remedy = "agent-runtime keys list shows all keys"

    def __init__(self, name: str) -> None:
        super().__init__(f"no valid key has the name or id {name!r}")


@dataclass(frozen=True, slots=True)
class Access:
    """Who sends a request: the name for the audit, its scopes, and its tenant (None: every tenant)."""

    name: str
    scopes: frozenset[Scope] = ALL_SCOPES
    tenant_id: int | None = None

    def require(self, scope: Scope | None) -> None:
        """Raise ScopeMissing unless the scope is there. None is a scope that only all scopes include."""
        if scope not in self.scopes and (scope is not None or self.scopes != ALL_SCOPES):
            raise ScopeMissing(scope)


# The holder of AGENT_RUNTIME_API_KEY, and a client of whom no key is required.
PLATFORM: Final = Access("platform")
NOBODY: Final = Access("nobody")
# Names that the audit uses for others than keys.
RESERVED_NAMES: Final = frozenset({PLATFORM.name, NOBODY.name, "cli"})


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A stored key. Times are aware and in UTC; `last_used` is a day."""

    id: str
    name: str
    digest: str
    scopes: frozenset[Scope]
    tenant_id: int | None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    last_used: date | None = None

    @property
    def access(self) -> Access:
        """What a request with this key may do."""
        scopes = self.scopes if self.tenant_id is None else self.scopes - OF_ALL_TENANTS
        return Access(self.name, scopes, self.tenant_id)

    def is_valid(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    def matches(self, text: str) -> bool:
        """Whether this is the key, compared in constant time."""
        return hmac.compare_digest(_digest(text), self.digest)


def new_key(
    name: str,
    *,
    now: datetime,
    scopes: Collection[Scope] = (),
    tenant_id: int | None = None,
    expires_at: datetime | None = None,
) -> tuple[str, ApiKey]:
    """A random key: its text, which is never stored, and what is stored of it.

    Without `scopes` it has all that its tenant may have. Raises InvalidKeyError.
    """
    if not _NAME.fullmatch(name) or name in RESERVED_NAMES:
        raise InvalidKeyError(
            f"NAME {name!r}: use 1 to 64 letters, digits, dots, hyphens and underscores, "
            f"and none of the names {', '.join(sorted(RESERVED_NAMES))}"
        )
    forbidden = frozenset() if tenant_id is None else OF_ALL_TENANTS
    if forbidden.intersection(scopes):
        raise InvalidKeyError(
            "--scope: callers:write and prometheus are for all tenants, so neither goes with --tenant"
        )
    if expires_at is not None and expires_at <= now:
        raise InvalidKeyError("--expires: this time is over; name one in the future")
    key_id = _random(_ID_LENGTH)
    begun = f"{PREFIX}_{key_id}_{_random(_SECRET_LENGTH)}"
    text = begun + _checksum(begun)
    granted = frozenset(scopes) or ALL_SCOPES - forbidden
    return text, ApiKey(key_id, name, _digest(text), granted, tenant_id, now, expires_at)


def id_of_key(text: str) -> str | None:
    """The id in a well-formed key; None for any other text."""
    match = _KEY.fullmatch(text)
    if match is None or _checksum(text[:-_CHECK_LENGTH]) != text[-_CHECK_LENGTH:]:
        return None
    return match[1]


def parse_scopes(text: str) -> frozenset[Scope]:
    """The scopes in a list with commas. Raises InvalidKeyError, which names those that exist."""
    names = {name.strip() for name in text.split(",")}
    unknown = names - {scope.value for scope in Scope}
    if unknown:
        raise InvalidKeyError(
            f"--scope: there is no scope {', '.join(map(repr, sorted(unknown)))}; "
            f"there are {', '.join(Scope)}"
        )
    return frozenset(map(Scope, names))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _random(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(text: str) -> str:
    number, digits = zlib.crc32(text.encode()), ""
    for _ in range(_CHECK_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits = _ALPHABET[digit] + digits
    return digits
