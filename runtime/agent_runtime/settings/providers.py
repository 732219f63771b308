"""The settings of the providers, whose variables the specs in the providers' folders define."""

from __future__ import annotations

import os
from functools import cache
from typing import Annotated, Any

from pydantic import Field, SecretStr, create_model

from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.providers.common.spec import ProviderDefaults, Stage, Variable
from agent_runtime.providers.registry import spec_of, specs
from agent_runtime.settings.types import Group, url_of


class ProviderSettings(Group):
    """Keys, addresses, default models and voices of the providers; a field for each variable of a spec."""

    def defaults(
        self, egress: EgressPolicy, cloud: tuple[str, str] = ("", "")
    ) -> dict[Stage, dict[str, ProviderDefaults]]:
        """What agents use that do not say otherwise, by stage and provider.

        `egress` decides which other addresses they may name. `cloud` is LiveKit's key and secret where the
        server is LiveKit's cloud: its inference takes them, too.
        """
        found: dict[Stage, dict[str, ProviderDefaults]] = {}
        for spec in specs().values():
            for stage, offer in spec.stages.items():
                key = self._value(spec.api_key)
                secret = "" if spec.api_secret is None else self._value(spec.api_secret)
                if spec.api_secret is not None and not (key and secret):
                    key, secret = cloud
                found.setdefault(stage, _Defaults(egress))[spec.name] = ProviderDefaults(
                    api_key=key,
                    api_secret=secret,
                    base_url=self._value(spec.address(stage)),
                    model=self._value(offer.model),
                    voice="" if offer.voice is None else self._value(offer.voice),
                    egress=egress,
                )
        return found

    def _value(self, variable: Variable) -> str:
        value: SecretStr | str = getattr(self, variable.name.lower())
        return value.get_secret_value() if isinstance(value, SecretStr) else value


class _Defaults(dict[str, ProviderDefaults]):
    """The defaults of one stage. Those of a plugin without a folder here are read when it is used."""

    def __init__(self, egress: EgressPolicy) -> None:
        super().__init__()
        self._egress = egress

    def __missing__(self, name: str) -> ProviderDefaults:
        """Its key, in the variable that the plugin itself would read; it has its own other defaults."""
        key = os.environ.get(spec_of(name).api_key.name, "").strip()
        return ProviderDefaults(api_key=key, base_url="", model="", egress=self._egress)

    def __reduce__(self) -> tuple[Any, ...]:
        return (_restored, (self._egress, dict(self)))


def _restored(egress: EgressPolicy, known: dict[str, ProviderDefaults]) -> _Defaults:
    found = _Defaults(egress)
    found.update(known)
    return found


def provider_settings() -> type[ProviderSettings]:
    """The class that has a field for each variable of each spec."""
    return _class_of(tuple(one for spec in specs().values() for one in spec.variables()))


@cache
def _class_of(variables: tuple[Variable, ...]) -> type[ProviderSettings]:
    fields: dict[str, Any] = {
        one.name.lower(): (_type_of(one), Field(one.default, alias=one.name)) for one in variables
    }
    return create_model(ProviderSettings.__name__, __base__=ProviderSettings, **fields)


def _type_of(variable: Variable) -> Any:
    if variable.secret:
        return SecretStr
    return Annotated[str, url_of(*variable.schemes)] if variable.schemes else str
