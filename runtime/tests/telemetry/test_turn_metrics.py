"""Turns reach the worker's histograms while calls go on."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from agent_runtime.domain.metrics import Turn
from agent_runtime.telemetry.turn_metrics import TurnMetrics, TurnReporter, listening

ANSWER = Turn(by_agent=True, llm=250.0, tts=101.0, response=612.5)


async def told(figures: TurnMetrics, number: int) -> None:
    """Wait until so many turns have arrived; datagrams on one socket keep their order."""
    async with asyncio.timeout(5):
        while figures.sums.get("llm", (0, 0.0))[0] < number:  # noqa: ASYNC110 - it reads a socket
            await asyncio.sleep(0)


async def test_a_turn_is_counted_in_every_stage_that_it_has() -> None:
    """In seconds; stages that did not run are not zero, they are missing."""
    registry = CollectorRegistry()
    figures = TurnMetrics(registry)
    async with listening(figures) as path:
        teller = TurnReporter(path)
        teller.report(ANSWER)
        await told(figures, 1)
        teller.close()
    text = generate_latest(registry).decode()
    assert 'agent_runtime_response_seconds_bucket{le="0.6"} 0.0' in text
    assert 'agent_runtime_response_seconds_bucket{le="0.7"} 1.0' in text
    assert "agent_runtime_llm_first_token_seconds_sum 0.25" in text
    assert "agent_runtime_stt_final_seconds_count 0.0" in text
    assert 'agent_runtime_turns_total{by="agent"} 1.0' in text
    assert figures.sums == {"llm": (1, 0.25), "tts": (1, 0.101), "response": (1, 0.6125)}


async def test_what_makes_no_sense_is_told_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """The next turn counts."""
    figures = TurnMetrics(CollectorRegistry())
    async with listening(figures) as path:
        teller = TurnReporter(path)
        teller._socket.sendto(b"what", path)
        teller._socket.sendto(b'{"by_agent": true, "mood": 1}', path)
        teller.report(ANSWER)
        await told(figures, 1)
        teller.close()
    assert caplog.text.count("makes no sense") == 2


async def test_a_worker_that_is_gone_costs_the_call_nothing() -> None:
    """The turn stands in the database all the same."""
    async with listening(TurnMetrics(CollectorRegistry())) as path:
        pass
    for teller in (TurnReporter(path), TurnReporter("")):
        teller.report(ANSWER)
        teller.close()
