"""The settings of a caller host: where to call and what to say."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from load.scenario import Scenario


class HostSettings(BaseModel):
    """Settings, sent as the first line of standard input so that no key shows in a process list.

    `stand_in_voice`: agents speak with the stand-ins' voice, so gaps can be distinguished from the pauses
    of a sentence. `recordings` is the folder for recordings of calls that went wrong.
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
