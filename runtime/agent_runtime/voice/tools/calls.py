"""Makes the tools of a call: arguments are checked, time is bounded, and an answer always follows."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from livekit.agents import RunContext, StopResponse, ToolError, function_tool
from livekit.agents.llm import RawFunctionTool

from agent_runtime.agents.tools import Tool
from agent_runtime.agents.tools.definition import TIMEOUT
from agent_runtime.agents.tools.schemas import faults
from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.text.variables.fill import fill
from agent_runtime.text.variables.values import TemplateFault
from agent_runtime.voice.tools.builtin import DEFINITIONS, END_REASONS, tell_time
from agent_runtime.voice.tools.http import ToolFailed, call_http, idempotency_key
from agent_runtime.voice.tools.results import canonical, fenced

logger = logging.getLogger(__name__)

# Characters of the arguments as JSON.
LONGEST_ARGUMENTS: Final = 16_384
# Seconds that the last sentence of a call may take.
LAST_SENTENCE: Final = 30.0
END_CALL: Final = "end_call"


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """The tools of one call.

    `values` fill the bound parameters, `zone` is the agent's time zone, `on_end` ends the call for a
    reason. `failures` counts the failed calls by tool.
    """

    session_id: str
    values: Mapping[str, Any]
    policy: EgressPolicy
    zone: str
    on_end: Callable[[str], None]
    failures: Counter[str] = field(default_factory=Counter)
    _refused: Counter[tuple[int, str]] = field(default_factory=Counter)

    def functions(self, tools: Sequence[Tool]) -> list[RawFunctionTool[..., Any]]:
        """LiveKit's tools for those of the configuration."""
        return [self._function(tool) for tool in tools]

    def _function(self, tool: Tool) -> RawFunctionTool[..., Any]:
        description, parameters = described(tool)

        async def call(raw_arguments: dict[str, object], context: RunContext[Any]) -> str:
            return await self._call(tool, parameters, raw_arguments, context)

        schema = {"name": tool.name, "description": description, "parameters": parameters}
        return function_tool(call, raw_schema=schema)

    async def _call(
        self,
        tool: Tool,
        parameters: Mapping[str, Any],
        given: Mapping[str, Any],
        context: RunContext[Any],
    ) -> str:
        turn = _turn(context)
        # What the model says about a bound parameter does not count.
        arguments = {name: value for name, value in given.items() if name not in tool.bound}
        self._check(tool, parameters, arguments, turn)
        if tool.name == END_CALL and tool.server is None:
            await self._end_call(tool, arguments, context)
        try:
            async with _spoken(tool, context), asyncio.timeout(_limit(tool)):
                result = await self._result(tool, arguments, turn)
        except TimeoutError:
            raise self._failed(tool, f"it did not answer within {_limit(tool):g} s") from None
        except ToolFailed as error:
            raise self._failed(tool, str(error)) from None
        except Exception as error:
            logger.exception("the tool %s has a fault", tool.name)
            raise self._failed(tool, "it has a fault") from error
        if tool.messages.completed:
            return f"{result}\nThen say: {tool.messages.completed}"
        return result

    def _check(
        self, tool: Tool, parameters: Mapping[str, Any], arguments: Mapping[str, Any], turn: int
    ) -> None:
        """Raise ToolError with what is wrong; the model may correct itself once in a turn."""
        if len(canonical(arguments)) > LONGEST_ARGUMENTS:
            found = [f"the arguments have more than {LONGEST_ARGUMENTS} characters"]
        else:
            found = faults(parameters, arguments)
        if not found:
            return
        self.failures[tool.name] += 1
        self._refused[turn, tool.name] += 1
        logger.warning("arguments refused", extra={"tool": tool.name, "faults": len(found)})
        again = self._refused[turn, tool.name] > 1
        advice = (
            "Do not call it again now; tell the caller that it did not work."
            if again
            else "Correct the arguments, or ask the caller for what is missing."
        )
        raise ToolError(f"{tool.name} was not called: {'; '.join(found)}. {advice}")

    async def _result(self, tool: Tool, arguments: Mapping[str, Any], turn: int) -> str:
        if tool.server is None:
            return await tell_time(tool.name, arguments, self.zone)
        whole = {**arguments, **self._bound(tool)}
        key = idempotency_key(self.session_id, turn, tool.name, whole)
        return fenced(await call_http(tool, whole, key, self.policy))

    def _bound(self, tool: Tool) -> dict[str, Any]:
        """The bound parameters with their variables. Raises ToolFailed when one has no value."""
        return {
            name: self._filled(name, value) if isinstance(value, str) else value
            for name, value in tool.bound.items()
        }

    def _filled(self, name: str, text: str) -> str:
        try:
            filled = fill(text, self.values)
        except TemplateFault as fault:
            raise ToolFailed(f"its parameter {name} cannot be filled") from fault
        if filled.missing:
            raise ToolFailed(f"its parameter {name} has no value in this call")
        return filled.text

    def _failed(self, tool: Tool, why: str) -> ToolError:
        """Count the failure; what the model is told of it."""
        self.failures[tool.name] += 1
        count = self.failures[tool.name]
        # Without the answer's body, which may hold what the caller said.
        reason = why.splitlines()[0]
        logger.warning("tool failed", extra={"tool": tool.name, "why": reason, "failures": count})
        advice = (
            f"Say: {tool.messages.failed}"
            if tool.messages.failed
            else "Tell the caller that it did not work, and offer another way."
        )
        return ToolError(f"{tool.name} failed: {why}\n{advice}")

    async def _end_call(
        self, tool: Tool, arguments: Mapping[str, Any], context: RunContext[Any]
    ) -> None:
        """Let the agent finish its sentence, and end the call. Raises StopResponse: nothing follows."""
        try:
            async with asyncio.timeout(LAST_SENTENCE):
                await context.wait_for_playout()
                if tool.messages.completed:
                    await context.session.say(tool.messages.completed)
        except TimeoutError:
            logger.warning("the last sentence was not spoken to its end")
        self.on_end(f"the agent ended the call: {arguments.get('reason') or END_REASONS[0]}")
        raise StopResponse


def described(tool: Tool) -> tuple[str, dict[str, Any]]:
    """Description and parameters as the model sees them."""
    if tool.server is None:
        description, parameters = DEFINITIONS[tool.name]
        return tool.description or description, dict(parameters)
    return tool.description, tool.shown_parameters


def _limit(tool: Tool) -> float:
    return TIMEOUT if tool.server is None else tool.server.timeout_seconds


def _turn(context: RunContext[Any]) -> int:
    """The number of the caller's turn, which an agent that continues the call counts alike."""
    history = context.session.current_agent.chat_ctx
    return sum(1 for message in history.messages() if message.role == "user")


@asynccontextmanager
async def _spoken(tool: Tool, context: RunContext[Any]) -> AsyncIterator[None]:
    """Say what is configured for the start, and when the tool takes long."""
    if tool.messages.started:
        context.session.say(tool.messages.started)
    if not tool.messages.delayed:
        yield
        return
    delay = tool.messages.delayed_after_ms / 1000
    async with context.with_filler(tool.messages.delayed, delay=delay):
        yield
