"""Whether some worker can serve the providers that an agent names, before a caller waits for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from agent_runtime.agents.checks.addresses import choices_of
from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.errors import ConfigIssue, InvalidAgentConfig
from agent_runtime.domain.ports.workers import WorkerStore
from agent_runtime.providers.common.spec import ProviderChoice, ProviderDefaults, Stage
from agent_runtime.providers.registry import DEFAULTS
from agent_runtime.providers.serving import Serves, serves, why_not

Path = tuple[str | int, ...]


class Serviceability:
    """Judges by what the workers report of themselves, and without any worker by this process."""

    def __init__(
        self,
        workers: WorkerStore,
        providers: Mapping[Stage, Mapping[str, ProviderDefaults]],
    ) -> None:
        """`providers` are the settings of this process, which should be those of the workers."""
        self._workers = workers
        self._providers = providers

    async def check(self, config: AgentConfig) -> list[str]:
        """Return warnings about what cannot be known, since no worker is running.

        Raises InvalidAgentConfig for what no running worker can serve, naming field and remedy, or
        StoreUnavailable.
        """
        workers = await self._workers.all()
        known = [worker.serves for worker in workers if worker.serves is not None]
        if len(known) < len(workers):
            return []  # a worker of an older version does not say what it serves
        if not workers:
            return list(self._warnings(config))
        issues = []
        for stage, path, choice in choices_of(config):
            reasons = [why_not(stage, choice, one, "no running worker has") for one in known]
            if None not in reasons:
                issues.append(ConfigIssue(_field(path), _in_words(reasons)))
        if issues:
            raise InvalidAgentConfig(issues)
        return []

    def _warnings(self, config: AgentConfig) -> Iterator[str]:
        own: Serves | None = None
        for stage, path, choice in choices_of(config):
            if _is_default(stage, choice):
                continue
            own = serves(self._providers) if own is None else own
            reason = why_not(stage, choice, own, "this API does not have")
            if reason is not None:
                field = ".".join(map(str, _field(path)))
                yield f"{field}: no worker is running that could say if it serves this; {reason}"


def _is_default(stage: Stage, choice: ProviderChoice) -> bool:
    return choice.provider == DEFAULTS[stage]


def _in_words(reasons: list[str | None]) -> str:
    """Of several workers' reasons, the one that is nearest to serving: a missing key."""
    given = [reason for reason in reasons if reason is not None]
    return next((reason for reason in given if "needs a key" in reason), given[0])


def _field(path: Path) -> Path:
    """The field that names the provider: sttProvider, or sttConfig.fallbacks.0.provider."""
    if len(path) == 1:
        return (f"{str(path[0]).removesuffix('Config')}Provider",)
    return (*path, "provider")
