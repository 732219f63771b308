"""What a participant of a LiveKit room is to a call: a caller, an agent, or neither.

Worker and API ask here, each about the participants as it sees them, so that both count alike.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

# Kinds of LiveKit behind which a person talks: a browser or app, a telephone, a messenger's call.
# The others bring media in (INGRESS, BRIDGE), take it out (EGRESS), or are programs (AGENT).
_PERSONS: Final = frozenset({"STANDARD", "SIP", "CONNECTOR"})
_AGENT: Final = "AGENT"
# Sources whose sound an agent listens to; a client that gives none publishes UNKNOWN.
_VOICES: Final = frozenset({"MICROPHONE", "UNKNOWN"})
# LiveKit's attribute of a telephone's call: dialing, ringing, automation (it dials digits), active, hangup.
CALL_STATUS: Final = "sip.callStatus"
_PICKED_UP: Final = "active"


@dataclass(frozen=True, slots=True)
class Participant:
    """A participant, with LiveKit's names of its kind (`SIP`) and of the sources that it may publish.

    No `sources` means all of them. A hidden participant is reported by the server only.
    """

    identity: str
    kind: str
    can_publish: bool = True
    sources: Collection[str] = ()
    hidden: bool = False
    attributes: Mapping[str, str] = field(default_factory=dict)
    joined_at: datetime | None = None  # aware, by LiveKit's clock; None when it is not known

    @property
    def is_agent(self) -> bool:
        """Whether a program joined as LiveKit's agent."""
        return self.kind == _AGENT

    @property
    def is_caller(self) -> bool:
        """Whether it may talk to an agent; recorders, hidden listeners and audiences may not."""
        may_speak = self.can_publish and (not self.sources or not _VOICES.isdisjoint(self.sources))
        return self.kind in _PERSONS and may_speak and not self.hidden

    def joined_after(self, moment: datetime | None) -> bool:
        """Whether it joined after that moment, or at a time that is not known."""
        return moment is None or self.joined_at is None or self.joined_at > moment

    @property
    def has_picked_up(self) -> bool:
        """Whether a person is at the other end: a telephone that rings has nobody yet."""
        return self.attributes.get(CALL_STATUS, _PICKED_UP) == _PICKED_UP
