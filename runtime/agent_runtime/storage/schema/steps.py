"""The statements of each version of the runtime's own tables; those of a released one never change."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Step:
    """The statements that lead to `version` from the one before; `{serial}` is the dialect's serial key.

    Those in `postgresql` follow on PostgreSQL only.
    """

    version: int
    statements: Sequence[str]
    postgresql: Sequence[str] = ()


STEPS: Final[Sequence[Step]] = (
    Step(
        1,
        (
            """
            CREATE TABLE runtime_registrations (
                id {serial},
                agent_id integer NOT NULL,
                tenant_id integer NOT NULL,
                config text NOT NULL,
                max_sessions integer NOT NULL,
                created_at timestamp NOT NULL,
                updated_at timestamp NOT NULL
            )
            """,
            """
            CREATE UNIQUE INDEX runtime_registrations_agent_id
            ON runtime_registrations (agent_id)
            """,
            """
            CREATE TABLE runtime_live_sessions (
                session_id varchar(255) NOT NULL PRIMARY KEY,
                agent_id integer NOT NULL,
                room_name varchar(255) NOT NULL,
                claimed_room varchar(255),
                heartbeat_at timestamp NOT NULL
            )
            """,
            "CREATE INDEX runtime_live_sessions_agent_id ON runtime_live_sessions (agent_id)",
            """
            CREATE UNIQUE INDEX runtime_live_sessions_claimed_room
            ON runtime_live_sessions (claimed_room)
            """,
        ),
    ),
    Step(
        2,
        (
            "ALTER TABLE runtime_live_sessions ADD COLUMN phase varchar(16) NOT NULL DEFAULT 'asked'",
            "ALTER TABLE runtime_live_sessions ADD COLUMN holder varchar(255)",
            "ALTER TABLE runtime_live_sessions ADD COLUMN worker varchar(255)",
            "ALTER TABLE runtime_live_sessions ADD COLUMN lost_by varchar(255)",
            "ALTER TABLE runtime_live_sessions ADD COLUMN beats integer NOT NULL DEFAULT 0",
            "ALTER TABLE runtime_live_sessions ADD COLUMN dispatches integer NOT NULL DEFAULT 1",
            "ALTER TABLE runtime_live_sessions ADD COLUMN variables text",
            """
            CREATE TABLE runtime_session_events (
                id {serial},
                session_id varchar(255) NOT NULL,
                at timestamp NOT NULL,
                kind varchar(50) NOT NULL,
                detail text NOT NULL
            )
            """,
            "CREATE INDEX runtime_session_events_at ON runtime_session_events (at)",
            """
            CREATE INDEX runtime_session_events_session
            ON runtime_session_events (session_id, id)
            """,
            """
            CREATE TABLE runtime_utterances (
                id {serial},
                session_id varchar(255) NOT NULL,
                role varchar(16) NOT NULL,
                text text NOT NULL
            )
            """,
            "CREATE INDEX runtime_utterances_session ON runtime_utterances (session_id, id)",
        ),
    ),
    Step(
        3,
        ("ALTER TABLE runtime_live_sessions ADD COLUMN numbered integer NOT NULL DEFAULT 0",),
    ),
    # A key of 32 bits ends after 2^31 rows, also those that were deleted. SQLite's keys have 64 bits.
    Step(
        4,
        (),
        postgresql=tuple(
            statement.format(table=table)
            for table in ("runtime_registrations", "runtime_session_events", "runtime_utterances")
            for statement in (
                "ALTER TABLE {table} ALTER COLUMN id TYPE bigint",
                "ALTER SEQUENCE {table}_id_seq AS bigint",
            )
        ),
    ),
    Step(
        5,
        (
            """
            CREATE TABLE runtime_api_keys (
                id varchar(16) NOT NULL PRIMARY KEY,
                name varchar(64) NOT NULL,
                digest varchar(64) NOT NULL,
                scopes varchar(255) NOT NULL,
                tenant_id integer,
                created_at timestamp NOT NULL,
                expires_at timestamp, revoked_at timestamp, last_used date
            )
            """,
            """
            CREATE TABLE runtime_audit (
                id {serial},
                at timestamp NOT NULL,
                actor varchar(64) NOT NULL, operation varchar(64) NOT NULL, result varchar(64) NOT NULL,
                agent_id integer,
                session_id varchar(255),
                tenant_id integer, key_id varchar(16)
            )
            """,
            "CREATE INDEX runtime_audit_at ON runtime_audit (at)",
        ),
        postgresql=(
            "ALTER TABLE runtime_audit ALTER COLUMN id TYPE bigint",
            "ALTER SEQUENCE runtime_audit_id_seq AS bigint",
        ),
    ),
    # Deployments that share a database must not end each other's sessions.
    Step(
        6,
        ("ALTER TABLE runtime_live_sessions ADD COLUMN namespace varchar(128)",),
    ),
    # Privacy tiers, and one row of metrics a session however many agents it had.
    Step(
        7,
        (
            "ALTER TABLE runtime_registrations ADD COLUMN privacy varchar(16)",
            "ALTER TABLE runtime_live_sessions ADD COLUMN words_key varchar(64)",
            """
            CREATE TABLE runtime_metric_parts (
                session_id varchar(255) NOT NULL,
                part varchar(255) NOT NULL,
                metrics_id integer NOT NULL,
                user_messages bigint NOT NULL, agent_messages bigint NOT NULL,
                interruptions bigint NOT NULL, errors bigint NOT NULL,
                input_tokens bigint NOT NULL, output_tokens bigint NOT NULL,
                cost bigint NOT NULL,
                stt_count bigint NOT NULL, stt_total bigint NOT NULL,
                end_of_turn_count bigint NOT NULL, end_of_turn_total bigint NOT NULL,
                llm_count bigint NOT NULL, llm_total bigint NOT NULL,
                tts_count bigint NOT NULL, tts_total bigint NOT NULL,
                response_count bigint NOT NULL, response_total bigint NOT NULL,
                PRIMARY KEY (session_id, part)
            )
            """,
        ),
    ),
    # Limits of creates, and creates that are sent again. What lives already counts to no tenant's quota.
    Step(
        8,
        (
            "ALTER TABLE runtime_live_sessions ADD COLUMN tenant_id integer",
            "CREATE INDEX runtime_live_sessions_tenant_id ON runtime_live_sessions (tenant_id)",
            "CREATE INDEX runtime_live_sessions_room_name ON runtime_live_sessions (room_name)",
            """
            CREATE TABLE runtime_requests (
                key varchar(64) NOT NULL PRIMARY KEY,
                body varchar(64) NOT NULL,
                session_id varchar(255) NOT NULL,
                is_answered integer NOT NULL,
                created_at timestamp NOT NULL
            )
            """,
            "CREATE INDEX runtime_requests_created_at ON runtime_requests (created_at)",
            "CREATE INDEX runtime_requests_session_id ON runtime_requests (session_id)",
        ),
    ),
    # Versions of agents, and numbers for ids that are texts. What is registered is version 1.
    Step(
        9,
        (
            "ALTER TABLE runtime_registrations ADD COLUMN version integer NOT NULL DEFAULT 1",
            """
            CREATE TABLE runtime_agent_versions (
                id {serial},
                agent_id integer NOT NULL,
                version integer NOT NULL,
                tenant_id integer NOT NULL,
                config text NOT NULL,
                max_sessions integer NOT NULL,
                digest varchar(64) NOT NULL,
                origin varchar(255) NOT NULL,
                created_at timestamp NOT NULL
            )
            """,
            """
            CREATE UNIQUE INDEX runtime_agent_versions_agent
            ON runtime_agent_versions (agent_id, version)
            """,
            """
            INSERT INTO runtime_agent_versions
                (agent_id, version, tenant_id, config, max_sessions, digest, origin, created_at)
            SELECT agent_id, 1, tenant_id, config, max_sessions, '', 'an earlier registration', updated_at
            FROM runtime_registrations
            """,
            """
            CREATE TABLE runtime_text_ids (
                text_id varchar(128) NOT NULL PRIMARY KEY,
                agent_id integer NOT NULL,
                created_at timestamp NOT NULL
            )
            """,
            "CREATE UNIQUE INDEX runtime_text_ids_agent_id ON runtime_text_ids (agent_id)",
        ),
        postgresql=(
            "ALTER TABLE runtime_agent_versions ALTER COLUMN id TYPE bigint",
            "ALTER SEQUENCE runtime_agent_versions_id_seq AS bigint",
        ),
    ),
    # Whether texts of the agent are templates, so that a create checks their variables; and the platform's
    # last good answers, with the state of its service under the agent id 0.
    Step(
        10,
        (
            "ALTER TABLE runtime_registrations ADD COLUMN has_variables integer NOT NULL DEFAULT 0",
            """
            CREATE TABLE runtime_platform_configs (
                agent_id integer NOT NULL PRIMARY KEY,
                etag text,
                document text,
                answered_at timestamp,
                failures integer NOT NULL DEFAULT 0,
                retry_at timestamp
            )
            """,
        ),
    ),
    # What each stage of an agent's part of a call costs; NULL where its price is not known.
    Step(
        11,
        tuple(
            f"ALTER TABLE runtime_metric_parts ADD COLUMN cost_{stage} bigint"
            for stage in ("stt", "llm", "tts")
        ),
    ),
    # Webhooks: which events of sessions are owed to somebody, to whose agents, and what is delivered.
    Step(
        12,
        (
            "ALTER TABLE runtime_session_events ADD COLUMN owed integer NOT NULL DEFAULT 0",
            "CREATE INDEX runtime_session_events_owed ON runtime_session_events (id) WHERE owed = 1",
            "CREATE TABLE runtime_webhook_agents (agent_id integer NOT NULL PRIMARY KEY)",
            """
            CREATE TABLE runtime_webhook_deliveries (
                id {serial},
                message_id varchar(64) NOT NULL,
                session_id varchar(255) NOT NULL,
                agent_id integer NOT NULL,
                event varchar(50) NOT NULL,
                url text NOT NULL,
                credentials text NOT NULL,
                body text NOT NULL,
                state varchar(16) NOT NULL,
                attempts integer NOT NULL,
                next_at timestamp NOT NULL,
                created_at timestamp NOT NULL,
                detail text NOT NULL
            )
            """,
            """
            CREATE UNIQUE INDEX runtime_webhook_deliveries_message
            ON runtime_webhook_deliveries (message_id)
            """,
            """
            CREATE INDEX runtime_webhook_deliveries_session
            ON runtime_webhook_deliveries (session_id, id)
            """,
            """
            CREATE INDEX runtime_webhook_deliveries_due
            ON runtime_webhook_deliveries (state, next_at)
            """,
        ),
        postgresql=(
            "ALTER TABLE runtime_webhook_deliveries ALTER COLUMN id TYPE bigint",
            "ALTER SEQUENCE runtime_webhook_deliveries_id_seq AS bigint",
        ),
    ),
)
