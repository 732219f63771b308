"""The plugin for Deepgram is that of the model's protocol, with the options that it takes."""

from __future__ import annotations

import logging
from typing import Any

import pytest
from livekit.plugins import deepgram

from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults
from agent_runtime.providers.deepgram.plugin import speech_to_text

DEFAULTS = ProviderDefaults("k", "https://deepgram.example/v1/listen", "nova-3")


def built(model: str | None, language: str | None = None, **options: Any) -> Any:
    """The plugin for these settings."""
    choice = ProviderChoice("deepgram", model=model, language=language, extra=options)
    return speech_to_text(choice, DEFAULTS, frame_ms=20)


def test_flux_is_built_for_the_second_protocol() -> None:
    """A model called Flux gets the plugin of /v2/listen at the same host, and the language as a hint."""
    plugin = built("flux-general-multi", "de-DE", eotThreshold=0.8)
    assert isinstance(plugin, deepgram.STTv2)
    assert plugin._opts.endpoint_url == "https://deepgram.example/v2/listen"
    assert plugin._opts.language_hint == ["de"]
    assert (plugin._opts.eot_threshold, plugin._opts.audio_chunk_duration_ms) == (0.8, 20)
    assert built("flux-general-en", "en")._opts.language_hint == []


def test_options_of_the_other_protocol_are_logged_and_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An option that the model's protocol lacks does not keep the call from starting."""
    with caplog.at_level(logging.WARNING):
        built("flux-general-en", punctuate=True)
        built("nova-3", eot_threshold=0.8)
    assert "flux-general-en does not take these options: punctuate" in caplog.text
    assert "nova-3 does not take these options: eot_threshold" in caplog.text


@pytest.mark.parametrize(
    ("model", "options", "expected"),
    [
        ("nova-3", {"keywords": [["a", 2]]}, (["a"], [])),
        (None, {"keywords": [["a", 2]], "keyterm": "b"}, (["b"], [])),
        ("nova-2", {"keyterm": ["a", "b"]}, ([], [("a", 1.0), ("b", 1.0)])),
        ("nova-2", {"keywords": [["a", 2]]}, ([], [("a", 2.0)])),
    ],
)
def test_terms_go_by_the_name_that_the_model_takes(
    model: str | None, options: dict[str, Any], expected: tuple[list[str], list[Any]]
) -> None:
    """Nova-3 gets key terms and older models keywords, whichever the agent names."""
    opts = built(model, **options)._opts
    keyterm, keywords = expected
    assert list(opts.keyterm or []) == keyterm
    assert list(opts.keywords or []) == keywords
