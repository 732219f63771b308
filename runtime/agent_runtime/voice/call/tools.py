"""The tools that the agent of a call has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from livekit.agents import llm

from agent_runtime.agents.instructions.values import call_values
from agent_runtime.agents.model import AgentConfig
from agent_runtime.providers.common.spec import Stage
from agent_runtime.voice.call.context import CallContext


def call_tools(
    context: CallContext, config: AgentConfig, on_end: Callable[[str], None]
) -> Sequence[llm.Tool]:
    """LiveKit's tools; without tools in the configuration nothing is loaded."""
    if not (tools := config.call_tools):
        return ()
    from agent_runtime.voice.tools.calls import ToolCalls

    own = {
        "session_id": context.session_id,
        "agent_id": context.target.agent_id,
        "tenant_id": context.target.tenant_id,
    }
    values = call_values(config, context.target.variables, datetime.now(UTC))
    # All providers have the rules for addresses that agents name.
    policy = next(iter(context.settings.providers[Stage.LLM].values())).egress
    calls = ToolCalls(
        context.session_id, {**values, **own}, policy, config.timezone or "UTC", on_end
    )
    return calls.functions(tools)
