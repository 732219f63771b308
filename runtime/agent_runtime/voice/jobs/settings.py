"""What the worker is told; wiring fills it from the settings."""

from __future__ import annotations

from dataclasses import dataclass, field

from agent_runtime.agents.model import Profile
from agent_runtime.providers.common.spec import ProviderDefaults


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """Settings of one worker. Seconds where a time is meant."""

    deepgram: ProviderDefaults
    openai: ProviderDefaults
    cartesia: ProviderDefaults
    heartbeat: float
    leave_grace: float
    wait_for_caller: float
    silence: float
    name: str
    max_calls: int
    most_cpu_pressure: float
    max_sessions_per_agent: int
    idle_processes: int
    health_host: str
    health_port: int
    drain_timeout: int
    livekit_url: str
    livekit_api_key: str
    livekit_api_secret: str = field(repr=False)
    turn_detector_plugin: bool = False
    profile: Profile = Profile.BALANCED  # of agents that name none
    # Where jobs tell their worker about turns; the worker fills it in.
    turns_socket: str = ""
    # Modules that a job needs besides ours: loaded once, before any call, and inherited by each job.
    preload: tuple[str, ...] = ()
