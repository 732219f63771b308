"""The stand-ins, without delays, and the session that plugins share in a job."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from livekit.agents.utils import http_context

from fixtures.providers import ProviderStandIns

from .bench import Bench, ByHeart

SHORT = 0.3  # seconds of a slow answer here, instead of eight


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    """Stand-ins that recognise one sentence, and a worker's settings for them."""
    for module in ("listening", "speaking", "streamed_answer"):
        monkeypatch.setattr(f"fixtures.providers.common.{module}.SLOW", SHORT)
    monkeypatch.setattr("fixtures.providers.cartesia.speak.SLOW", SHORT)
    async with ProviderStandIns(utterance=ByHeart) as stand_ins, http_context.open():
        yield Bench.of(stand_ins)
