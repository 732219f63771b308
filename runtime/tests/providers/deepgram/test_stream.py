"""Deepgram's stream with 20 ms messages, against a server that speaks its live protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web
from livekit import rtc
from livekit.agents import APIConnectOptions, APIError, stt

from agent_runtime.providers.deepgram.stream import ShortFrameSTT

SECOND = 16_000  # samples
ONCE = APIConnectOptions(max_retry=0, timeout=5)


class Service:
    """Records what it receives; each test sends what it wants through the connection."""

    def __init__(self) -> None:
        self.audio: list[int] = []  # bytes of each message
        self.controls: list[str] = []
        self.connections: asyncio.Queue[web.WebSocketResponse] = asyncio.Queue()
        self.queries: list[dict[str, str]] = []

    async def listen(self, request: web.Request) -> web.WebSocketResponse:
        """One connection."""
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.queries.append(dict(request.query))
        self.connections.put_nowait(socket)
        async for message in socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                self.audio.append(len(message.data))
                continue
            self.controls.append(json.loads(message.data)["type"])
            if self.controls[-1] == "CloseStream":
                await socket.send_json(_transcript("good bye"))
                await socket.close()
        return socket


def _transcript(text: str) -> dict[str, object]:
    word = {"word": text, "start": 0.0, "end": 1.0, "confidence": 1.0}
    said = {"transcript": text, "confidence": 1.0, "words": [word]}
    return {
        "type": "Results",
        "is_final": True,
        "speech_final": True,
        "channel": {"alternatives": [said]},
        "metadata": {"request_id": "r"},
    }


@pytest.fixture
async def service() -> AsyncIterator[tuple[Service, str]]:
    """The server and its address."""
    made = Service()
    app = web.Application()
    app.router.add_get("/v1/listen", made.listen)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    yield made, f"http://127.0.0.1:{port}/v1/listen"
    await runner.cleanup()


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """The HTTP session that all plugins of a job share."""
    async with aiohttp.ClientSession() as session:
        yield session


def silence(seconds: float) -> rtc.AudioFrame:
    """A frame of silence of this length."""
    samples = int(seconds * SECOND)
    return rtc.AudioFrame(bytes(samples * 2), SECOND, 1, samples)


async def finals(stream: stt.SpeechStream) -> list[str]:
    """The final transcripts until the stream ends."""
    kind = stt.SpeechEventType.FINAL_TRANSCRIPT
    return [event.alternatives[0].text async for event in stream if event.type is kind]


async def test_audio_goes_out_every_20_ms_and_the_last_transcript_arrives(
    service: tuple[Service, str], http: aiohttp.ClientSession
) -> None:
    """10 ms frames go out as 20 ms messages, and the transcript of the last audio still arrives."""
    made, url = service
    stream = ShortFrameSTT(api_key="k", base_url=url, http_session=http).stream(conn_options=ONCE)
    for _ in range(10):
        stream.push_frame(silence(0.01))
    stream.end_input()
    async with asyncio.timeout(5):
        assert await finals(stream) == ["good bye"]
    assert made.audio == [640] * 5
    assert "Finalize" in made.controls
    assert made.controls[-1] == "CloseStream"
    await stream.aclose()


async def test_longer_frames_go_out_unchanged_and_the_rest_at_the_end(
    service: tuple[Service, str], http: aiohttp.ClientSession
) -> None:
    """50 ms frames, which a busy machine uses, are not cut: more messages would cost more CPU."""
    made, url = service
    stream = ShortFrameSTT(api_key="k", base_url=url, http_session=http).stream(conn_options=ONCE)
    for seconds in (0.05, 0.05, 0.01):
        stream.push_frame(silence(seconds))
    stream.end_input()
    async with asyncio.timeout(5):
        assert await finals(stream) == ["good bye"]
    assert made.audio == [1600, 1600, 320]
    await stream.aclose()


async def test_a_change_of_options_opens_another_connection(
    service: tuple[Service, str], http: aiohttp.ClientSession
) -> None:
    """A change of options opens another connection, and the audio goes out there."""
    made, url = service
    stream = ShortFrameSTT(api_key="k", base_url=url, http_session=http).stream(conn_options=ONCE)
    async with asyncio.timeout(5):
        await made.connections.get()
        stream.update_options(language="de")
        await made.connections.get()
        stream.push_frame(silence(0.1))
        stream.end_input()
        assert await finals(stream) == ["good bye"]
    assert [query["language"] for query in made.queries] == ["en-US", "de"]
    await stream.aclose()


async def test_a_connection_that_deepgram_closes_is_a_retryable_error(
    service: tuple[Service, str], http: aiohttp.ClientSession
) -> None:
    """A connection that Deepgram closes is a retryable error, so the framework connects again."""
    made, url = service
    stream = ShortFrameSTT(api_key="k", base_url=url, http_session=http).stream(conn_options=ONCE)
    async with asyncio.timeout(5):
        socket = await made.connections.get()
        await socket.close(code=1011)
        with pytest.raises(APIError) as failed:
            await finals(stream)
    assert failed.value.retryable
    await stream.aclose()


async def test_a_malformed_message_does_not_end_the_stream(
    service: tuple[Service, str], http: aiohttp.ClientSession, caplog: pytest.LogCaptureFixture
) -> None:
    """A malformed message is logged, and the next one is read."""
    made, url = service
    stream = ShortFrameSTT(api_key="k", base_url=url, http_session=http).stream(conn_options=ONCE)
    async with asyncio.timeout(5):
        socket = await made.connections.get()
        await socket.send_str("this is not JSON")
        await socket.send_json(_transcript("hello"))
        stream.end_input()
        assert await finals(stream) == ["hello", "good bye"]
    assert "cannot read" in caplog.text
    await stream.aclose()
