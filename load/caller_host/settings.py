"""What a caller host is told first: where to call and what to say."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from load.scenario import Scenario


class HostSettings(BaseModel):
    """Comes as the first line of standard input, so that no key stands in a process list.

    `stand_in_voice`: agents speak with the stand-ins' voice, so that a pause which does not belong into
    an answer can be told from one that does. `recordings` is a folder for calls that went wrong.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    api_url: str
    api_key: str
    livekit_url: str
    livekit_key: str
    livekit_secret: str
    agent_id: int
    tenant_id: int = 1
    scenario: Scenario
    seed: int = 0
    stand_in_voice: bool = False
    recordings: str | None = None
