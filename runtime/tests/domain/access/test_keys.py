"""The form of keys, their checks, and what is refused when one is made."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from agent_runtime.domain.access.keys import (
    ALL_SCOPES,
    NOBODY,
    OF_ALL_TENANTS,
    PLATFORM,
    InvalidKeyError,
    Scope,
    ScopeMissing,
    id_of_key,
    new_key,
    parse_scopes,
)

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_a_key_has_a_form_that_scanners_recognise() -> None:
    """Every key has the documented prefix and length, and no two are alike."""
    texts = {new_key("builder", now=NOW)[0] for _ in range(200)}
    assert len(texts) == 200
    for text in texts:
        assert re.fullmatch(r"vark_[0-9A-Za-z]{8}_[0-9A-Za-z]{49}", text)


def test_what_is_stored_does_not_hold_the_key() -> None:
    """The stored record has the key's id and hash, and no part of its secret."""
    text, key = new_key("builder", now=NOW)
    secret = text.rpartition("_")[2]
    assert id_of_key(text) == key.id
    assert secret not in repr(key)
    assert re.fullmatch("[0-9a-f]{64}", key.digest)
    assert key.matches(text)
    assert not key.matches(text[:-1])


@pytest.mark.parametrize("change", [5, 20, -1], ids=["id", "secret", "checksum"])
def test_a_mistyped_key_is_known_by_its_checksum(change: int) -> None:
    """One other character anywhere makes a text that is no key."""
    text, _ = new_key("builder", now=NOW)
    place = change % len(text)
    other = "0" if text[place] != "0" else "1"
    assert id_of_key(text[:place] + other + text[place + 1 :]) is None


@pytest.mark.parametrize("text", ["", "vark_", "the-key", "é" * 63, "vark_" + "0" * 58])
def test_other_texts_are_no_keys(text: str) -> None:
    """A text of another form has no id, so that nobody looks for it."""
    assert id_of_key(text) is None


def test_a_key_is_valid_until_it_expires_or_is_revoked() -> None:
    """The moment of expiry is the first at which the key is invalid."""
    _, key = new_key("builder", now=NOW, expires_at=NOW + timedelta(hours=1))
    assert key.is_valid(NOW)
    assert not key.is_valid(NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    "name", ["", "a b", "-x", "x" * 65, "platform", "nobody", "cli", "é", "a\n"]
)
def test_a_name_that_cannot_be_shown_safely_is_refused(name: str) -> None:
    """Names are short, plain, and none that the audit uses for others."""
    with pytest.raises(InvalidKeyError, match="NAME"):
        new_key(name, now=NOW)


def test_an_expiry_in_the_past_is_refused() -> None:
    """A key that would never be valid is not made."""
    with pytest.raises(InvalidKeyError, match="--expires"):
        new_key("builder", now=NOW, expires_at=NOW)


def test_a_tenants_key_never_sees_all_tenants() -> None:
    """Scopes of all tenants are refused beside a tenant, and are not among the tenant's default scopes."""
    for scope in OF_ALL_TENANTS:
        with pytest.raises(InvalidKeyError, match=scope):
            new_key("tenant", now=NOW, tenant_id=3, scopes={scope})
    _, key = new_key("tenant", now=NOW, tenant_id=3)
    assert key.access.scopes == ALL_SCOPES - OF_ALL_TENANTS
    assert {Scope.PROMETHEUS, Scope.CALLERS_WRITE} == OF_ALL_TENANTS


def test_scopes_are_read_from_a_list() -> None:
    """A list with commas gives scopes; an unknown one is named beside those that exist."""
    assert parse_scopes("agents:read, metrics:read") == {Scope.AGENTS_READ, Scope.METRICS_READ}
    with pytest.raises(InvalidKeyError, match=r"'agents:all'.*agents:read"):
        parse_scopes("agents:all,agents:read")


def test_an_operation_without_a_declared_scope_needs_every_scope() -> None:
    """A new operation that was forgotten in the table is closed to keys with fewer rights."""
    PLATFORM.require(None)
    NOBODY.require(None)
    _, key = new_key("reader", now=NOW, scopes={Scope.AGENTS_READ})
    with pytest.raises(ScopeMissing):
        key.access.require(None)
    key.access.require(Scope.AGENTS_READ)
