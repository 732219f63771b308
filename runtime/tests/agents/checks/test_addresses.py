"""The addresses of a configuration, judged without DNS."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime.agents import parse_registered
from agent_runtime.agents.checks.addresses import check_addresses
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.settings import Settings

KEY = "the-agent-s-s3cret"


def check(config: dict[str, Any], **environ: str) -> None:
    """Check the configuration with these settings."""
    settings = Settings.load(environ)
    check_addresses(parse_registered(config), settings.providers.defaults(settings.egress.policy()))


@pytest.mark.parametrize("section", ["sttConfig", "llmConfig", "ttsConfig"])
@pytest.mark.parametrize(
    "url",
    [
        "vllm:8000/v1", "file:///etc/passwd", "gopher://x.example", "https://u:s3cret@x.example",
        "https://x.example#s3cret", "https://x.example?k=s3cret", "https://", "http://x.example", "https://127.1",
        "https://10.0.0.1", "https://[::1]", "https://localhost", "http://169.254.169.254/latest", "x",
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_called_is_named(section: str, url: str) -> None:
    """Each stage and its fallback refuse it, by the field's path, and no secret is in the error."""
    options = {"baseUrl": url, "apiKey": KEY}
    with pytest.raises(InvalidAgentConfig) as refused:
        check({section: {**options, "fallbacks": [{}, options]}})
    assert [issue.path for issue in refused.value.issues] == [
        (section, "baseUrl"),
        (section, "fallbacks", 1, "baseUrl"),
    ]
    assert "s3cret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["ws", "wss"])
def test_a_websocket_address_is_deepgram_s_alone(scheme: str) -> None:
    """Deepgram's plugin takes wss://, and ws:// for a host of EGRESS_ALLOW; the others do not."""
    options = {"baseUrl": f"{scheme}://x.example", "apiKey": KEY}
    check({"sttConfig": options}, EGRESS_ALLOW="x.example")
    for section in ("llmConfig", "ttsConfig"):
        with pytest.raises(InvalidAgentConfig, match="must be a URL"):
            check({section: options}, EGRESS_ALLOW="x.example")


@pytest.mark.parametrize(
    "config",
    [
        {"sttConfig": {"baseUrl": "https://api.deepgram.com"}},
        {"sttConfig": {"baseUrl": "wss://API.deepgram.com/v1/listen"}},
        {"llmConfig": {"baseUrl": " https://api.openai.com/v1/ "}},
        {"ttsConfig": {"baseUrl": "https://api.cartesia.ai"}},
        {"ttsConfig": {"baseUrl": "   "}},
        {"llmConfig": {"fallbacks": [{"baseUrl": "https://api.openai.com"}]}},
    ],
)
def test_the_worker_s_own_address_needs_no_key(config: dict[str, Any]) -> None:
    """The default addresses, which builders fill in, are the worker's own in any spelling."""
    check(config)


def test_another_path_or_scheme_of_the_worker_s_host_is_another_address() -> None:
    """The worker's key is for its base URL, not for whatever else is served by that host."""
    for url in (
        "https://api.openai.com/v2",
        "https://api.openai.com:444/v1",
        "https://evil.openai.com/v1",
    ):
        with pytest.raises(InvalidAgentConfig, match="baseUrl: needs apiKey beside it"):
            check({"llmConfig": {"baseUrl": url}})
        check({"llmConfig": {"baseUrl": url, "apiKey": KEY}})
