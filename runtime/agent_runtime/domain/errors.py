"""Every error that the runtime raises on purpose, in two levels.

The second level says what kind of error it is; callers catch a kind, or one error of it. Errors marked *
are defined in the module that raises them.

AgentRuntimeError              base of all
├── InvalidInput               what was given cannot be used as it is
│   ├── InvalidAgentConfig     no agent can run with this configuration
│   ├── VariablesMissing       nobody has given a value for a variable of the agent's texts
│   ├── TemplateFault *        a template cannot be filled with the values given (text.variables.values)
│   ├── NotOurJob *            a LiveKit job names no agent of ours (domain.job)
│   ├── InvalidBody *          a request's body has faulty fields (api.http.zod_issues)
│   ├── RequestRefused *       a request is not framed as HTTP/1.1 has it (api.http.framing.refusals)
│   ├── WebhookRefused *       a webhook is not from our LiveKit server (livekit_api.webhooks)
│   ├── SettingsError *        environment variables are missing or malformed (settings)
│   ├── UnknownProviderError * no provider of this name serves the stage (providers.registry)
│   ├── PackageMissingError *  a provider's package is not installed (providers.registry)
│   ├── PluginRefusedError *   a plugin refuses an agent's options (providers.common.installed_plugin)
│   ├── EgressRefused *        the runtime may not call this address (egress.urls)
│   │   └── AddressRefusedError * its name stands for such an IP address (egress.policy); an OSError, too
│   ├── KeyMissingError *      a provider has no key (providers.common.options)
│   ├── RequestDiffers *       an Idempotency-Key came before, with another body (domain.ports.sessions)
│   ├── SecretsUnreadable      no key of this process opens what an agent was registered with
│   ├── UnstorableError *      the database's encoding lacks a character (storage.sql.database)
│   ├── TenantMismatch *       a session names another tenant than its agent's (domain.access.tenants)
│   └── InvalidKeyError *      no API key can be made like that (domain.access.keys)
├── Forbidden *                the key of the request does not allow it (domain.access.keys)
│   ├── ScopeMissing *         the key lacks the operation's scope (domain.access.keys)
│   └── OtherTenant *          the key is for another tenant (domain.access.keys)
├── NotFound                   what was named does not exist
│   ├── AgentNotRegistered     a session was requested for an agent that is not registered
│   ├── AgentUnknown           neither a registration nor a row of the agents table
│   ├── AgentNotFound *        the tenant of the key has no such agent (domain.access.tenants)
│   ├── SessionNotFound        no session has this id
│   ├── KeyNotFound *          no valid API key has this name or id (domain.access.keys)
│   └── NotThereError *        LiveKit has no such room, participant or dispatch (livekit_api.twirp)
├── Conflict                   the present state of agents, sessions or rooms forbids it
│   ├── TextIdTaken *          a text id or its number belongs to another (domain.agents.text_ids)
│   ├── AgentStopped           the platform has stopped the agent's deployment
│   ├── VariablesUnchecked     the agent's texts have variables that nobody has checked yet
│   ├── AgentOfOtherTenant *   another tenant has registered the agent (domain.access.tenants)
│   ├── RoomOfOtherTenant *    another tenant's session is in the room (application.tenants)
│   ├── TooManyKeys *          another valid API key would be one too many (domain.access.keys)
│   ├── AgentAtCapacity        the agent holds as many live sessions as it may
│   ├── SessionOver            the session is final and takes no further change
│   ├── RoomTaken              another session's agent is already in the room
│   ├── TenantAtCapacity *     the tenant holds as many sessions as it may (domain.ports.sessions)
│   ├── RequestRepeated *      another request has stored a create with this key (domain.ports.sessions)
│   │   └── RequestInFlight *  and that request is not answered yet (domain.ports.sessions)
│   ├── SessionHeld            another job serves the session
│   ├── StatementRefused *     PostgreSQL refuses a statement (storage.sql.database)
│   ├── CallerIsLive *          a caller who is to be erased is in a live session (domain.callers.erasure)
│   └── DuplicateError *       a row with this key exists (storage.sql.database)
└── Unavailable                something that the runtime depends on is missing for now
    ├── NoFreeWorker           every worker is full, and callers are not queued
    ├── QueueFull *            as many sessions as may wait for an agent do so (domain.ports.sessions)
    ├── StoreUnavailable       the database cannot be reached, or answered too late
    ├── PlatformUnavailable    the platform's service is away, and no earlier answer of it is there
    ├── LiveKitUnavailable     the LiveKit server cannot be reached, or refused the request
    │   ├── AnswerError *      its answer is not HTTP, or was cut off (livekit_api.http_client)
    │   └── NoAnswerError *    the connection closed before any answer (livekit_api.http_client)
    ├── ToolFailed *           an agent's tool did not do what it should (voice.tools.http)
    └── CannotStart            the machine lacks what a process needs: an address, a file descriptor
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

# Faulty fields that an error lists: nobody reads more, and 50,000 of them would be an answer of 8 MB.
MAX_ISSUES: Final = 50
# Seconds that a refused client waits (HTTP Retry-After): capacity is freed call by call.
RETRY_AFTER: Final = 5


class AgentRuntimeError(Exception):
    """Base of every error that the runtime raises on purpose.

    `remedy` tells the reader of the message what to do; it is empty where the message says so itself.
    """

    remedy: ClassVar[str] = ""


class InvalidInput(AgentRuntimeError, ValueError):
    """What was given cannot be used as it is; the message names the fault."""

    remedy = "correct what the message names"


class NotFound(AgentRuntimeError):
    """What was named does not exist."""

    remedy = "check the name or id"


class Conflict(AgentRuntimeError):
    """The present state of agents, sessions or rooms forbids it."""

    remedy = "wait until the state has changed"


class Unavailable(AgentRuntimeError):
    """Something that the runtime depends on is missing for now."""

    remedy = "try again later"


@dataclass(frozen=True, slots=True)
class ConfigIssue:
    """One fault of a configuration: where it is, what is wrong, and what would be right."""

    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        return f"{'.'.join(map(str, self.path)) or 'config'}: {self.message}"


class InvalidAgentConfig(InvalidInput):
    """Raised for a configuration that no agent can run with; `issues` names at most `MAX_ISSUES` fields."""

    remedy = "correct the fields named and register the agent again"

    def __init__(self, issues: Sequence[ConfigIssue]) -> None:
        self.issues = tuple(issues[:MAX_ISSUES])
        super().__init__("; ".join(map(str, self.issues)))


class VariablesMissing(InvalidInput):
    """Raised when nobody has given a value for some variables of the agent's texts; `names` has them."""

    remedy = "give them in `variables`, or give each a default: {{ name | default('there') }}"

    def __init__(self, missing: Mapping[str, Sequence[str]]) -> None:
        """`missing` has the names by the key of the text that they stand in."""
        found = [(name, key) for key, names in missing.items() for name in names][:MAX_ISSUES]
        self.names = tuple(dict.fromkeys(name for name, _ in found))
        super().__init__(
            "; ".join(f"no value for {name}, which {key} needs" for name, key in found)
            + f": {self.remedy}"
        )


class SecretsUnreadable(InvalidInput):
    """Raised when a stored configuration is encrypted with a key that this process does not have.

    The message names the variable and the key's id, never a key. `tenant_id` is that of the registration.
    """

    remedy = "set AGENT_RUNTIME_SECRET_KEY to all keys of the deployment, the current one first"
    tenant_id: int = 0


class AgentNotRegistered(NotFound):
    """Raised when a session is requested for an agent that is not registered."""

    remedy = "register the agent first: POST /api/agents/register"

    def __init__(self, agent_id: int) -> None:
        super().__init__(f"Agent {agent_id} not registered")
        self.agent_id = agent_id


class AgentUnknown(NotFound):
    """Raised for a job whose agent is neither registered nor a usable row of the agents table."""

    remedy = "register the agent, or add its row to the agents table"

    def __init__(
        self, agent_id: int | str, why: str = "neither registered nor in the agents table"
    ) -> None:
        super().__init__(f"Agent {agent_id} is unknown: {why}")
        self.agent_id = agent_id


class SessionNotFound(NotFound):
    """Raised when no session has this id."""

    remedy = "use the id that POST /api/sessions/create returned"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session {session_id} not found")
        self.session_id = session_id


class AgentAtCapacity(Conflict):
    """Raised when the agent already holds `limit` live sessions."""

    remedy = "end a session of the agent, or register it with a higher maxConcurrentSessions"

    def __init__(self, agent_id: int, limit: int) -> None:
        super().__init__(f"Agent {agent_id} is at capacity ({limit} sessions)")
        self.agent_id = agent_id
        self.limit = limit


class AgentStopped(Conflict):
    """Raised when a new session is requested for an agent whose deployment is stopped."""

    remedy = "deploy the agent again"

    def __init__(self, agent_id: int) -> None:
        super().__init__(f"Agent {agent_id} takes no sessions: its deployment is stopped")
        self.agent_id = agent_id


class VariablesUnchecked(Conflict):
    """Raised when a session is created without a check of the variables in its agent's texts."""

    remedy = "check that each variable has a value, and create the session again"

    def __init__(self, agent_id: int) -> None:
        super().__init__(f"Agent {agent_id} has variables that were not checked")
        self.agent_id = agent_id


class SessionOver(Conflict):
    """Raised when a session that is ended or failed would have to change; both states are final."""

    remedy = "create a new session"

    def __init__(self, session_id: str, status: str) -> None:
        super().__init__(f"Session {session_id} is over ({status})")
        self.session_id = session_id
        self.status = status


class RoomTaken(Conflict):
    """Raised when another session's agent is in the room; a room has one agent at a time."""

    remedy = "end the other session, or use another room"

    def __init__(self, room_name: str) -> None:
        super().__init__(f"Room {room_name} already has an agent of another session")
        self.room_name = room_name


class SessionHeld(Conflict):
    """Raised when another job holds the session's lease."""

    remedy = "leave the session to the job that holds it"

    def __init__(self, session_id: str) -> None:
        super().__init__(f"Session {session_id} is held by another job")
        self.session_id = session_id


class NoFreeWorker(Unavailable):
    """Raised when every worker is full and callers are not queued; `retry_after` is in seconds."""

    remedy = "start another worker, or set SESSION_WHEN_FULL=queue"

    def __init__(self, retry_after: int) -> None:
        super().__init__(f"All workers are full; try again in {retry_after} s")
        self.retry_after = retry_after


class StoreUnavailable(Unavailable):
    """Raised when the database cannot be reached or answers too late; nothing was acknowledged."""

    remedy = "check DATABASE_URL and that the database answers, then try again"


class LiveKitUnavailable(Unavailable):
    """Raised when the LiveKit server cannot be reached, or refused the request."""

    remedy = "check LIVEKIT_URL, LIVEKIT_API_KEY and LIVEKIT_API_SECRET, then try again"


class PlatformUnavailable(Unavailable):
    """Raised when the service cannot be used now, and no earlier answer is there."""

    remedy = "check PLATFORM_API_URL, PLATFORM_API_KEY and that the service answers, then try again"


class CannotStart(Unavailable):
    """Raised when the machine lacks what a process needs; the message names the setting that helps."""

    remedy = ""

    @classmethod
    def on(cls, host: str, port: int, error: OSError, *, what: str, settings: str) -> CannotStart:
        """`what` cannot listen on that address; `settings` names the variables of host and port."""
        # An address that cannot be resolved has a number of its own (gai_strerror(3)), below zero.
        number = error.errno or 0
        why = os.strerror(number) if number > 0 else error.strerror or str(error)
        return cls(
            f"{what} cannot listen on {host} port {port}: {why}; "
            f"set {settings} to an address that is ours and free"
        )
