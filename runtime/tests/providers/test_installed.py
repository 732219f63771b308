"""Any installed LiveKit plugin is a provider by its name, without a folder in this repository."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from livekit.agents import APIConnectOptions, llm, stt, tts
from livekit.agents.utils import http_context

from agent_runtime.agents import parse_registered
from agent_runtime.agents.checks.addresses import check_addresses
from agent_runtime.agents.checks.effects import without_effect
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.providers import registry
from agent_runtime.providers.common.installed import installed_spec
from agent_runtime.providers.common.installed_plugin import PluginRefusedError
from agent_runtime.providers.common.options import KeyMissingError
from agent_runtime.providers.common.spec import Stage
from agent_runtime.settings import Settings
from agent_runtime.text.streaming import TextStreaming
from fixtures.providers import KEY, ProviderStandIns

# A plugin as LiveKit's are: the package imports its classes, and registers itself.
PACKAGE = """
from livekit.agents import Plugin

from .speech.stt import STT
from .tts import Voice as TTS

class AcmePlugin(Plugin):
    def __init__(self):
        super().__init__(__name__, "1.0", __package__)

Plugin.register_plugin(AcmePlugin())
"""
STT_MODULE = """
from __future__ import annotations

import os
from typing import Literal

import aiohttp
from livekit.agents import NOT_GIVEN, NotGivenOr, stt


class STT(stt.STT):
    def __init__(
        self,
        *,
        model: Models | str = "loud-1",
        language: NotGivenOr[str] = NOT_GIVEN,
        volume: "int | None" = None,
        flavour: Literal["mint", "plain"] = "plain",
        words: list[str] | None = None,
        base_url: str = "https://acme.example",
        http_session: aiohttp.ClientSession | None = None,
        api_key: str | None = None,
        model_file: str | None = None,
    ) -> None:
        super().__init__(capabilities=stt.STTCapabilities(streaming=True, interim_results=True))
        self.given = dict(locals())
        self.key = api_key or os.environ["ACMEVOICE_TOKEN"]
        if volume == 11:
            raise ValueError("volume 11 is too loud")

    async def _recognize_impl(self, buffer, *, language, conn_options):
        raise NotImplementedError
"""
TTS_MODULE = """
from livekit.agents import tts


class Voice(tts.TTS):
    def __init__(self, *, speaker: str = "ann", target_language_code: str = "en", pitch: float = 0):
        super().__init__(
            capabilities=tts.TTSCapabilities(streaming=False), sample_rate=24000, num_channels=1
        )
        self.given = (speaker, target_language_code, pitch)

    def synthesize(self, text, *, conn_options=None):
        raise NotImplementedError
"""


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A plugin called acmevoice is installed."""
    import livekit.plugins

    folder = tmp_path / "livekit" / "plugins" / "acmevoice"
    (folder / "speech").mkdir(parents=True)
    (folder / "__init__.py").write_text(PACKAGE)
    (folder / "tts.py").write_text(TTS_MODULE)
    (folder / "speech" / "__init__.py").write_text("")
    (folder / "speech" / "stt.py").write_text(STT_MODULE)
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    monkeypatch.setattr(
        livekit.plugins, "__path__", [*livekit.plugins.__path__, str(folder.parent)]
    )
    installed_spec.cache_clear()
    yield
    installed_spec.cache_clear()
    for name in [name for name in sys.modules if name.startswith("livekit.plugins.acmevoice")]:
        del sys.modules[name]


def defaults() -> Any:
    """A worker's settings."""
    return Settings.load({}).providers.defaults(EgressPolicy())


def refused(config: dict[str, Any]) -> str:
    """The message with which the configuration is refused."""
    with pytest.raises(InvalidAgentConfig) as error:
        check_addresses(parse_registered(config), defaults())
    return str(error.value)


@pytest.mark.usefixtures("acme")
def test_a_plugin_is_used_by_its_name_with_the_options_that_it_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Options are those of the constructor, with their types; the key is in the plugin's own variable."""
    given = {
        "sttProvider": "AcmeVoice",
        "sttConfig": {"volume": 3, "flavour": "mint", "colour": "red", "language": "de"},
        "ttsProvider": "acmevoice",
        "ttsConfig": {"pitch": 0.5},
        "voiceId": "bob",
        "languages": ["de"],
    }
    assert without_effect(given) == ["sttConfig.colour: nothing acts on this key"]
    config = parse_registered(given)
    with pytest.raises(KeyMissingError, match=r"set ACMEVOICE_TOKEN, or sttConfig\.apiKey"):
        registry.speech_to_text("acmevoice")(
            config.stt, defaults()[Stage.STT]["acmevoice"], frame_ms=20
        )
    monkeypatch.setenv("ACMEVOICE_TOKEN", "s3cret")
    ears: Any = registry.speech_to_text("acmevoice")(
        config.stt, defaults()[Stage.STT]["acmevoice"], frame_ms=20
    )
    assert isinstance(ears, stt.STT)
    assert (ears.key, ears.given["language"], ears.given["model"]) == ("s3cret", "de", "loud-1")
    assert (ears.given["volume"], ears.given["flavour"]) == (3, "mint")
    voice: Any = registry.text_to_speech("acmevoice")(
        config.tts,
        defaults()[Stage.TTS]["acmevoice"],
        text_streaming=TextStreaming.WORDS,
    )
    assert isinstance(voice, tts.TTS)
    assert voice.given == ("bob", "de", 0.5)


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"sttConfig": {"volume": "loud"}}, "sttConfig.volume: expected a whole number"),
        ({"sttConfig": {"flavour": "salt"}}, 'sttConfig.flavour: expected one of "mint", "plain"'),
        (
            {"sttConfig": {"model_file": "/etc/passwd"}},
            "sttConfig.model_file: names a machine or a",
        ),
        ({"sttConfig": {"http_session": {}}}, "sttConfig.http_session: takes an object of Python"),
        (
            {"sttConfig": {"baseUrl": "https://acme.evil", "apiKey": "k"}},
            "sttConfig.baseUrl: must be a URL",
        ),
    ],
)
def test_what_the_constructor_does_not_take_is_refused_at_registration(
    config: dict[str, Any], words: str
) -> None:
    """Wrong types, objects, files of the worker and addresses that cannot be guarded are refused."""
    assert words in refused({"sttProvider": "acmevoice", **config})


@pytest.mark.usefixtures("acme")
def test_what_the_plugin_itself_refuses_is_told_with_its_package(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error of the constructor names the package, so that whoever reads it knows where to look."""
    monkeypatch.setenv("ACMEVOICE_TOKEN", "s3cret")
    config = parse_registered({"sttProvider": "acmevoice", "sttConfig": {"volume": 11}})
    with pytest.raises(PluginRefusedError, match=r"livekit-plugins-acmevoice: volume 11 is too"):
        registry.speech_to_text("acmevoice")(
            config.stt, defaults()[Stage.STT]["acmevoice"], frame_ms=20
        )


@pytest.mark.usefixtures("acme")
def test_a_plugin_without_the_stage_says_so() -> None:
    """A plugin that is installed and lacks the stage is not proposed for installation."""
    message = refused({"llmProvider": "acmevoice"})
    assert "livekit-plugins-acmevoice is installed and does not offer this stage" in message


def test_a_plugin_that_is_not_installed_is_named() -> None:
    """The error of a name that nobody knows lists the providers, and the package that would serve it."""
    message = refused({"sttProvider": "acmevoice"})
    assert "available: deepgram" in message
    assert "or install LiveKit's plugin livekit-plugins-acmevoice" in message
    assert "install" not in refused({"sttProvider": "../../etc/passwd"})


async def test_a_plugin_of_the_registry_answers_over_the_wire(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """LiveKit's plugin google, which has no folder here under this name, speaks with the stand-in."""
    config = parse_registered(
        {"llmProvider": "google", "llmModel": "gemini-3.8-flash", "llmConfig": {"seed": 1}}
    )
    assert registry.spec_of("google").api_key.name == "GOOGLE_API_KEY"
    async with ProviderStandIns(sentences=["Hello."]) as stand_ins, http_context.open():
        monkeypatch.setenv("GOOGLE_API_KEY", KEY)
        monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", stand_ins.url)
        model = registry.language_model("google")(
            config.llm, defaults()[Stage.LLM]["google"], temperature=0.5
        )
        once = APIConnectOptions(max_retry=0, timeout=5)
        answer = model.chat(chat_ctx=llm.ChatContext(), conn_options=once)
        text = "".join([c.delta.content or "" async for c in answer if c.delta])
    assert text == stand_ins.shared.script.greeting
