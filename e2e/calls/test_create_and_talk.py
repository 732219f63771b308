"""A session created over HTTP becomes a conversation, and its rows record the conversation."""

from e2e.testbed.testbed import Testbed


async def test_three_questions_are_answered(testbed: Testbed) -> None:
    """The caller hears the greeting and three right answers; the row is active, then ended."""
    await testbed.register()
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    assert (await testbed.api.session(session_id))["status"] in ("connecting", "active")

    async with testbed.person_in(room) as person:
        await person.hears_greeting()
        row = await testbed.rows.session_when(session_id, lambda row: row["status"] == "active")
        assert (row["agent_id"], row["tenant_id"], row["room_name"]) == (testbed.agent_id, 1, room)
        for name in ("weather", "opening", "table"):
            await person.is_answered(name)
        row = await testbed.rows.session_when(session_id, lambda r: r["participant_count"] == 2)
        assert (await testbed.api.agent(testbed.agent_id))["activeSessions"] == 1
        await testbed.api.end(session_id)
        await person.caller.agent_left()

    row = await testbed.rows.session_when(session_id, lambda row: row["status"] == "ended")
    assert row["duration_seconds"] >= 5
    assert row["ended_at"] > row["started_at"]
    assert row["metadata"]["reason"] == "ended over HTTP"
    assert (await testbed.api.agent(testbed.agent_id))["activeSessions"] == 0
    # The first dispatch brought the agent: no second request was needed.
    assert await testbed.rows.events(session_id) == ["created", "claimed", "talking", "ended"]
    # The agent came by direct dispatch, before LiveKit offered the job.
    (job,) = await testbed.rows.claimed_by(session_id)
    assert job.startswith("direct-")
    session = await testbed.api.session(session_id)
    assert session["status"] == "ended"
    assert "endedAt" in session


async def test_metrics_are_written_as_each_turn_ends(testbed: Testbed) -> None:
    """During the call its row of metrics already includes the last finished turn."""
    await testbed.register()
    room = testbed.new_room()
    session_id = await testbed.api.create(testbed.agent_id, room)
    async with testbed.person_in(room) as person:
        await person.hears_greeting()
        await person.is_answered("weather")
        row = await testbed.rows.metrics_when(session_id, lambda r: r["agent_message_count"] == 2)
        assert (await testbed.api.session(session_id))["status"] == "active"
        assert row["user_message_count"] == 1
        assert row["message_count"] == 3
        assert 0 < row["avg_stt_latency"] < 2000
        assert 0 < row["avg_llm_latency"] < 2000
        assert row["metadata"]["avg_end_of_turn_latency"] > 0
        row = await testbed.rows.metrics_when(session_id, lambda r: r["total_tokens"] > 0)
        assert row["input_tokens"] + row["output_tokens"] == row["total_tokens"]
        # Priced by the list in the package; the stand-in of the model has an address that is no vendor's.
        row = await testbed.rows.metrics_when(session_id, lambda r: r["total_cost"] > 0)
        costs = row["metadata"]
        assert costs["cost_stt"] > 0
        assert costs["cost_tts"] > 0
        assert costs["cost_llm"] is None
        assert row["total_cost"] == costs["cost_stt"] + costs["cost_tts"]
        metrics = await testbed.api.session_metrics(session_id)
        assert metrics["messageCount"] == 3
        assert metrics["avgLatency"] == row["avg_llm_latency"]
        # The worker's Prometheus metrics include the turn, too, during the call.
        scraped = await testbed.worker_metrics()
        assert scraped["agent_runtime_response_seconds_count"] >= 1
        assert scraped["agent_runtime_stt_final_seconds_count"] >= 1
        assert scraped["agent_runtime_calls"] == 1
        metrics = await testbed.api.agent_metrics(testbed.agent_id)
        assert (metrics["totalSessions"], metrics["activeSessions"]) == (1, 1)
        await testbed.api.end(session_id)
