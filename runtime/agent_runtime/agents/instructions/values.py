"""The values of an agent's variables in one call."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from agent_runtime.agents.instructions.sections import spoken_moment, zone_of
from agent_runtime.agents.model import AgentConfig
from agent_runtime.domain.session import VARIABLES
from agent_runtime.text.variables.values import Data, folded

# Name of the variable that holds agent data; in configurations it is agentData.
_DATA: Final = "agent_data"


def call_values(
    config: AgentConfig, metadata: Mapping[str, Any], now: datetime
) -> Mapping[str, Any]:
    """The values of a call, strongest last: `now`, agent data, job metadata, the create's `variables`.

    `metadata` are the variables of the job; agent data are the configuration's, completed by those of the
    metadata. A value in agent data is also found by its own name. `now` is an aware time.
    """
    given = metadata.get(VARIABLES)
    created = given if isinstance(given, Mapping) else {}
    job = {key: value for key, value in metadata.items() if key != VARIABLES}
    data: dict[str, Any] = {}
    for source in (config.agent_data or {}, _object(job, _DATA), _object(created, _DATA)):
        data = _merged(data, source)
    values: dict[str, Any] = {"now": _moment(now.astimezone(zone_of(config)))}
    for source in (data, job, created, {_DATA: data}):
        values = _merged(values, source)
    return values


def _moment(local: datetime) -> Data:
    parts = {
        "date": f"{local.day} {local:%B %Y}",
        "time": f"{local:%H:%M}",
        "weekday": f"{local:%A}",
        "year": local.year,
        "month": f"{local:%B}",
        "day": local.day,
        "hour": local.hour,
        "iso": local.isoformat(timespec="seconds"),
    }
    return Data(parts, "now", spoken_moment(local))


def _merged(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> dict[str, Any]:
    """Both; a name that both have in some spelling is the stronger one's unless that has nothing for it."""
    given = {
        folded(key): value for key, value in strong.items() if value is not None and value != ""
    }
    kept = {key: value for key, value in weak.items() if folded(key) not in given}
    return {**kept, **{key: value for key, value in strong.items() if folded(key) in given}}


def _object(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    for key, value in values.items():
        if folded(key) == folded(name) and isinstance(value, Mapping):
            return value
    return {}
