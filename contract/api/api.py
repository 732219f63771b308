"""An API as the gate knows it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from contract.api.profile import ApiProfile
from contract.api.specification import Specification


@dataclass(frozen=True)
class Api:
    """An API by its openapi.yaml (`spec`) and its profile."""

    spec: Specification
    profile: ApiProfile

    @classmethod
    def load(cls, profile: ApiProfile, contract: Path | None = None) -> Api:
        """The API of a profile; `contract` replaces the profile's openapi.yaml. Raises BrokenInput."""
        path = contract or profile.files.contract
        return cls(Specification.load(path, profile.ids.schema), profile)
