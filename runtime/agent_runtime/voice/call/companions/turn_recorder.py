"""Records the metrics of each turn when it ends; the audio loop never waits for the database."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from livekit.agents import AgentSession, ConversationItemAddedEvent, SessionUsageUpdatedEvent
from livekit.agents.llm import ChatMessage
from livekit.agents.metrics import LLMModelUsage

from agent_runtime.domain.errors import StoreUnavailable
from agent_runtime.domain.metrics import SessionTotals, Turn
from agent_runtime.domain.ports.metrics import MetricsStore
from agent_runtime.telemetry.turn_metrics import TurnReporter
from agent_runtime.voice.call.companions.call_cost import CallCost
from agent_runtime.voice.call.outcome import Outcome

logger = logging.getLogger(__name__)


class TurnRecorder:
    """Logs each turn of a session, reports it to the worker, and keeps the session's metrics row current.

    What is written are the totals of this agent: when the database is unavailable no turn is lost, the next
    write has them all. The session's row sums them up with those of the agents before and after it.
    """

    def __init__(
        self,
        session_id: str,
        part: str,
        metrics: MetricsStore,
        reporter: TurnReporter,
        cost: CallCost,
    ) -> None:
        """`part` names this agent's job; `reporter` is closed with the recorder."""
        self._session_id = session_id
        self._part = part
        self._metrics = metrics
        self._reporter = reporter
        self._cost = cost
        self._totals = SessionTotals()
        self._changed = asyncio.Event()
        self._unwritten = False
        self._task = asyncio.create_task(self._run())

    def listen_to(self, session: AgentSession[Any]) -> None:
        """Record every turn of the session from now on."""
        session.on("conversation_item_added", self._on_item)
        session.on("session_usage_updated", self._on_usage)
        session.on("error", self._on_error)

    async def close(self, _outcome: Outcome, /) -> None:
        """Write totals that are unwritten, or whose write was not acknowledged; close the reporter."""
        try:
            self._task.cancel()
            await asyncio.wait([self._task])
            if self._unwritten:
                await self._write()
        finally:
            self._reporter.close()

    def _change(self) -> None:
        self._unwritten = True
        self._changed.set()

    def _on_item(self, event: ConversationItemAddedEvent) -> None:
        if not isinstance(event.item, ChatMessage) or event.item.role not in ("user", "assistant"):
            return
        turn = turn_of(event.item)
        self._totals.add(turn)
        self._reporter.report(turn)
        self._change()
        logger.info(
            "turn",
            extra={
                "by": "agent" if turn.by_agent else "caller",
                "stt_ms": turn.stt,
                "end_of_turn_ms": turn.end_of_turn,
                "llm_ms": turn.llm,
                "tts_ms": turn.tts,
                "response_ms": turn.response,
                "interrupted": turn.interrupted,
            },
        )

    def _on_usage(self, event: SessionUsageUpdatedEvent) -> None:
        models = [use for use in event.usage.model_usage if isinstance(use, LLMModelUsage)]
        self._totals.input_tokens = sum(use.input_tokens for use in models)
        self._totals.output_tokens = sum(use.output_tokens for use in models)
        self._totals.costs = self._cost.of(event.usage.model_usage)
        self._totals.cost = self._totals.costs.known
        self._change()

    def _on_error(self, _event: object) -> None:
        self._totals.errors += 1
        self._change()

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            await self._write()

    async def _write(self) -> None:
        self._changed.clear()
        try:
            await self._metrics.record(self._session_id, self._part, self._totals)
        except StoreUnavailable as error:
            logger.warning("turn metrics not written yet: %s", error)
        except Exception:
            logger.exception("turn metrics not written yet")
        else:
            self._unwritten = self._changed.is_set()


def turn_of(message: ChatMessage) -> Turn:
    """The metrics of one message, in milliseconds; the framework's are in seconds."""
    measured = message.metrics
    return Turn(
        by_agent=message.role == "assistant",
        stt=_milliseconds(measured.get("transcription_delay")),
        end_of_turn=_milliseconds(measured.get("end_of_turn_delay")),
        llm=_milliseconds(measured.get("llm_node_ttft")),
        tts=_milliseconds(measured.get("tts_node_ttfb")),
        response=_milliseconds(measured.get("e2e_latency")),
        interrupted=message.interrupted,
    )


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
