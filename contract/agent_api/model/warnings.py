"""The warnings that registering an agent must answer with, by the contract alone.

openapi.yaml lists, in the schema of the answer, the known keys without effect (`x-without-effect`) and the
options of each provider (`x-provider-options`, the default provider first). All other keys are unknown.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from contract.agent_api.model.state import folded

_ROOT: Final = "AgentConfig"


class Warnings:
    """Reads the lists of one document."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._schemas: Mapping[str, Any] = document["components"]["schemas"]
        answer = self._schemas["Registered"]["properties"]["warnings"]
        self._without_effect = frozenset(answer["x-without-effect"])
        self._options: Mapping[str, Mapping[str, Any]] = answer["x-provider-options"]

    def of(self, config: Any) -> list[str]:
        """The texts for a configuration that is not at fault, in the order of its keys."""
        if not isinstance(config, dict):
            return []
        return list(self._section(self._schemas[_ROOT], config, (), config))

    def _section(
        self,
        schema: Mapping[str, Any],
        given: Any,
        path: tuple[str, ...],
        config: Mapping[str, Any],
    ) -> Iterator[str]:
        properties = self._resolved(schema).get("properties")
        if not isinstance(given, dict) or properties is None:
            return  # an object without properties is free in its keys
        names = tuple(part for part in path if not part.isdecimal())
        options = self._provider_options(names, given, config)
        spellings = {folded(name): name for name in properties}
        for given_as, value in given.items():
            shown = ".".join((*path, given_as))
            key: str = spellings.get(folded(given_as)) or given_as
            if key not in properties:
                if key not in options and _asks(value):
                    yield f"{shown}: nothing acts on this key"
            elif ".".join((*names, key)) in self._without_effect:
                if _asks(value):
                    yield f"{shown}: nothing acts on this key yet"
            else:
                inner = self._resolved(properties[key])
                items = enumerate(value) if isinstance(value, list) else [("", value)]
                for number, item in items:
                    place = (*path, key, str(number)) if number != "" else (*path, key)
                    yield from self._section(inner.get("items", inner), item, place, config)

    def _resolved(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        name = schema.get("$ref", "").rpartition("/")[2]
        found: Mapping[str, Any] = self._schemas[name] if name else schema
        return found

    def _provider_options(
        self, names: tuple[str, ...], given: Mapping[str, Any], config: Mapping[str, Any]
    ) -> list[str]:
        if not names or names[0] not in self._options:
            return []
        providers = self._options[names[0]]
        stage = names[0].removesuffix("Config")
        chosen = config.get(f"{stage}Provider") if len(names) == 1 else given.get("provider")
        known: list[str] = providers.get(str(chosen or next(iter(providers))).strip().lower(), [])
        return known


def _asks(value: Any) -> bool:
    """Whether a value asks for an effect: it is not null, false or empty, nor switched off."""
    if isinstance(value, dict):
        return value.get("enabled") is not False and any(map(_asks, value.values()))
    if isinstance(value, list):
        return any(map(_asks, value))
    return value is not None and value is not False and value != ""
