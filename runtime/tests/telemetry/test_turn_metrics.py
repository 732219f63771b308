"""Turns reach the worker's histograms while calls run."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from agent_runtime.domain.metrics import Turn
from agent_runtime.telemetry.turn_metrics import TurnMetrics, TurnReporter, receive_turns

ANSWER = Turn(by_agent=True, llm=250.0, tts=101.0, response=612.5)


async def received(metrics: TurnMetrics, number: int) -> None:
    """Wait until `number` turns have arrived; datagrams on one socket keep their order."""
    async with asyncio.timeout(5):
        while metrics.sums.get("llm", (0, 0.0))[0] < number:  # noqa: ASYNC110 - a datagram sets no event
            await asyncio.sleep(0)


async def test_a_turn_is_counted_in_the_histogram_of_every_field_that_it_has() -> None:
    """Histograms are in seconds; a stage that did not run is missing, it does not count as zero."""
    registry = CollectorRegistry()
    metrics = TurnMetrics(registry)
    async with receive_turns(metrics) as path:
        reporter = TurnReporter(path)
        reporter.report(ANSWER)
        await received(metrics, 1)
        reporter.close()
    text = generate_latest(registry).decode()
    assert 'agent_runtime_response_seconds_bucket{le="0.6"} 0.0' in text
    assert 'agent_runtime_response_seconds_bucket{le="0.7"} 1.0' in text
    assert "agent_runtime_llm_first_token_seconds_sum 0.25" in text
    assert "agent_runtime_stt_final_seconds_count 0.0" in text
    assert 'agent_runtime_turns_total{by="agent"} 1.0' in text
    assert metrics.sums == {"llm": (1, 0.25), "tts": (1, 0.101), "response": (1, 0.6125)}


async def test_a_malformed_turn_is_logged_and_left_out(caplog: pytest.LogCaptureFixture) -> None:
    """Malformed datagrams are logged and ignored; the next turn counts."""
    metrics = TurnMetrics(CollectorRegistry())
    async with receive_turns(metrics) as path:
        reporter = TurnReporter(path)
        reporter._socket.sendto(b"what", path)
        reporter._socket.sendto(b'{"by_agent": true, "mood": 1}', path)
        reporter.report(ANSWER)
        await received(metrics, 1)
        reporter.close()
    assert caplog.text.count("malformed turn ignored") == 2


async def test_a_call_does_not_fail_when_its_worker_is_gone() -> None:
    """Reporting to a closed socket, or to none, raises nothing."""
    async with receive_turns(TurnMetrics(CollectorRegistry())) as path:
        pass
    for reporter in (TurnReporter(path), TurnReporter("")):
        reporter.report(ANSWER)
        reporter.close()
