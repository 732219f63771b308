"""Deepgram's live transcription in small pieces of sound.

The plugin collects 50 ms before it sends; on average the caller's last sound waits 25 ms for that, on its
way to the transcript that the answer waits for. Deepgram takes pieces of 20 ms as well. The size is no
option of the plugin, so its loop over one connection is written anew here; how it connects and what it
makes of Deepgram's messages stay the plugin's. To be dropped when the plugin has an option for the size.

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

PIECES_PER_SECOND: Final = 50
KEEP_ALIVE: Final = 5.0  # seconds; Deepgram closes a connection that is silent for 10
_CLOSED: Final = (
    aiohttp.WSMsgType.CLOSED,
    aiohttp.WSMsgType.CLOSE,
    aiohttp.WSMsgType.CLOSING,
    aiohttp.WSMsgType.ERROR,
)


class SmallPieceSTT(deepgram.STT):
    """The plugin, with streams that send every 20 ms; longer frames they send as they are."""

    def stream(
        self,
        *,
        language: NotGivenOr[str] = NOT_GIVEN,
        conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS,
    ) -> SmallPieceStream:
        """One stream. Raises ValueError when no language is set."""
        stream = SmallPieceStream(
            stt=self,
            conn_options=conn_options,
            opts=self._sanitize_options(language=language),
            api_key=self._api_key,
            http_session=self._ensure_session(),
            base_url=self._opts.endpoint_url,
        )
        self._streams.add(stream)
        return stream


class SmallPieceStream(deepgram.SpeechStream):
    """One stream; a change of options opens another connection, as in the plugin."""

    _ending = False  # nothing more is said to Deepgram: it will close the connection

    async def _run(self) -> None:
        again = True
        while again:
            socket = await self._connect_ws()
            began = time.perf_counter()
            try:
                again = await self._converse(socket)
            finally:
                await socket.close()
                # Deepgram bills the connection, not only the sound that went through it.
                self._audio_duration_collector.flush()
                unbilled = time.perf_counter() - began - self._reported_duration
                if unbilled > 0:
                    self._on_audio_duration_report(unbilled)
                self._reported_duration = 0.0

    async def _converse(self, socket: aiohttp.ClientWebSocketResponse) -> bool:
        """Until all is said, or the options change: then True."""
        talk = asyncio.gather(self._send(socket), self._receive(socket))
        keeping = asyncio.create_task(self._keep_alive(socket))
        changed = asyncio.create_task(self._reconnect_event.wait())
        try:
            done, _ = await asyncio.wait(
                (talk, keeping, changed), return_when=asyncio.FIRST_COMPLETED
            )
            for task in done - {changed}:
                task.result()
            if changed in done:
                self._reconnect_event.clear()
            return changed in done
        finally:
            await utils.aio.gracefully_cancel(talk, keeping, changed)
            # A connection that is lost fails each of them; one error is enough.
            for task in (talk, keeping):
                if not task.cancelled():
                    task.exception()

    async def _send(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        least = self._opts.sample_rate // PIECES_PER_SECOND
        piece: list[rtc.AudioFrame] = []
        try:
            async for data in self._input_ch:
                if isinstance(data, rtc.AudioFrame):
                    piece.append(data)
                    if sum(frame.samples_per_channel for frame in piece) >= least:
                        await self._send_piece(socket, piece)
                else:
                    await self._send_piece(socket, piece)
                    self._audio_duration_collector.flush()
                    await socket.send_str(self._FINALIZE_MSG)
            self._ending = True
            await socket.send_str(self._CLOSE_MSG)
        except (aiohttp.ClientError, ConnectionError) as error:
            self._on_lost(error)

    async def _send_piece(
        self, socket: aiohttp.ClientWebSocketResponse, piece: list[rtc.AudioFrame]
    ) -> None:
        """All of it in one message; it is empty afterwards."""
        if piece:
            self._audio_duration_collector.push(sum(frame.duration for frame in piece))
            sound = b"".join(frame.data.tobytes() for frame in piece)
            piece.clear()
            await socket.send_bytes(sound)

    async def _receive(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while (message := await socket.receive()).type not in _CLOSED:
            if message.type is not aiohttp.WSMsgType.TEXT:
                logger.warning("unexpected message from Deepgram: %s", message.type)
                continue
            self._understand(message.data)
        if self._ending or self._session.closed:
            return
        if message.type is aiohttp.WSMsgType.ERROR:
            raise APIConnectionError("the connection to Deepgram was lost") from socket.exception()
        raise APIStatusError(
            "Deepgram closed the connection", status_code=socket.close_code or -1, body=None
        )

    def _understand(self, text: str) -> None:
        try:
            message: dict[str, Any] = json.loads(text)
            self._process_stream_event(message)
        except (ValueError, KeyError, TypeError):
            # One message that makes no sense is no reason to end the call.
            logger.exception("message from Deepgram not understood")

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
