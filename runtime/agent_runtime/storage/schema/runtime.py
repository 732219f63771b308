"""The runtime's own tables, beyond the thirteen shared ones. `migrations.py` makes them."""

from __future__ import annotations

from typing import Final

from peewee import (
    SQL,
    BigAutoField,
    BigIntegerField,
    CharField,
    CompositeKey,
    DateField,
    DateTimeField,
    IntegerField,
    Model,
    TextField,
)


class SchemaVersion(Model):
    """The migrations that were applied."""

    version = IntegerField(primary_key=True)
    applied_at = DateTimeField()

    class Meta:
        table_name = "runtime_schema_version"


class Registrations(Model):
    """The registered agents; `id` is the order of their first registration, `version` the latest one.

    `privacy` is the tier that the configuration names; null leaves it to the setting.
    """

    id = BigAutoField()
    agent_id = IntegerField(unique=True)
    tenant_id = IntegerField()
    config = TextField()
    max_sessions = IntegerField()
    has_variables = IntegerField(constraints=[SQL("DEFAULT 0")])
    privacy = CharField(max_length=16, null=True)
    created_at = DateTimeField()
    updated_at = DateTimeField()
    version = IntegerField(constraints=[SQL("DEFAULT 1")])

    class Meta:
        table_name = "runtime_registrations"


class AgentVersions(Model):
    """What was registered for each agent, in its versions; only the latest ones are kept.

    `digest` is that of tenant and content, and empty for what was registered before versions were kept.
    """

    id = BigAutoField()
    agent_id = IntegerField()
    version = IntegerField()
    tenant_id = IntegerField()
    config = TextField()
    max_sessions = IntegerField()
    digest = CharField(max_length=64)
    origin = CharField()
    created_at = DateTimeField()

    class Meta:
        table_name = "runtime_agent_versions"
        indexes = ((("agent_id", "version"), True),)


class TextIds(Model):
    """The numbers of agents whose id is a text. They stay when the agent is deleted."""

    text_id = CharField(primary_key=True, max_length=128)
    agent_id = IntegerField(unique=True)
    created_at = DateTimeField()

    class Meta:
        table_name = "runtime_text_ids"


class LiveSessions(Model):
    """One row for each session that is connecting or active, and none for any other session.

    An agent's rows are what counts against its capacity: counting them costs nothing, however many
    sessions the shared table holds. `claimed_room` is the room's name once the agent is in it; it is
    unique, so a room has one agent at a time. The other columns are the lease, which
    `domain.lease.LiveSession` explains. `numbered` is the number of the last dispatch whose jobs know
    their number; jobs of the first dispatch, and of earlier versions of the runtime, do not. `namespace`
    is the deployment that looks after the session; rows of earlier versions have none. `words_key` is the
    random key of what is kept sealed of the conversation; it is gone with the session.
    """

    session_id = CharField(primary_key=True)
    agent_id = IntegerField(index=True)
    room_name = CharField(index=True)
    claimed_room = CharField(null=True, unique=True)
    heartbeat_at = DateTimeField()
    phase = CharField(max_length=16, constraints=[SQL("DEFAULT 'asked'")])
    holder = CharField(null=True)
    worker = CharField(null=True)
    lost_by = CharField(null=True)
    beats = IntegerField(constraints=[SQL("DEFAULT 0")])
    dispatches = IntegerField(constraints=[SQL("DEFAULT 1")])
    numbered = IntegerField(constraints=[SQL("DEFAULT 0")])
    variables = TextField(null=True)
    namespace = CharField(max_length=128, null=True)
    words_key = CharField(max_length=64, null=True)
    tenant_id = IntegerField(null=True, index=True)

    class Meta:
        table_name = "runtime_live_sessions"


class SessionEvents(Model):
    """The events of each session, in order. Rows are only appended, and deleted after a time.

    `owed` is 1 from the transaction of the event until its webhooks are in the table of deliveries; for a
    session whose agent has no webhooks it is 0. An index of its own holds only the rows that are owed.
    """

    id = BigAutoField()
    session_id = CharField()
    at = DateTimeField(index=True)
    kind = CharField(max_length=50)
    detail = TextField()
    owed = IntegerField(constraints=[SQL("DEFAULT 0")])

    class Meta:
        table_name = "runtime_session_events"
        indexes = ((("session_id", "id"), False),)


class Utterances(Model):
    """The transcripts of the live sessions, for an agent that takes one over; deleted at its end."""

    id = BigAutoField()
    session_id = CharField()
    role = CharField(max_length=16)
    text = TextField()

    class Meta:
        table_name = "runtime_utterances"
        indexes = ((("session_id", "id"), False),)


class PlatformConfigs(Model):
    """The last good answer of the platform's configuration service for each agent.

    The row of agent 0, which no agent is, has the failures of the service since its last answer, and when
    it is asked again.
    """

    agent_id = IntegerField(primary_key=True)
    etag = TextField(null=True)
    document = TextField(null=True)
    answered_at = DateTimeField(null=True)
    failures = IntegerField(constraints=[SQL("DEFAULT 0")])
    retry_at = DateTimeField(null=True)

    class Meta:
        table_name = "runtime_platform_configs"


class MetricParts(Model):
    """What each agent of a session contributes to the session's one row of `session_metrics`.

    `part` is the job that measured it, `metrics_id` the row that holds the sums. Of each latency there
    are the number of turns that had it and their sum in microseconds. Costs are in micro-cents; that of a
    stage is NULL where its price is not known.
    """

    session_id = CharField()
    part = CharField()
    metrics_id = IntegerField()
    user_messages = BigIntegerField()
    agent_messages = BigIntegerField()
    interruptions = BigIntegerField()
    errors = BigIntegerField()
    input_tokens = BigIntegerField()
    output_tokens = BigIntegerField()
    cost = BigIntegerField()
    cost_stt = BigIntegerField(null=True)
    cost_llm = BigIntegerField(null=True)
    cost_tts = BigIntegerField(null=True)
    stt_count = BigIntegerField()
    stt_total = BigIntegerField()
    end_of_turn_count = BigIntegerField()
    end_of_turn_total = BigIntegerField()
    llm_count = BigIntegerField()
    llm_total = BigIntegerField()
    tts_count = BigIntegerField()
    tts_total = BigIntegerField()
    response_count = BigIntegerField()
    response_total = BigIntegerField()

    class Meta:
        table_name = "runtime_metric_parts"
        primary_key = CompositeKey("session_id", "part")


class ApiKeys(Model):
    """The API keys, valid or not; `digest` is the SHA-256 of one, `scopes` has commas between them."""

    id = CharField(primary_key=True, max_length=16)
    name = CharField(max_length=64)
    digest = CharField(max_length=64)
    scopes = CharField()
    tenant_id = IntegerField(null=True)
    created_at = DateTimeField()
    expires_at = DateTimeField(null=True)
    revoked_at = DateTimeField(null=True)
    last_used = DateField(null=True)

    class Meta:
        table_name = "runtime_api_keys"


class Audit(Model):
    """The audit, which `domain.access.audit` explains. Rows are only appended, and deleted after a time."""

    id = BigAutoField()
    at = DateTimeField(index=True)
    actor = CharField(max_length=64)
    operation = CharField(max_length=64)
    result = CharField(max_length=64)
    agent_id = IntegerField(null=True)
    session_id = CharField(null=True)
    tenant_id = IntegerField(null=True)
    key_id = CharField(max_length=16, null=True)

    class Meta:
        table_name = "runtime_audit"


class Requests(Model):
    """Creates with an Idempotency-Key, for a day. `key` and `body` are digests of what the client sent."""

    key = CharField(max_length=64, primary_key=True)
    body = CharField(max_length=64)
    session_id = CharField(index=True)
    is_answered = IntegerField()
    created_at = DateTimeField(index=True)

    class Meta:
        table_name = "runtime_requests"


class WebhookAgents(Model):
    """The agents whose sessions have webhooks; agent 0, which no agent is, stands for all of them."""

    agent_id = IntegerField(primary_key=True)

    class Meta:
        table_name = "runtime_webhook_agents"


class WebhookDeliveries(Model):
    """One event for one address. `credentials` has the secret and the headers, encrypted."""

    id = BigAutoField()
    message_id = CharField(max_length=64, unique=True)
    session_id = CharField()
    agent_id = IntegerField()
    event = CharField(max_length=50)
    url = TextField()
    credentials = TextField()
    body = TextField()
    state = CharField(max_length=16)
    attempts = IntegerField()
    next_at = DateTimeField()
    created_at = DateTimeField()
    detail = TextField()

    class Meta:
        table_name = "runtime_webhook_deliveries"
        indexes = ((("session_id", "id"), False), (("state", "next_at"), False))


RUNTIME_TABLES: Final[tuple[type[Model], ...]] = (
    SchemaVersion,
    Registrations,
    AgentVersions,
    TextIds,
    LiveSessions,
    SessionEvents,
    Utterances,
    PlatformConfigs,
    MetricParts,
    ApiKeys,
    Audit,
    Requests,
    WebhookAgents,
    WebhookDeliveries,
)
