"""The plugin for OpenAI sends what the agent's options ask for."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from livekit.agents import APIConnectOptions, llm

from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults
from agent_runtime.providers.openai.plugin import language_model


@pytest.mark.parametrize(
    ("options", "sent"),
    [
        ({"max_tokens": 60}, 60),
        ({"maxTokens": 60.0}, 60),
        ({"max_completion_tokens": 70, "max_tokens": 60}, 70),
        ({}, None),
    ],
)
async def test_an_answer_is_bounded(options: dict[str, Any], sent: int | None) -> None:
    """Every spelling of the bound is in the request, under the name that the service takes."""
    requests: list[dict[str, Any]] = []

    async def chat(request: web.Request) -> web.Response:
        requests.append(await request.json())
        delta = {"index": 0, "delta": {"role": "assistant", "content": "Hi"}}
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 0, "model": "m"}
        text = f"data: {json.dumps(chunk | {'choices': [delta]})}\n\ndata: [DONE]\n\n"
        return web.Response(text=text, content_type="text/event-stream")

    app = web.Application()
    app.router.add_post("/v1/chat/completions", chat)
    async with TestServer(app) as server:
        choice = ProviderChoice("openai", extra=options)
        defaults = ProviderDefaults("k", str(server.make_url("/v1")), "m")
        model = language_model(choice, defaults, temperature=None)
        context = llm.ChatContext()
        context.add_message(role="user", content="Hello")
        once = APIConnectOptions(max_retry=0, timeout=5)
        async for _ in model.chat(chat_ctx=context, conn_options=once):
            pass
        await model.aclose()
    assert requests[0].get("max_completion_tokens") == sent
    assert "max_tokens" not in requests[0]
