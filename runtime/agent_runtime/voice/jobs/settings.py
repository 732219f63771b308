"""Configuration of a worker and its jobs: groups of `settings/groups.py` as they are, and a few extras."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pydantic import SecretStr

from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.prices.table import PriceTable
from agent_runtime.providers.common.spec import ProviderDefaults, Stage
from agent_runtime.settings import LiveKitSettings, WorkerSettings


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """Settings of one worker. Picklable, because each job process receives a copy.

    A setting that voice needs is a field of its group in `settings/groups.py`; it reaches worker and jobs
    in that group, and nothing copies it on the way.
    """

    worker: WorkerSettings
    livekit: LiveKitSettings
    # Keys, addresses and models for agents whose configuration names none, by stage and provider.
    providers: Mapping[Stage, Mapping[str, ProviderDefaults]]
    # Unique among the live workers of a namespace: `WORKER_NAME`, or host name and process id.
    name: str
    max_sessions_per_agent: int
    # What is kept of conversations of agents whose configuration names no tier.
    privacy: PrivacyTier = PrivacyTier.FULL
    # What the providers charge, for the cost of each call.
    prices: PriceTable = field(default_factory=PriceTable)
    # Needed to read the worker's metrics from another machine; empty when none is needed.
    metrics_key: SecretStr = field(default_factory=lambda: SecretStr(""))
    # Path of the socket on which jobs report their turns to the worker; the worker sets it when it serves.
    turns_socket: str = ""
    # Modules that a job needs besides those of voice; the fork server imports them once for all jobs.
    preload: tuple[str, ...] = ()
