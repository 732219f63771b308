"""The registry: what a vendor's folder must hold, and that a new folder is all that a vendor needs."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Annotated, Any, cast, get_args, get_origin, get_type_hints

import pytest
from pydantic import ConfigDict, TypeAdapter

from agent_runtime import providers
from agent_runtime.agents import parse_registered
from agent_runtime.agents.checks.effects import without_effect
from agent_runtime.agents.profiles import pace_of
from agent_runtime.agents.sections import Profile
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.providers import registry
from agent_runtime.providers.common.option_types import read_option
from agent_runtime.providers.common.options import KeyMissingError
from agent_runtime.providers.common.spec import Stage
from agent_runtime.providers.deepgram.spec import FLUX_OPTIONS, NOVA_OPTIONS
from agent_runtime.providers.registry import PackageMissingError
from agent_runtime.settings import HIDDEN, Settings, SettingsError
from agent_runtime.voice.jobs.settings import VoiceSettings
from agent_runtime.voice.pipeline.fallbacks import speech_to_text

SPEC = """
from agent_runtime.providers.common.spec import ProviderSpec, Stage, StageSpec, Variable

SPEC = ProviderSpec(
    name="acme",
    title="Acme",
    package="{package}",
    api_key=Variable("ACME_API_KEY", "Acme's key.", secret=True),
    base_url=Variable("ACME_URL", "Acme's address.", "https://acme.example", schemes=("https",)),
    stages={{
        Stage.STT: StageSpec(Variable("ACME_MODEL", "Acme's model.", "loud-1"), {{"volume": int}})
    }},
)
"""
PLUGIN = """
from agent_runtime.providers.acme.spec import SPEC
from agent_runtime.providers.common.options import key_of, known_options
from agent_runtime.providers.common.spec import Stage


def speech_to_text(choice, defaults, *, frame_ms):
    key = key_of(SPEC, Stage.STT, choice, defaults)
    model = choice.model or defaults.model
    return key, defaults.base_url, model, frame_ms, dict(known_options(SPEC, Stage.STT, choice))
"""


def put_vendor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str = "livekit-agents"
) -> None:
    """Put the folder of a vendor called acme beside those of the others."""
    folder = tmp_path / "acme"
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "spec.py").write_text(SPEC.format(package=package))
    (folder / "plugin.py").write_text(PLUGIN)
    monkeypatch.setattr(providers, "__path__", [*providers.__path__, str(tmp_path)])
    registry.specs.cache_clear()


def voice_of(settings: Settings) -> VoiceSettings:
    """What the pipeline needs of a worker's settings to build one provider."""
    return cast(
        "VoiceSettings",
        SimpleNamespace(providers=settings.providers.defaults(settings.egress.policy())),
    )


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """The vendors of the next test are those of the repository."""
    yield
    registry.specs.cache_clear()
    for name in [name for name in sys.modules if name.startswith(f"{providers.__name__}.acme")]:
        del sys.modules[name]


def test_a_new_folder_is_configured_validated_and_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A vendor that only has a folder gets settings, agents that name it, options, and its plugin."""
    with pytest.raises(InvalidAgentConfig, match="available: deepgram"):
        parse_registered({"sttProvider": "acme"})
    put_vendor(tmp_path, monkeypatch)

    settings = Settings.load({"ACME_API_KEY": "s3cret"})
    variables = settings.variables()
    assert (variables["ACME_API_KEY"], variables["ACME_MODEL"]) == (HIDDEN, "loud-1")
    with pytest.raises(SettingsError, match="ACME_URL: must start with https://"):
        Settings.load({"ACME_URL": "ftp://acme.example"})

    given = {
        "sttProvider": "Acme",
        "sttConfig": {"volume": 11, "flavour": "mint", "fallbacks": [{"provider": "acme"}]},
    }
    assert without_effect(given) == ["sttConfig.flavour: nothing acts on this key"]
    config = parse_registered(given)
    assert config.stt.fallbacks[0].provider == "acme"
    single = parse_registered({**given, "sttConfig": {"volume": 11}})
    built: object = speech_to_text(single, pace_of(single, Profile.DENSE), voice_of(settings))
    assert built == ("s3cret", "https://acme.example", "loud-1", 50, {"volume": 11})

    with pytest.raises(KeyMissingError, match=r"set ACME_API_KEY, or sttConfig\.apiKey"):
        speech_to_text(single, pace_of(single, Profile.DENSE), voice_of(Settings.load({})))


def test_a_vendor_whose_package_is_missing_is_refused_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider whose package is not installed is not built; the error names the package."""
    put_vendor(tmp_path, monkeypatch, package="livekit-plugins-acme")
    config = parse_registered({"sttProvider": "acme"})
    with pytest.raises(PackageMissingError, match="needs the package livekit-plugins-acme"):
        registry.speech_to_text(config.stt_provider)


def test_the_specs_load_no_plugin() -> None:
    """Settings, agents and registry read every spec without loading a plugin or LiveKit."""
    code = (
        "import sys\n"
        "from agent_runtime.agents import parse_registered\n"
        "from agent_runtime.settings import Settings\n"
        "Settings.load({})\n"
        "parse_registered({'sttProvider': 'deepgram'})\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'livekit'])\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


def test_only_plugins_that_are_used_are_imported() -> None:
    """The pipeline imports no plugin; the worker imports those of the default providers."""
    code = (
        "import sys\n"
        "import agent_runtime.voice.call.call\n"
        "def loaded(): return sorted(n.split('.')[2] for n in sys.modules\n"
        "    if n.startswith('agent_runtime.providers.') and n.endswith('.plugin'))\n"
        "print(loaded())\n"
        "from agent_runtime.providers.registry import import_default_plugins\n"
        "import_default_plugins()\n"
        "print(loaded())\n"
        "print(sorted(n for n in sys.modules if n in ('anthropic', 'google.genai')\n"
        "    or n.startswith('livekit.plugins.') and n.count('.') == 2))\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.splitlines() == [
        "[]",
        "['cartesia', 'deepgram', 'openai']",
        "['livekit.plugins.cartesia', 'livekit.plugins.deepgram', 'livekit.plugins.openai']",
    ]


@pytest.mark.parametrize("name", registry.specs())
def test_every_folder_keeps_its_spec(name: str) -> None:
    """A vendor is called like its folder, and its plugin has a builder for each stage of the spec."""
    spec = registry.specs()[name]
    builders = {
        Stage.STT: registry.speech_to_text,
        Stage.LLM: registry.language_model,
        Stage.TTS: registry.text_to_speech,
    }
    assert spec.name == name
    for stage in spec.stages:
        assert callable(builders[stage](name))


def plugins() -> list[tuple[str, Stage, Mapping[str, Any], Any]]:
    """Vendor, stage, options by name and the plugin's class, for each plugin that is built."""
    from livekit.agents import inference
    from livekit.plugins import (
        anthropic,
        assemblyai,
        cartesia,
        deepgram,
        elevenlabs,
        gladia,
        google,
        openai,
    )

    def options(name: str, stage: Stage, *translated: str) -> Mapping[str, Any]:
        """The options of a spec without those that its builder translates."""
        found = registry.specs()[name].stages[stage].options
        return {option: kind for option, kind in found.items() if option not in translated}

    return [
        ("deepgram", Stage.STT, NOVA_OPTIONS, deepgram.STT),
        ("deepgram", Stage.STT, FLUX_OPTIONS, deepgram.STTv2),
        ("deepgram", Stage.TTS, options("deepgram", Stage.TTS), deepgram.TTS),
        ("deepgram", Stage.TTS, options("deepgram", Stage.TTS), deepgram.TTSv2),
        ("openai", Stage.LLM, options("openai", Stage.LLM, "max_tokens"), openai.LLM),
        ("openai", Stage.STT, options("openai", Stage.STT), openai.STT),
        ("openai", Stage.TTS, options("openai", Stage.TTS), openai.TTS),
        ("cartesia", Stage.TTS, options("cartesia", Stage.TTS), cartesia.TTS),
        ("anthropic", Stage.LLM, options("anthropic", Stage.LLM), anthropic.LLM),
        ("gemini", Stage.LLM, options("gemini", Stage.LLM, "max_tokens", "base_url"), google.LLM),
        ("assemblyai", Stage.STT, options("assemblyai", Stage.STT), assemblyai.STT),
        ("gladia", Stage.STT, options("gladia", Stage.STT), gladia.STT),
        ("elevenlabs", Stage.STT, options("elevenlabs", Stage.STT), elevenlabs.STT),
        ("elevenlabs", Stage.TTS, options("elevenlabs", Stage.TTS, "speed"), elevenlabs.TTS),
        ("inference", Stage.STT, options("inference", Stage.STT), inference.STT),
        ("inference", Stage.LLM, options("inference", Stage.LLM), inference.LLM),
        ("inference", Stage.TTS, options("inference", Stage.TTS), inference.TTS),
    ]


# Options whose type differs from the constructor's annotation on purpose: the annotation names a class of
# Python, for which the builder takes an object; or the spec permits less, since the pipeline needs it so.
NARROWED = {
    "detect_language": ("deepgram",),  # a stream cannot detect its language
    "timeout": (
        "openai",
        "anthropic",
    ),  # a number of seconds instead of the HTTP client's own class
    "voice_settings": ("elevenlabs",),
    "pronunciation_dictionary_locators": ("elevenlabs",),
    "server_vad": ("elevenlabs",),
    "encoding": ("assemblyai", "deepgram", "elevenlabs", "gladia", "inference"),  # plain samples
    "sample_rate": ("deepgram", "gladia", "elevenlabs"),
    "bit_depth": ("gladia",),
    "channels": ("gladia",),
    "energy_filter": ("gladia",),
    "response_format": ("openai",),
    "use_realtime": ("openai",),
    "noise_reduction_type": ("openai",),
    "turn_detection": ("openai",),
    "extra_kwargs": ("inference",),
    "model": ("assemblyai", "gladia"),  # also models that are newer than the plugin
    "media_resolution": ("gemini",),
    "service_tier": ("gemini",),
    "retrieval_config": ("gemini",),
    "safety_settings": ("gemini",),
    "thinking_config": ("gemini",),
    "automatic_function_calling_config": ("gemini",),
}


def test_options_are_those_of_the_plugins() -> None:
    """A spec has every argument of the plugin's constructor, as an option or as an object of Python."""
    for name, stage, options, plugin in plugins():
        spec = registry.specs()[name].stages[stage]
        arguments = inspect.signature(plugin).parameters.keys()
        assert options.keys() == arguments - spec.objects
        assert options.keys() <= spec.options.keys()
        assert spec.objects <= arguments


def test_the_types_of_options_are_those_of_the_plugins() -> None:
    """A value is of an option's type exactly when the constructor's annotation accepts it.

    Bounds are the spec's own, and `NARROWED` has the options that differ on purpose.
    """
    samples = [
        *("x", True, False, 3, 0.5, ["x"], [0.5], [["x", 2]], {"x": "y"}, {"x": [1]}),
        *("pcm_s16le", "fast", "auto", "24h", "none", "low", "numbers"),
    ]
    for name, _, options, plugin in plugins():
        hints = get_type_hints(plugin.__init__)
        for option in options:
            if name in NARROWED.get(option, ()):
                continue
            config = ConfigDict(arbitrary_types_allowed=True)
            hint = TypeAdapter(Annotated[hints[option], "hint"], config=config)
            for sample in samples:
                if option in ("tool_choice", "prompt_cache_options") and isinstance(sample, dict):
                    continue  # the annotation knows their keys, which grow with the service
                theirs = accepts(hint.validate_json, json.dumps(sample), strict=True)
                ours = accepts(read_option, unbounded(options[option]), sample)
                assert ours == theirs, (name, option, sample)


def unbounded(kind: Any) -> Any:
    """The type without its bounds."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def accepts(read: Callable[..., object], *args: Any, **more: Any) -> bool:
    """Whether a value is of the type that `read` checks."""
    try:
        read(*args, **more)
    except ValueError:
        return False
    return True
