"""Who in a room is a caller."""

import pytest

from agent_runtime.domain.callers.participant import CALL_STATUS, Participant


@pytest.mark.parametrize(
    ("participant", "is_caller"),
    [
        (Participant("p", "STANDARD"), True),
        (Participant("p", "SIP"), True),
        (Participant("p", "CONNECTOR"), True),
        (Participant("p", "STANDARD", sources=["CAMERA", "MICROPHONE"]), True),
        (Participant("p", "STANDARD", sources=["CAMERA"]), False),
        (Participant("p", "STANDARD", can_publish=False), False),
        (Participant("p", "STANDARD", hidden=True), False),
        (Participant("p", "EGRESS"), False),
        (Participant("p", "INGRESS"), False),
        (Participant("p", "BRIDGE"), False),
        (Participant("p", "AGENT"), False),
        (Participant("p", "SOMETHING_NEW"), False),
    ],
)
def test_a_caller_is_a_person_who_may_speak(participant: Participant, is_caller: bool) -> None:
    """Recorders, hidden listeners, audiences and programs are no callers."""
    assert participant.is_caller is is_caller


@pytest.mark.parametrize(
    ("status", "has_picked_up"),
    [("dialing", False), ("ringing", False), ("automation", False), ("active", True)],
)
def test_a_telephone_has_picked_up_when_its_call_is_active(
    status: str, has_picked_up: bool
) -> None:
    """A telephone has a person at the other end from the status `active` on."""
    telephone = Participant("p", "SIP", attributes={CALL_STATUS: status})
    assert telephone.has_picked_up is has_picked_up
    assert Participant("p", "STANDARD").has_picked_up
