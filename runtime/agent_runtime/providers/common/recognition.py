"""Makes every plugin of speech to text fail where it would fall silent, so that the pipeline reacts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
from livekit.agents import (
    APIConnectionError,
    APIConnectOptions,
    APIError,
    APIStatusError,
    APITimeoutError,
    stt,
)
from livekit.agents.types import DEFAULT_API_CONNECT_OPTIONS

# Seconds after which a stream that is closed and still runs is cancelled again.
CLOSE_INTERVAL: Final = 0.2


def failing_loudly(plugin: stt.STT[Any], *, connects_by: str | None = None) -> stt.STT[Any]:
    """Have the plugin's streams raise an APIError whenever they stop hearing the caller.

    Some plugins end a stream without an error when the server closes in order, and the call is deaf from
    then on. Some raise the HTTP client's own errors, which nothing retries. `connects_by` names the method
    of a stream that connects and has no timeout of its own.
    """
    make = plugin.stream

    def stream(
        *, conn_options: APIConnectOptions = DEFAULT_API_CONNECT_OPTIONS, **options: Any
    ) -> stt.RecognizeStream:
        made = make(conn_options=conn_options, **options)
        # The stream's task has not begun: it runs when this task waits for the first time.
        run = made._run  # noqa: SLF001 - the framework's own hook, which plugins override

        async def run_until_input_ends() -> None:
            await _as_api_errors(run)
            if not made._input_ch.closed:  # noqa: SLF001 - nothing else says whether sound still comes
                raise APIConnectionError(f"{plugin.provider} closed the connection")

        made._run = run_until_input_ends  # type: ignore[method-assign]  # noqa: SLF001
        _close_surely(made)
        if connects_by is not None:
            _bound(made, connects_by, conn_options.timeout)
        return made

    plugin.stream = stream  # type: ignore[method-assign]
    return plugin


async def _as_api_errors(run: Callable[[], Awaitable[None]]) -> None:
    try:
        await run()
    except APIError:
        raise
    except aiohttp.ClientResponseError as error:
        raise APIStatusError(
            error.message, status_code=error.status, request_id=None, body=None
        ) from error
    except TimeoutError as error:
        raise APITimeoutError from error
    except (aiohttp.ClientError, OSError, ValueError) as error:  # the last one: no JSON
        raise APIConnectionError(str(error) or type(error).__name__) from error


def _close_surely(made: stt.RecognizeStream) -> None:
    close = made.aclose

    async def close_surely() -> None:
        closing = asyncio.ensure_future(close())
        while not closing.done():
            # On Python 3.11, asyncio.wait_for loses a cancellation that comes together with a message:
            # AssemblyAI's plugin then goes on receiving, and the end of the call waits for ever.
            _, waiting = await asyncio.wait([closing], timeout=CLOSE_INTERVAL)
            if waiting:
                made._task.cancel()  # noqa: SLF001 - as the framework's own method does
        closing.result()

    made.aclose = close_surely  # type: ignore[method-assign]


def _bound(made: stt.RecognizeStream, method: str, seconds: float) -> None:
    connect: Callable[..., Awaitable[Any]] = getattr(made, method)

    async def connect_in_time(*arguments: Any) -> Any:
        try:
            async with asyncio.timeout(seconds):
                return await connect(*arguments)
        except APIError as error:
            # Gladia's plugin hides the status in an error that is retried whatever it is.
            if isinstance(error.__cause__, aiohttp.ClientResponseError):
                raise error.__cause__ from None
            raise

    setattr(made, method, connect_in_time)
