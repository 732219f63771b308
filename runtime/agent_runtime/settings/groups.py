"""The settings by group. Each field's alias is its environment variable; `.env.example` explains it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, ModelWrapValidatorHandler, SecretStr, model_validator

from agent_runtime.agents.calls.limits import MAX_DURATION, MIN_DURATION
from agent_runtime.agents.sections import Profile
from agent_runtime.domain.callers.privacy import PrivacyTier
from agent_runtime.egress.policy import EgressPolicy
from agent_runtime.secrecy.keyring import Keyring, read_keys
from agent_runtime.settings.addresses import EVERYWHERE, LOOPBACK
from agent_runtime.settings.types import (
    NO_EFFECT,
    DatabaseUrl,
    EgressAllow,
    Folder,
    Group,
    HttpUrl,
    LiveKitUrl,
    OptionalUrl,
    Port,
    PricesFile,
    SecretKeys,
)
from agent_runtime.storage.sql.postgres_url import read_postgres_url
from agent_runtime.storage.sql.url import is_postgres


class LiveKitSettings(Group):
    """The LiveKit server, and the key that API and worker use for it."""

    url: LiveKitUrl = Field("ws://localhost:7880", alias="LIVEKIT_URL")
    api_key: str = Field("", alias="LIVEKIT_API_KEY")
    api_secret: SecretStr = Field(SecretStr(""), alias="LIVEKIT_API_SECRET")
    timeout: float = Field(2.0, alias="LIVEKIT_TIMEOUT", gt=0, le=60)


class ApiSettings(Group):
    """The HTTP API."""

    host: str = Field("", alias="HOST")
    port: Port = Field(8080, alias="PORT")
    api_key: SecretStr = Field(SecretStr(""), alias="AGENT_RUNTIME_API_KEY")
    allow_no_key: bool = Field(False, alias="AGENT_RUNTIME_ALLOW_NO_KEY")
    open_sessions_and_metrics: bool = Field(False, alias="AGENT_RUNTIME_OPEN_SESSIONS_AND_METRICS")
    max_sessions_per_agent: int = Field(100, alias="MAX_SESSIONS_PER_AGENT", ge=1)
    tenant_max_sessions: int = Field(0, alias="TENANT_MAX_SESSIONS", ge=0, le=2**31 - 1)
    header_timeout: float = Field(10.0, alias="HTTP_HEADER_TIMEOUT", gt=0)
    body_timeout: float = Field(30.0, alias="HTTP_BODY_TIMEOUT", gt=0)
    keep_alive: int = Field(5, alias="HTTP_KEEP_ALIVE", ge=1, le=3600)

    @property
    def has_key(self) -> bool:
        """Whether requests need a key."""
        return bool(self.api_key.get_secret_value())

    @property
    def address(self) -> str:
        """The address to listen on: HOST, else every interface when that is safe or allowed."""
        return self.host or (EVERYWHERE if self.has_key or self.allow_no_key else LOOPBACK)


class DatabaseSettings(Group):
    """The database that API and worker share."""

    url: DatabaseUrl = Field("sqlite:///agent-runtime.sqlite3", alias="DATABASE_URL")
    prepare: bool = Field(True, alias="DATABASE_PREPARE")
    pool_size: int = Field(8, alias="DATABASE_POOL_SIZE", ge=1, le=200)
    agent_versions_kept: int = Field(50, alias="AGENT_VERSIONS_KEPT", ge=1, le=1000)

    @model_validator(mode="wrap")
    @classmethod
    def _with_parameters_of_the_url(
        cls, given: Any, validate: ModelWrapValidatorHandler[Self]
    ) -> Self:
        """Apply the parameters of the URL that mean one of these settings."""
        found = validate(given)
        if not is_postgres(found.url):
            return found
        url = read_postgres_url(found.url)
        return found.model_copy(
            update={
                "prepare": found.prepare and url.prepare is not False,
                "pool_size": min(found.pool_size, url.pool_size or found.pool_size),
            }
        )


class SecretSettings(Group):
    """The keys that encrypt what agents are registered with."""

    keys: SecretKeys = Field(SecretStr(""), alias="AGENT_RUNTIME_SECRET_KEY")

    def keyring(self) -> Keyring:
        """The ring of the keys; the first encrypts."""
        return Keyring(read_keys(self.keys.get_secret_value()))


class EgressSettings(Group):
    """Which addresses the runtime may call when an agent's configuration names them."""

    allow: EgressAllow = Field("", alias="EGRESS_ALLOW")

    def policy(self) -> EgressPolicy:
        """The rules that follow."""
        return EgressPolicy.of(self.allow)


class AuditSettings(Group):
    """The record of who changed what."""

    retention_days: int = Field(90, alias="AUDIT_RETENTION_DAYS", ge=1, le=3650)


class WebhookSettings(Group):
    """Webhooks of agents that name none."""

    completion_url: OptionalUrl = Field("", alias="COMPLETION_WEBHOOK_URL")


class WatchSettings(Group):
    """Sessions without an agent: how long each step may take, in seconds; and full workers."""

    lease: float = Field(2.0, alias="SESSION_LEASE", gt=0, le=600)
    start: float = Field(20.0, alias="SESSION_START_PATIENCE", gt=0, le=600)
    answer: float = Field(1.5, alias="SESSION_DISPATCH_PATIENCE", gt=0, le=600)
    deadline: float = Field(30.0, alias="SESSION_AGENT_DEADLINE", gt=0, le=3600)
    when_full: Literal["queue", "refuse"] = Field("queue", alias="SESSION_WHEN_FULL")
    max_waiting: int = Field(1000, alias="SESSION_MAX_WAITING", ge=0, le=100_000)
    interval: float = Field(0.25, alias="SESSION_WATCH_INTERVAL", gt=0, le=10)


class PrivacySettings(Group):
    """What is kept of conversations, and for how many days after their end; 0 keeps it."""

    tier: PrivacyTier = Field(PrivacyTier.FULL, alias="PRIVACY_TIER")
    sessions_days: int = Field(0, alias="RETENTION_SESSIONS_DAYS", ge=0, le=36_500)
    events_days: int = Field(30, alias="RETENTION_EVENTS_DAYS", ge=0, le=36_500)
    transcripts_days: int = Field(0, alias="RETENTION_TRANSCRIPTS_DAYS", ge=0, le=36_500)
    metrics_days: int = Field(0, alias="RETENTION_METRICS_DAYS", ge=0, le=36_500)


class LangfuseSettings(Group):
    """Langfuse, the observability service. Checked only: no trace is sent yet."""

    enabled: bool = Field(False, alias="LANGFUSE_ENABLED", json_schema_extra=NO_EFFECT)
    public_key: str = Field("", alias="LANGFUSE_PUBLIC_KEY", json_schema_extra=NO_EFFECT)
    secret_key: SecretStr = Field(
        SecretStr(""), alias="LANGFUSE_SECRET_KEY", json_schema_extra=NO_EFFECT
    )
    base_url: HttpUrl = Field(
        "https://cloud.langfuse.com", alias="LANGFUSE_BASE_URL", json_schema_extra=NO_EFFECT
    )


class WorkerSettings(Group):
    """The LiveKit agent server."""

    idle_processes: int = Field(3, alias="WORKER_NUM_IDLE_PROCESSES", ge=0, le=64)
    max_calls: int = Field(50, alias="MAX_AGENTS_PER_INSTANCE", ge=1)
    health_host: str = Field(LOOPBACK, alias="WORKER_HEALTH_HOST")
    health_port: Port = Field(8081, alias="WORKER_HEALTH_PORT")
    drain_timeout: int = Field(1800, alias="WORKER_DRAIN_TIMEOUT", ge=0)
    name: str = Field("", alias="WORKER_NAME", max_length=200)
    namespace: str = Field("livekit", alias="WORKER_NAMESPACE", min_length=1, max_length=128)
    most_cpu_pressure: float = Field(45.0, alias="WORKER_MOST_CPU_PRESSURE", ge=1, le=100)
    heartbeat: float = Field(0.5, alias="WORKER_HEARTBEAT", gt=0, le=60)
    leave_grace: float = Field(4.0, alias="WORKER_LEAVE_GRACE", ge=0, le=600)
    silence: float = Field(4.0, alias="WORKER_LONGEST_SILENCE", ge=0, le=60)
    wait_for_caller: float = Field(300.0, alias="WORKER_WAIT_FOR_CALLER", gt=0, le=86_400)
    call_duration: float = Field(0.0, alias="CALL_DURATION", ge=0, le=MAX_DURATION)
    call_max_duration: float = Field(
        14_400.0, alias="CALL_MAX_DURATION", ge=MIN_DURATION, le=MAX_DURATION
    )
    call_silence: float = Field(1800.0, alias="CALL_SILENCE_TIMEOUT", ge=0, le=86_400)
    max_answer_tokens: int = Field(0, alias="CALL_MAX_ANSWER_TOKENS", ge=0, le=1_000_000)
    job_memory_limit: int = Field(1500, alias="WORKER_JOB_MEMORY_LIMIT", ge=0, le=1_000_000)
    profile: Profile = Field(Profile.BALANCED, alias="WORKER_PROFILE")
    turn_detector_plugin: bool = Field(False, alias="WORKER_TURN_DETECTOR_PLUGIN")
    pod_deletion_cost: bool = Field(False, alias="WORKER_POD_DELETION_COST")
    prices_file: PricesFile = Field("", alias="PRICES_FILE")


class SourceSettings(Group):
    """Where agents are found that are not registered, and the operator's own templates."""

    platform_url: OptionalUrl = Field("", alias="PLATFORM_API_URL")
    platform_key: SecretStr = Field(SecretStr(""), alias="PLATFORM_API_KEY")
    config_dir: Folder = Field("", alias="AGENT_CONFIG_DIR")

    @property
    def folder(self) -> Path | None:
        """The folder of the agents' files."""
        return Path(self.config_dir) if self.config_dir else None

    @property
    def templates_folder(self) -> Path | None:
        """The folder of the operator's templates."""
        return None if self.folder is None else self.folder / "templates"


class LogSettings(Group):
    """The lowest level that is logged, and the format of the lines."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", alias="LOG_LEVEL"
    )
    format: Literal["auto", "json", "text"] = Field("auto", alias="LOG_FORMAT")
    pii: bool = Field(False, alias="LOG_PII")
