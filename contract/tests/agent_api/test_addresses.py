"""Which addresses of a configuration the gate expects the new service to refuse."""

from __future__ import annotations

from typing import Any

import pytest

from contract.agent_api.model.addresses import addresses_at_fault


@pytest.mark.parametrize(
    ("options", "refused"),
    [
        ({}, False),
        ({"baseUrl": None}, False),
        ({"baseUrl": " "}, False),
        ({"baseUrl": 5}, False),
        ({"baseUrl": "https://api.openai.com/v1"}, False),
        ({"baseUrl": "https://x.example"}, True),
        ({"base_url": "https://x.example", "apiKey": ""}, True),
        ({"base_url": "https://x.example", "api_key": "k"}, False),
        ({"baseUrl": "http://x.example", "apiKey": "k"}, True),
    ],
)
def test_an_address_needs_https_and_a_key(options: dict[str, Any], refused: bool) -> None:
    """A first provider and a fallback are judged alike; what the schema refuses is left to it."""
    for config in ({"llmConfig": options}, {"ttsConfig": {"fallbacks": [{}, options]}}):
        assert addresses_at_fault(config) is refused
    assert not addresses_at_fault({"sttConfig": None, "llmConfig": {"fallbacks": [None, 1]}})
