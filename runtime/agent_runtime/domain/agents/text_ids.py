"""From the text that a job names its agent by to the agent's number."""

from __future__ import annotations

from dataclasses import replace

from agent_runtime.domain.errors import AgentUnknown, Conflict
from agent_runtime.domain.job import UNNUMBERED, JobTarget
from agent_runtime.domain.ports.agents import TextIdRegistry


async def with_number(target: JobTarget, ids: TextIdRegistry | None) -> JobTarget:
    """The target with the number of its agent; without a text id it is the same, and nothing is read.

    Raises AgentUnknown when no agent has this text id, or StoreUnavailable.
    """
    if target.text_id is None or target.agent_id != UNNUMBERED:
        return target
    number = None if ids is None else await ids.number(target.text_id)
    if number is None:
        raise AgentUnknown(target.text_id, "no agent was imported under this id")
    return replace(target, agent_id=number)


class TextIdTaken(Conflict):
    """Raised when a text id is to get a number, while one of the two belongs to another."""

    remedy = "leave the number out, or take one that is free"

    def __init__(self, text_id: str, number: int) -> None:
        super().__init__(f"{text_id} cannot be agent {number}: one of them is taken")
        self.text_id = text_id
        self.number = number
