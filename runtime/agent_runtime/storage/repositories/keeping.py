"""What a row keeps of who the caller is, by the tier of the agent."""

from __future__ import annotations

from collections.abc import Mapping

from agent_runtime.domain.callers.privacy import PrivacyTier, Pseudonyms
from agent_runtime.domain.session import PARTICIPANT_IDENTITY
from agent_runtime.text.redaction import is_personal


class Keeping:
    """The rules of one deployment: `tier` is that of agents whose configuration names none."""

    def __init__(self, tier: PrivacyTier = PrivacyTier.FULL, secret: str = "") -> None:
        """`secret` is that of the pseudonyms, the same in every process of the deployment."""
        self.tier = tier
        self.pseudonyms = Pseudonyms(secret)

    def details(self, variables: Mapping[str, str], tier: PrivacyTier) -> dict[str, str]:
        """What the session's row keeps of the variables that the client gave."""
        if tier is PrivacyTier.FULL:
            return dict(variables)
        identity = variables.get(PARTICIPANT_IDENTITY)
        if identity is None:
            return {}
        if tier is PrivacyTier.NONE or is_personal(identity):
            identity = self.pseudonyms.of(identity)
        return {PARTICIPANT_IDENTITY: identity}
