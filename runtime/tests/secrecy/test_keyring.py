"""Texts are encrypted for one place, with the first of several keys, and errors name the variable."""

import base64

import pytest

from agent_runtime.domain.errors import SecretsUnreadable
from agent_runtime.secrecy.keyring import Keyring, generate_key, key_id_of, read_keys

PLACE = "the registration of agent 7"


def ring(*keys: str) -> Keyring:
    """The ring of a setting with these keys."""
    return Keyring(read_keys(",".join(keys)))


def test_a_sealed_text_is_opened_in_its_place_only() -> None:
    """What was sealed for one agent is opened for that one; moved to another, it is refused."""
    keyring = ring(generate_key())
    sealed = keyring.seal("s3cret ö", PLACE)
    assert "s3cret" not in sealed
    assert keyring.seal("s3cret ö", PLACE) != sealed
    assert keyring.open(sealed, PLACE) == "s3cret ö"
    with pytest.raises(SecretsUnreadable, match="register the agent again"):
        keyring.open(sealed, "the registration of agent 8")


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    """After a rotation texts of both keys are read; without the old one its texts are refused by its id."""
    old, new = generate_key(), generate_key()
    before = ring(old).seal("text", PLACE)
    both = ring(new, old)
    assert both.open(before, PLACE) == "text"
    assert key_id_of(both.seal("text", PLACE)) == ring(new).first
    with pytest.raises(SecretsUnreadable, match=f"key {ring(old).first}.*AGENT_RUNTIME_SECRET_KEY"):
        ring(new).open(before, PLACE)
    with pytest.raises(SecretsUnreadable, match="AGENT_RUNTIME_SECRET_KEY is not set"):
        Keyring().open(before, PLACE)


def test_a_text_in_clear_stays_as_it_is() -> None:
    """Rows from before the setting are read with and without a key."""
    assert Keyring().seal("{}", PLACE) == "{}"
    assert ring(generate_key()).open("{}", PLACE) == "{}"


@pytest.mark.parametrize("change", [lambda text: text[:-4], lambda text: text[:-6] + "AAAAAA"])
def test_a_changed_text_is_refused(change: object) -> None:
    """A text that was cut or altered is refused, not half read."""
    keyring = ring(generate_key())
    sealed = keyring.seal("x" * 50, PLACE)
    with pytest.raises(SecretsUnreadable):
        keyring.open(change(sealed), PLACE)  # type: ignore[operator]


@pytest.mark.parametrize("form", [base64.b64encode, base64.urlsafe_b64encode])
def test_keys_of_both_alphabets_are_read(form: object) -> None:
    """A key of `openssl rand -base64 32` is as good as one of ours; white space separates keys, too."""
    keys = [bytes([fill]) * 32 for fill in (0xFB, 0xFF)]
    assert read_keys("\n".join(form(key).decode() for key in keys)) == keys  # type: ignore[operator]


@pytest.mark.parametrize("given", ["short", "s3cret-s3cret", "A" * 43, "=" * 44, "é" * 32])
def test_a_malformed_key_is_not_quoted(given: str) -> None:
    """The error says which key is wrong and how to make one, and holds nothing of it."""
    with pytest.raises(ValueError, match="key 2 is not 32 bytes") as caught:
        read_keys(f"{generate_key()},{given}")
    assert given not in str(caught.value)
    assert caught.value.__cause__ is None


def test_one_key_twice_is_refused() -> None:
    """A key that is there twice is a mistake of a rotation."""
    key = generate_key()
    with pytest.raises(ValueError, match="twice"):
        read_keys(f"{key},{key}")
