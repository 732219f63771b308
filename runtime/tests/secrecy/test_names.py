"""Which values count as secret, by their names."""

import pytest

from agent_runtime.secrecy.names import HIDDEN, is_secret, secrets_in, without_secrets


@pytest.mark.parametrize(
    "name",
    [
        "apiKey",
        "api_key",
        "api-key",
        "APIKey",
        "xi-api-key",
        "apiSecret",
        "secretKey",
        "clientSecret",
        "password",
        "PGPASSWORD",
        "accessToken",
        "x-auth-token",
        "Authorization",
        "Set-Cookie",
        "AWS_SECRET_ACCESS_KEY",
        "webhook_signing_key",
        "credentials",
        "jwt",
        "sig",
    ],
)
def test_a_name_of_a_secret_is_known(name: str) -> None:
    """Every spelling of a key, a password or a token names a secret."""
    assert is_secret(name)


@pytest.mark.parametrize(
    "name",
    ["model", "keyterms", "keywords", "publicKey", "public_key", "author", "monkey", "voiceId", ""],
)
def test_other_names_are_harmless(name: str) -> None:
    """A word that only looks like one of a secret hides nothing."""
    assert not is_secret(name)


def test_every_secret_in_a_value_is_hidden() -> None:
    """Secrets at any depth, in lists and among headers, are hidden; numbers and other texts stay."""
    given = {
        "llmConfig": {
            "apiKey": "s",
            "max_tokens": 5,
            "fallbacks": [{"api_key": "s", "model": "m"}],
        },
        "mcpConfig": {"servers": [{"url": "u", "headers": {"X-Tenant": "s"}, "env": {"A": "s"}}]},
    }
    assert set(secrets_in(given)) == {"s"}
    assert without_secrets(given) == {
        "llmConfig": {
            "apiKey": HIDDEN,
            "max_tokens": 5,
            "fallbacks": [{"api_key": HIDDEN, "model": "m"}],
        },
        "mcpConfig": {
            "servers": [{"url": "u", "headers": {"X-Tenant": HIDDEN}, "env": {"A": HIDDEN}}]
        },
    }
