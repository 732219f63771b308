"""The cost of a call, from what LiveKit's framework counts."""

import logging

import pytest
from livekit.agents.metrics import LLMModelUsage, STTModelUsage, TTSModelUsage

from agent_runtime.domain.metrics import MICRO_CENTS_PER_DOLLAR, Costs
from agent_runtime.prices.table import read_prices
from agent_runtime.voice.call.companions.call_cost import CallCost

LLM = LLMModelUsage(
    provider="api.openai.com",
    model="gpt-4o-mini",
    input_tokens=1_000_000,
    input_cached_tokens=400_000,
    output_tokens=100_000,
)
STT = STTModelUsage(provider="Deepgram", model="nova-3", audio_duration=600)
TTS = TTSModelUsage(
    provider="Cartesia", model="sonic-3", characters_count=10_000, audio_duration=60
)


def test_each_stage_has_its_cost() -> None:
    """Cached tokens cost less; minutes and characters are counted where the vendor charges them."""
    costs = CallCost(read_prices("")).of([LLM, STT, TTS])
    dollar = MICRO_CENTS_PER_DOLLAR
    assert costs.llm == round((0.6 * 0.15 + 0.4 * 0.075 + 0.1 * 0.6) * dollar)
    assert costs.stt == round(10 * 0.0077 * dollar)
    assert costs.tts == round(0.01 * 46.7 * dollar)
    assert costs.known == costs.llm + costs.stt + costs.tts


def test_two_models_of_a_stage_add_up() -> None:
    """A fallback that took over is charged beside the first provider."""
    other = LLM.model_copy(update={"model": "gpt-4.1", "input_cached_tokens": 0})
    costs = CallCost(read_prices("")).of([LLM, other])
    assert costs.llm == round((0.18 + 2 + 0.8) * MICRO_CENTS_PER_DOLLAR)


def test_a_model_without_a_price_is_named_once_and_costs_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The stage's cost is unknown, not 0, whichever model of it comes first; the others count."""
    caplog.set_level(logging.INFO)
    unknown = LLM.model_copy(update={"provider": "vllm:8000", "model": "llama"})
    cost = CallCost(read_prices(""))
    for usage in ([unknown, LLM, STT], [LLM, unknown, STT]):
        found = cost.of(usage)
        assert found.llm is None
        assert found.known == found.stt
    assert [line for line in caplog.messages if "llm vllm:8000 llama" in line] == [
        caplog.messages[0]
    ]


def test_a_model_that_was_not_used_has_no_part() -> None:
    """Without usage nothing is charged, and nothing is unknown."""
    idle = TTSModelUsage(provider="nobody", model="none")
    assert CallCost(read_prices("")).of([idle]) == Costs()
