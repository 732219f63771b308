"""LiveKit Inference takes over where it is asked for, or where plugin or key is missing."""

from __future__ import annotations

from typing import Any

import pytest

from agent_runtime.providers import way_out
from agent_runtime.providers.common.spec import ProviderChoice, Stage
from agent_runtime.providers.serving import why_not
from agent_runtime.providers.way_out import resolved
from agent_runtime.settings import Settings

WITH_KEY = {"LIVEKIT_INFERENCE_API_KEY": "k", "LIVEKIT_INFERENCE_API_SECRET": "s"}
CLOUD = {
    "LIVEKIT_URL": "wss://us.livekit.cloud",
    "LIVEKIT_API_KEY": "k",
    "LIVEKIT_API_SECRET": "s",
}
OWN_SERVER = {**CLOUD, "LIVEKIT_URL": "ws://livekit.cloud.example"}


def taken(stage: Stage, choice: ProviderChoice, **environ: str) -> tuple[str, str | None]:
    """Provider and model that a worker with this environment uses."""
    found = resolved(stage, choice, Settings.load(environ).provider_defaults()[stage])
    return found.provider, found.model


@pytest.mark.parametrize("account", [WITH_KEY, CLOUD], ids=["key", "cloud"])
@pytest.mark.parametrize(
    ("stage", "choice", "model"),
    [
        (Stage.STT, ProviderChoice("deepgram"), "deepgram/nova-3"),
        (
            Stage.STT,
            ProviderChoice("assemblyai", extra={"mode": "x"}),
            "assemblyai/universal-3-6-pro",
        ),
        (Stage.LLM, ProviderChoice("gemini", model="gemini-9"), "google/gemini-9"),
        (Stage.TTS, ProviderChoice("cartesia"), "cartesia/sonic"),
        (Stage.LLM, ProviderChoice("openai", model="moonshotai/kimi"), "moonshotai/kimi"),
    ],
)
def test_inference_serves_what_has_no_key(
    account: dict[str, str], stage: Stage, choice: ProviderChoice, model: str
) -> None:
    """Its own key, or LiveKit's where the server is the cloud, is the way out; options stay behind."""
    assert taken(stage, choice, **account) == ("inference", model)
    assert taken(stage, choice) == (choice.provider, choice.model)
    assert taken(stage, choice, **OWN_SERVER) == (choice.provider, choice.model)
    assert why_not(stage, choice, {"inference": True}, "nobody has") is None


@pytest.mark.parametrize(
    ("stage", "choice"),
    [
        (Stage.LLM, ProviderChoice("anthropic")),
        (Stage.STT, ProviderChoice("gladia")),
        (Stage.STT, ProviderChoice("openai")),
        (Stage.TTS, ProviderChoice("elevenlabs")),
        (Stage.TTS, ProviderChoice("openai")),
        (Stage.STT, ProviderChoice("deepgram", api_key="own")),
    ],
)
def test_what_inference_does_not_serve_stays(stage: Stage, choice: ProviderChoice) -> None:
    """Vendors that it does not have, and agents with a key of their own, are not moved there."""
    assert taken(stage, choice, **WITH_KEY) == (choice.provider, choice.model)
    assert why_not(stage, choice, {"inference": True}, "nobody has") is not None


def test_a_key_of_the_vendor_is_used_before_inference() -> None:
    """With plugin and key, the vendor itself is asked; so is another service that has such model names."""
    given: dict[str, Any] = {**WITH_KEY, "DEEPGRAM_API_KEY": "k", "OPENAI_API_KEY": "k"}
    assert taken(Stage.STT, ProviderChoice("deepgram"), **given)[0] == "deepgram"
    routed = ProviderChoice("openai", model="openai/gpt-4o")
    assert taken(Stage.LLM, routed, **given)[0] == "inference"
    given["OPENAI_BASE_URL"] = "https://openrouter.example/api/v1"
    assert taken(Stage.LLM, routed, **given)[0] == "openai"


def test_a_missing_package_leads_to_inference(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key without the plugin is of no use: the same vendor is reached through inference."""
    monkeypatch.setattr(way_out, "is_installed", lambda _spec: False)
    given = {**WITH_KEY, "ASSEMBLYAI_API_KEY": "k"}
    assert taken(Stage.STT, ProviderChoice("assemblyai"), **given)[0] == "inference"
