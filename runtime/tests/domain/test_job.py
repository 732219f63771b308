"""The target of a job: its agent and session."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.domain.job import (
    UNNUMBERED,
    JobTarget,
    NotOurJob,
    agent_of_room,
    is_agents_room,
    target_of,
)

IDS = st.integers(min_value=1, max_value=2**31 - 1)


@given(agent_id=IDS, tenant_id=IDS, name=st.text())
def test_metadata_survives_the_way_to_the_worker(agent_id: int, tenant_id: int, name: str) -> None:
    """The worker reads the same target that the dispatch carries, participant name included."""
    target = JobTarget(agent_id, "session", tenant_id, {"participantName": name})
    assert target_of(target.to_metadata(), "any room") == target


@given(number=IDS)
def test_dispatches_after_the_first_carry_their_number(number: int) -> None:
    """The first dispatch carries no number, as the HTTP contract says; later ones do."""
    target = JobTarget(7, "session", 3, dispatch=number)
    has_number = "dispatchNumber" in json.loads(target.to_metadata())
    assert has_number == (number > 1)
    assert target_of(target.to_metadata(), "any room").dispatch == (number if has_number else 0)


@pytest.mark.parametrize("number", [0, -1, True, "2", "A-77", None, 1.5, [2]])
def test_an_invalid_dispatch_number_is_ignored(number: object) -> None:
    """A job with an invalid dispatch number is accepted as one without a number."""
    metadata = json.dumps({"agentId": 7, "sessionId": "s", "dispatchNumber": number})
    assert target_of(metadata, "any room") == JobTarget(7, "s")


def test_a_job_without_a_session_has_no_number() -> None:
    """The dispatch number of a job without a session is ignored: it will create its own session."""
    assert target_of('{"agentId": 7, "dispatchNumber": 4}', "any room").dispatch == 0


@given(agent_id=IDS)
def test_room_name_names_the_agent(agent_id: int) -> None:
    """Without metadata `agent-<id>-room` names the agent."""
    assert target_of("", f"agent-{agent_id}-room") == JobTarget(agent_id)


@pytest.mark.parametrize(
    "room",
    ["agent-7-room_+493012345_x8Kd3fQz", "agent-7-room_alice_x_y", "agent-7-room__abc"],
)
def test_a_room_of_a_sip_dispatch_rule_names_the_agent(room: str) -> None:
    """LiveKit's SIP rules append the caller and random characters to the agent's room name."""
    assert target_of("", room) == JobTarget(7)
    assert agent_of_room(room) == 7


def test_metadata_wins_over_the_room() -> None:
    """Metadata that names an agent wins over the room's name, also in snake_case and with text ids."""
    assert target_of('{"agent_id": "8", "session_id": "s"}', "agent-7-room") == JobTarget(8, "s")


@pytest.mark.parametrize(
    ("metadata", "room", "text_id"),
    [
        ('{"agent_id": "clinic_front_desk_v1"}', "lobby", "clinic_front_desk_v1"),
        ('{"agentId": "sales.de-1", "customer_name": "Ada"}', "agent-7-room", "sales.de-1"),
        ("", "agent-clinic_front_desk_v1-room", "clinic_front_desk_v1"),
        ("", "agent-clinic-room_+4930123_x8Kd3fQz", "clinic"),
        ("", "agent-a-room-room", None),
        ("", "agent--room", None),
        ("", "agent-front desk-room", None),
        ("", f"agent-{'x' * 129}-room", None),
    ],
)
def test_an_agent_may_be_named_by_a_text(metadata: str, room: str, text_id: str | None) -> None:
    """A text id stands in metadata and room names as a number does; its number is looked up later."""
    if text_id is None:
        assert not is_agents_room(room)
        with pytest.raises(NotOurJob):
            target_of(metadata, room)
        return
    target = target_of(metadata, room)
    assert (target.agent_id, target.text_id) == (UNNUMBERED, text_id)
    assert is_agents_room(room) == room.startswith("agent-")


@pytest.mark.parametrize(
    ("metadata", "room"),
    [
        ("", "lobby"),
        ("", "agent-0-room"),
        ("", "agent-07-room"),
        ("", "agent-99999999999-room"),
        ("", "xagent-7-room"),
        ("", "agent-7-room-2"),
        ("", "agent-7-room_"),
        ("", "agent-9999999999-room_1_x"),
        ("{}", "lobby"),
        ("{", "agent-7-room"),
        ("[7]", "agent-7-room"),
        ("[" * 100_000, "agent-7-room"),
        (json.dumps({"agentId": True}), "agent-7-room"),
        (json.dumps({"agentId": 1.5}), "agent-7-room"),
        (json.dumps({"agentId": -1}), "agent-7-room"),
        (json.dumps({"agentId": 7, "sessionId": 5}), "agent-7-room"),
    ],
)
def test_any_other_job_is_refused_with_a_reason(metadata: str, room: str) -> None:
    """A job that names no agent, or names one wrongly, is refused and the text says why."""
    with pytest.raises(NotOurJob, match=r"metadata|room name|agentId|sessionId"):
        target_of(metadata, room)
