"""A key belongs to an address: the worker's own key never reaches another address than the worker's own."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

import pytest
from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, llm
from livekit.agents.utils import http_context

from agent_runtime.agents import AgentConfig, parse_registered, parse_row
from agent_runtime.agents.checks.addresses import check_addresses
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.egress.urls import EgressRefused
from agent_runtime.providers import registry
from agent_runtime.providers.common.options import KeyMissingError
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.settings import Settings
from agent_runtime.text.streaming import TextStreaming

WORKER_KEY: Final = "the-key-of-the-worker"
AGENT_KEY: Final = "the-key-of-the-agent"
STAGES: Final = {Stage.STT: "stt", Stage.LLM: "llm", Stage.TTS: "tts"}
PATHS: Final = {Stage.STT: "/v1/listen", Stage.LLM: "/v1", Stage.TTS: ""}
SPELLINGS: Final = (("baseUrl", "apiKey"), ("base_url", "api_key"), ("baseURL", "APIKey"))
ONCE: Final = APIConnectOptions(max_retry=0, timeout=2)
Providers = Mapping[Stage, Mapping[str, ProviderDefaults]]


@dataclass
class Listener:
    """Stands in for any host: keeps the bytes that it receives, and refuses every request."""

    port: int = 0
    received: bytearray = field(default_factory=bytearray)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Keep what comes."""
        with suppress(asyncio.IncompleteReadError):
            self.received += await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()


async def listener() -> tuple[Listener, asyncio.Server]:
    """A listener, and its server."""
    made = Listener()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    return made, server


@pytest.fixture
async def own() -> AsyncIterator[Listener]:
    """The worker's own address of all providers."""
    made, server = await listener()
    yield made
    server.close()


@pytest.fixture
async def foreign() -> AsyncIterator[Listener]:
    """An address that an agent names."""
    made, server = await listener()
    yield made
    server.close()


@pytest.fixture(autouse=True)
async def job_session(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    """The HTTP session that plugins share in a job, and the operator's secrets in the environment."""
    monkeypatch.setenv(
        "OPENAI_CUSTOM_HEADERS", f"X-Gateway: {WORKER_KEY}\nAuthorization: {WORKER_KEY}"
    )
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, WORKER_KEY)
    for name in ("DEEPGRAM_API_KEY", "CARTESIA_API_KEY"):
        monkeypatch.setenv(name, WORKER_KEY)
    async with http_context.open():
        yield


def providers(own: Listener, allow: str = "") -> Providers:
    """The worker's providers, at its own address."""
    environ = {
        "DEEPGRAM_BASE_URL": f"{own.url}/v1/listen",
        "OPENAI_BASE_URL": f"{own.url}/v1",
        "CARTESIA_BASE_URL": own.url,
        "EGRESS_ALLOW": allow,
        **{f"{name}_API_KEY": WORKER_KEY for name in ("DEEPGRAM", "OPENAI", "CARTESIA")},
    }
    settings = Settings.load(environ)
    return settings.providers.defaults(settings.egress.policy())


def agent(stage: Stage, options: dict[str, Any], *, fallback: bool, row: bool) -> AgentConfig:
    """An agent with these options at the stage, or at its fallback, as registered or as a row."""
    section = {"fallbacks": [options]} if fallback else options
    if row:
        return parse_row({f"{STAGES[stage]}_config": json.dumps(section)})
    return parse_registered({f"{STAGES[stage]}Config": section})


def choice_of(config: AgentConfig, stage: Stage, *, fallback: bool) -> ProviderChoice:
    """What the pipeline builds of it."""
    choice: ProviderChoice = getattr(config, STAGES[stage])
    return choice.fallbacks[0] if fallback else choice


def build(choice: ProviderChoice, stage: Stage, defaults: Providers) -> Any:
    """The plugin that a call would use."""
    own = defaults[stage][choice.provider]
    if stage is Stage.STT:
        return registry.speech_to_text(choice.provider)(choice, own, frame_ms=20)
    if stage is Stage.LLM:
        return registry.language_model(choice.provider)(choice, own, temperature=None)
    return registry.text_to_speech(choice.provider)(
        choice, own, text_streaming=TextStreaming.SENTENCES
    )


async def use(plugin: Any, stage: Stage) -> None:
    """Have the plugin make one request, which fails; then close its session when it has its own."""
    try:
        if stage is Stage.STT:
            async with plugin.stream(conn_options=ONCE) as stream:
                stream.push_frame(rtc.AudioFrame(bytes(640), 16_000, 1, 320))
                async for _ in stream:
                    pass
        elif stage is Stage.LLM:
            context = llm.ChatContext()
            context.add_message(role="user", content="hello")
            async with plugin.chat(chat_ctx=context, conn_options=ONCE) as answer:
                async for _ in answer:
                    pass
        else:
            async with plugin.stream(conn_options=ONCE) as voice:
                voice.push_text("Hello there.")
                voice.end_input()
                async for _ in voice:
                    pass
            async with plugin.synthesize("Hello.", conn_options=ONCE) as chunks:
                async for _ in chunks:
                    pass
    except APIError:
        pass
    finally:
        session = getattr(plugin, "_session", None)
        if session is not None and session is not http_context.http_session():
            await session.close()


MATRIX = pytest.mark.parametrize(
    ("stage", "fallback", "row", "spelling"),
    list(itertools.product(STAGES, (False, True), (False, True), SPELLINGS)),
    ids=lambda value: str(value).replace(" ", "_"),
)


@MATRIX
@pytest.mark.parametrize("permitted", [False, True])
async def test_an_agent_s_address_without_an_agent_s_key_is_refused(
    own: Listener,
    foreign: Listener,
    stage: Stage,
    fallback: bool,
    row: bool,
    spelling: tuple[str, str],
    permitted: bool,
) -> None:
    """It is refused at registration and again by the worker, also where the operator permits the host."""
    defaults = providers(own, allow=f"http://127.0.0.1:{foreign.port}" if permitted else "")
    for key in (None, "", "  "):
        config = agent(
            stage, {spelling[0]: foreign.url, spelling[1]: key}, fallback=fallback, row=row
        )
        with pytest.raises(InvalidAgentConfig) as refused:
            check_addresses(config, defaults)
        path = f"{STAGES[stage]}Config.{'fallbacks.0.' if fallback else ''}baseUrl: "
        assert str(refused.value).startswith(path)
        assert ("apiKey" if permitted else "EGRESS_ALLOW") in str(refused.value)
        with pytest.raises(EgressRefused):
            build(choice_of(config, stage, fallback=fallback), stage, defaults)
    assert not foreign.received


@MATRIX
async def test_an_agent_s_key_goes_to_the_agent_s_address_and_the_worker_s_does_not(
    own: Listener,
    foreign: Listener,
    stage: Stage,
    fallback: bool,
    row: bool,
    spelling: tuple[str, str],
) -> None:
    """A permitted address gets the agent's key, and no byte of the worker's keys, headers or names."""
    defaults = providers(own, allow=f"http://127.0.0.1:{foreign.port}")
    options = {spelling[0]: f" {foreign.url} ", spelling[1]: AGENT_KEY}
    config = agent(stage, options, fallback=fallback, row=row)
    check_addresses(config, defaults)
    await use(build(choice_of(config, stage, fallback=fallback), stage, defaults), stage)
    assert AGENT_KEY.encode() in foreign.received
    assert f" {PATHS[stage]}".encode() in foreign.received  # the host form was completed
    assert WORKER_KEY.encode() not in foreign.received
    assert not own.received


@pytest.mark.parametrize("stage", STAGES)
async def test_a_private_address_is_not_connected_to_though_nothing_checked_it(
    own: Listener, foreign: Listener, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name that stands for this machine when the call connects gets nothing, not even the agent's key."""
    monkeypatch.setattr(EgressPolicy, "check", lambda _self, _target: None)
    options = {"baseUrl": f"http://localhost:{foreign.port}", "apiKey": AGENT_KEY}
    config = agent(stage, options, fallback=False, row=False)
    await use(build(choice_of(config, stage, fallback=False), stage, providers(own)), stage)
    assert not foreign.received


@pytest.mark.parametrize("stage", STAGES)
async def test_the_worker_s_key_goes_to_the_worker_s_own_address(
    own: Listener, stage: Stage
) -> None:
    """An agent that names no address, or the worker's own, uses the worker's key, also on the loopback."""
    defaults = providers(own)
    for options in ({}, {"baseUrl": own.url}, {"base_url": f"{own.url}{PATHS[stage]}/"}):
        own.received.clear()
        config = agent(stage, options, fallback=False, row=False)
        check_addresses(config, defaults)
        await use(build(choice_of(config, stage, fallback=False), stage, defaults), stage)
        assert WORKER_KEY.encode() in own.received


@pytest.mark.parametrize("stage", STAGES)
async def test_an_agent_s_key_alone_goes_to_the_worker_s_own_address(
    own: Listener, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an address of its own, an agent's key is used where the worker's would be."""
    monkeypatch.delenv(
        "OPENAI_CUSTOM_HEADERS"
    )  # the operator's Authorization would win at its own address
    config = agent(stage, {"api_key": AGENT_KEY}, fallback=False, row=False)
    check_addresses(config, providers(own))
    await use(build(choice_of(config, stage, fallback=False), stage, providers(own)), stage)
    assert AGENT_KEY.encode() in own.received


@pytest.mark.parametrize("stage", STAGES)
async def test_options_cannot_name_another_address_or_key(own: Listener, stage: Stage) -> None:
    """Key and address among a choice's further options do not reach the plugin."""
    name = registry.DEFAULTS[stage]
    extra = {"base_url": "http://127.0.0.1:1", "api_key": AGENT_KEY}
    plugin = build(ProviderChoice(name, extra=extra), stage, providers(own))
    await use(plugin, stage)
    assert AGENT_KEY.encode() not in own.received
    assert WORKER_KEY.encode() in own.received


async def test_without_any_key_the_error_names_both_remedies(own: Listener) -> None:
    """The worker's own address without any key is the error of old."""
    defaults = {Stage.LLM: {"openai": ProviderDefaults("", own.url, "m")}}
    with pytest.raises(KeyMissingError, match="OPENAI_API_KEY"):
        build(ProviderChoice("openai", base_url=own.url), Stage.LLM, defaults)
