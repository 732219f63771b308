"""What a call has cost so far, by the usage that LiveKit's framework counts and the table of prices."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Final

from livekit.agents.metrics import LLMModelUsage, ModelUsage, STTModelUsage, TTSModelUsage

from agent_runtime.domain.metrics import MICRO_CENTS_PER_DOLLAR, Costs
from agent_runtime.prices.table import Price, PriceTable

logger = logging.getLogger(__name__)

MILLION: Final = 1_000_000


class CallCost:
    """Adds up the usage of one call; names each model without a price once, in the log."""

    def __init__(self, prices: PriceTable) -> None:
        self._prices = prices
        self._named: set[str] = set()

    def of(self, usage: Iterable[ModelUsage]) -> Costs:
        """The cost of each stage in micro-cents; None where a model has no price in the table."""
        dollars: dict[str, float | None] = {}
        for use in usage:
            if isinstance(use, LLMModelUsage):
                stage, is_used = "llm", bool(use.input_tokens or use.output_tokens)
            elif isinstance(use, STTModelUsage):
                stage, is_used = "stt", bool(use.audio_duration)
            elif isinstance(use, TTSModelUsage):
                stage, is_used = "tts", bool(use.characters_count or use.audio_duration)
            else:
                continue
            if not is_used:
                continue
            price = self._prices.find(stage, use.provider, use.model)
            if price is None:
                self._name(stage, use.provider, use.model)
                dollars[stage] = None
            elif (sum_so_far := dollars.get(stage, 0.0)) is not None:
                dollars[stage] = sum_so_far + _dollars(use, price)
        return Costs(**{stage: _micro_cents(amount) for stage, amount in dollars.items()})

    def _name(self, stage: str, provider: str, model: str) -> None:
        name = f"{stage} {provider} {model}"
        if name not in self._named:
            self._named.add(name)
            logger.info("no price is known, so its cost is not counted: %s (PRICES_FILE)", name)


def _dollars(use: LLMModelUsage | STTModelUsage | TTSModelUsage, price: Price) -> float:
    if isinstance(use, LLMModelUsage):
        cached = min(use.input_cached_tokens, use.input_tokens)
        per_cached = price.per_million_cached
        if per_cached is None:
            per_cached = price.per_million_input
        return (
            (use.input_tokens - cached) * (price.per_million_input or 0)
            + cached * (per_cached or 0)
            + use.output_tokens * (price.per_million_output or 0)
        ) / MILLION
    minutes = use.audio_duration / 60 * (price.per_minute or 0)
    if isinstance(use, STTModelUsage):
        return minutes
    return minutes + use.characters_count * (price.per_million_characters or 0) / MILLION


def _micro_cents(dollars: float | None) -> int | None:
    return None if dollars is None else round(dollars * MICRO_CENTS_PER_DOLLAR)
