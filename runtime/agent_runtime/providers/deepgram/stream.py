"""Deepgram's live transcription, with audio sent every 20 ms.

The plugin collects 50 ms of audio before it sends. So the caller's last sound waits 25 ms on average, and
the answer waits for the transcript of that sound. Deepgram accepts 20 ms as well. The plugin has no option
for the length, so this module replaces its loop over one connection; connecting, and reading Deepgram's
messages, stay the plugin's. Drop this module when the plugin has such an option.

Protocol: Deepgram's "Live audio" reference.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any, Final

import aiohttp
from livekit import rtc
from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError, NotGivenOr, utils
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS, NOT_GIVEN
from livekit.plugins import deepgram

logger = logging.getLogger(__name__)

MESSAGES_PER_SECOND: Final = 50  # 20 ms of audio each
# Seconds between keep-alive messages. Deepgram closes a connection after 10 s without them or audio.
KEEP_ALIVE: Final = 5.0
_CLOSED: Final = (
    aiohttp.WSMsgType.CLOSED,
    aiohttp.WSMsgType.CLOSE,
    aiohttp.WSMsgType.CLOSING,
    aiohttp.WSMsgType.ERROR,
)


class ShortFrameSTT(deepgram.STT):
    """The plugin, with streams that send every 20 ms; they send longer frames as they come."""

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> ShortFrameStream:
        """Start a stream. Raises ValueError when no language is set."""
        stream = ShortFrameStream(
            stt=self,
            conn_options=conn_options,
            opts=self._sanitize_options(language=language),
            api_key=self._api_key,
            http_session=self._ensure_session(),
            base_url=self._opts.endpoint_url,
        )
        self._streams.add(stream)
        return stream


class ShortFrameStream(deepgram.SpeechStream):
    """One stream. A change of options opens another connection, as in the plugin."""

    _ending = False  # we sent our last message, so Deepgram will close the connection

    async def _run(self) -> None:
        again = True
        while again:
            socket = await self._connect_ws()
            began = time.perf_counter()
            try:
                again = await self._exchange(socket)
            finally:
                await socket.close()
                # Deepgram bills the connection, not only the sound that went through it.
                self._audio_duration_collector.flush()
                unbilled = time.perf_counter() - began - self._reported_duration
                if unbilled > 0:
                    self._on_audio_duration_report(unbilled)
                self._reported_duration = 0.0

    async def _exchange(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        """Send and receive until the audio ends (returns False) or the options change (returns True)."""
        traffic = asyncio.gather(self._send(socket), self._receive(socket))
        keeping = asyncio.create_task(self._keep_alive(socket))
        changed = asyncio.create_task(self._reconnect_event.wait())
        try:
            done, _ = await asyncio.wait(
                (traffic, keeping, changed), return_when=asyncio.FIRST_COMPLETED
            )
            for task in done - {changed}:
                task.result()
            if changed in done:
                self._reconnect_event.clear()
            return changed in done
        finally:
            await utils.aio.gracefully_cancel(traffic, keeping, changed)
            # A lost connection fails both; the first error was raised, so read the other one here.
            for task in (traffic, keeping):
                if not task.cancelled():
                    task.exception()

    async def _send(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        minimum = self._opts.sample_rate // MESSAGES_PER_SECOND
        frames: list[rtc.AudioFrame] = []
        try:
            async for data in self._input_ch:
                if isinstance(data, rtc.AudioFrame):
                    frames.append(data)
                    if sum(frame.samples_per_channel for frame in frames) >= minimum:
                        await self._send_audio(socket, frames)
                else:
                    await self._send_audio(socket, frames)
                    self._audio_duration_collector.flush()
                    await socket.send_str(self._FINALIZE_MSG)
            self._ending = True
            await socket.send_str(self._CLOSE_MSG)
        except (aiohttp.ClientError, ConnectionError) as error:
            self._on_lost(error)

    async def _send_audio(
        self, socket: aiohttp.ClientWebSocketResponse, frames: list[rtc.AudioFrame]
    ) -> None:
        """Send `frames` as one message, and empty the list."""
        if frames:
            self._audio_duration_collector.push(sum(frame.duration for frame in frames))
            audio = b"".join(frame.data.tobytes() for frame in frames)
            frames.clear()
            await socket.send_bytes(audio)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while (message := await socket.receive()).type not in _CLOSED:
            if message.type is not aiohttp.WSMsgType.TEXT:
                logger.warning("unexpected message from Deepgram: %s", message.type)
                continue
            self._read(message.data)
        if self._ending or self._session.closed:
            return
        if message.type is aiohttp.WSMsgType.ERROR:
            raise APIConnectionError("the connection to Deepgram was lost") from socket.exception()
        raise APIStatusError(
            "Deepgram closed the connection", status_code=socket.close_code or -1, body=None
        )

    def _read(self, text: str) -> None:
        try:
            message: dict[str, Any] = json.loads(text)
            self._process_stream_event(message)
        except (ValueError, KeyError, TypeError):
            # One malformed message is no reason to end the call.
            logger.exception("cannot read this message from Deepgram")

    async def _keep_alive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        try:
            while True:
                await socket.send_str(self._KEEPALIVE_MSG)
                await asyncio.sleep(KEEP_ALIVE)
        except (aiohttp.ClientError, ConnectionError) as error:
            self._on_lost(error)

    def _on_lost(self, error: Exception) -> None:
        if not (self._ending or self._session.closed):
            raise APIConnectionError("the connection to Deepgram was lost") from error
