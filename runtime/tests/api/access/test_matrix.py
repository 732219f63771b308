"""Every operation of openapi.yaml with every sort of key, on both databases."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

import pytest

from agent_runtime.api.http.auth.operations import OPERATIONS
from agent_runtime.domain.access.keys import ALL_SCOPES, OF_ALL_TENANTS, PREFIX, Scope
from fixtures.runtime_client.api_contract import ApiContract
from fixtures.runtime_client.judged_api import Answer, JudgedApi
from runtime.tests.api.conftest import CONTRACT

from .keyring import DAY, make_key

OPEN_API: Final = ApiContract.load(CONTRACT)
KEYED: Final = [name for name, one in OPEN_API.operations.items() if "x-scope" in one]
TENANT, OTHER = 1, 2


class Keys:
    """A key of each sort, by its name."""

    def __init__(self, url: str) -> None:
        self._by_scope = {
            scope: make_key(url, f"all-but-{scope.replace(':', '-')}", scopes=ALL_SCOPES - {scope})[
                0
            ]
            for scope in Scope
        }
        self.of = {
            "none": "",
            "wrong": f"{PREFIX}_{'0' * 8}_{'0' * 49}",
            "expired": make_key(url, "expired", age=2 * DAY, expires=DAY)[0],
            "revoked": make_key(url, "revoked", revoked=True)[0],
            "other tenant": make_key(url, "other-tenant", tenant=OTHER)[0],
            "tenant": make_key(url, "tenant", tenant=TENANT)[0],
            "all": make_key(url, "all")[0],
        }
        good = self.of["all"]
        self.of["altered"] = good[:-8] + ("0" if good[-8] != "0" else "1") + good[-7:]

    def without(self, scope: str) -> str:
        """The key that has every scope but this one."""
        return self._by_scope[Scope(scope)]

    def only(self, url: str, scope: str) -> str:
        """A new key with nothing but this scope."""
        return make_key(url, f"only-{scope.replace(':', '-')}", scopes={Scope(scope)})[0]


@pytest.fixture(scope="module")
def keys(keyed_api: JudgedApi, database: str) -> Keys:
    """The keys, made while the API runs."""
    assert keyed_api.process is not None
    return Keys(database)


def send(api: JudgedApi, name: str, key: str, agent_id: int, session_id: str) -> Answer:
    """Request an operation as openapi.yaml has it, about this agent of TENANT and its session."""
    method, template = name.split()
    values = {"agentId": agent_id, "tenantId": TENANT, "sessionId": session_id}
    path = re.sub(r"\{(\w+)\}", lambda match: str(values.get(match[1], "x")), template)
    body = example(OPEN_API.operations[name], values)
    return api.send(method, path, body, headers={"Authorization": f"Bearer {key}" if key else ""})


def example(operation: dict[str, Any] | Any, values: dict[str, Any]) -> dict[str, Any] | None:
    """The operation's first example of a body, with these ids."""
    if "requestBody" not in operation:
        return None
    (content,) = operation["requestBody"]["content"].values()
    given = content.get("example") or next(iter(content["examples"].values()))["value"]
    return {**given, **{key: values[key] for key in values if key in given}, **own_room(given)}


def own_room(given: dict[str, Any]) -> dict[str, str]:
    """An empty name of a room, where the example names one."""
    return {"roomName": ""} if "roomName" in given else {}


def is_about_nothing_named(name: str) -> bool:
    """Whether a request of this operation names no agent, session or tenant."""
    return "{" not in name and "requestBody" not in OPEN_API.operations[name]


def is_intact(api: JudgedApi, agent_id: int, session_id: str) -> bool:
    """Whether the agent is registered, with one session, which lives."""
    status = api.send("GET", f"/api/agents/{agent_id}").json
    session = api.send("GET", f"/api/sessions/{session_id}").json
    return (status["registered"], status["activeSessions"], session.get("endedAt")) == (
        True,
        1,
        None,
    )


def test_code_and_contract_name_the_same_scopes(contract: ApiContract) -> None:
    """Each operation has the same id and scope in both; one without a scope has security of its own."""
    coded = {
        f"{method} {re.sub(r'_([a-z])', lambda found: found[1].upper(), path)}": (one.id, one.scope)
        for (method, path), one in OPERATIONS.items()
    }
    stated = {
        name: (one["operationId"], one.get("x-scope")) for name, one in contract.operations.items()
    }
    assert coded == stated
    for name, one in contract.operations.items():
        assert ("x-scope" in one) != ("security" in one), f"{name}: x-scope, or security of its own"


def test_every_status_of_keys_is_documented(contract: ApiContract) -> None:
    """Each operation with a scope documents 401 and 403."""
    for name in KEYED:
        assert {"401", "403"} <= set(contract.operations[name]["responses"]), name


@pytest.mark.parametrize("name", KEYED)
def test_no_key_and_invalid_keys_are_401(keyed_api: JudgedApi, keys: Keys, name: str) -> None:
    """Without a valid key each operation is 401 in the known words, and changes nothing."""
    agent_id, session_id = keyed_api.new_session()
    for sort in ("none", "wrong", "altered", "expired", "revoked"):
        answer = send(keyed_api, name, keys.of[sort], agent_id, session_id)
        assert (answer.status, answer.error) == (401, "Unauthorized"), sort
        assert answer.headers["www-authenticate"] == "Bearer"
    assert is_intact(keyed_api, agent_id, session_id)


@pytest.mark.parametrize("name", KEYED)
def test_a_missing_scope_is_403_and_named(keyed_api: JudgedApi, keys: Keys, name: str) -> None:
    """A key with every scope but the operation's is 403, which names the scope, and changes nothing."""
    agent_id, session_id = keyed_api.new_session()
    scope = OPEN_API.operations[name]["x-scope"]
    answer = send(keyed_api, name, keys.without(scope), agent_id, session_id)
    assert (answer.status, answer.error) == (403, f"This key lacks the scope {scope}")
    assert f'scope="{scope}"' in answer.headers["www-authenticate"]
    assert is_intact(keyed_api, agent_id, session_id)


@pytest.mark.parametrize("name", KEYED)
def test_the_scope_alone_is_enough(
    keyed_api: JudgedApi, keys: Keys, database: str, name: str
) -> None:
    """The operation's scope alone is enough, and so are the tenant's key and the platform's."""
    scope = OPEN_API.operations[name]["x-scope"]
    allowed = [keyed_api.key, keys.of["all"], make_key_once(keys, database, scope)]
    if scope not in OF_ALL_TENANTS:
        allowed.append(keys.of["tenant"])
    for key in allowed:
        agent_id, session_id = keyed_api.new_session()
        assert send(keyed_api, name, key, agent_id, session_id).status == 200


def make_key_once(keys: Keys, database: str, scope: str) -> str:
    """The key that has only this scope."""
    if scope not in keys.of:
        keys.of[scope] = keys.only(database, scope)
    return keys.of[scope]


@pytest.mark.parametrize("name", KEYED)
def test_another_tenants_key_is_refused(keyed_api: JudgedApi, keys: Keys, name: str) -> None:
    """With another tenant's key each operation is 403 or 404, or a list of that tenant's things only."""
    agent_id, session_id = keyed_api.new_session()
    answer = send(keyed_api, name, keys.of["other tenant"], agent_id, session_id)
    if is_about_nothing_named(name) and answer.status == 200:
        assert agent_id not in answer.json.get("agents", ())
    else:
        assert answer.status in (403, 404), answer.body
        assert str(TENANT) not in re.sub(r"(Agent|Session) \S+", "", answer.error)
    assert is_intact(keyed_api, agent_id, session_id)


@pytest.mark.parametrize("name", KEYED)
def test_what_is_not_the_tenants_looks_like_nothing(
    keyed_api: JudgedApi, keys: Keys, name: str
) -> None:
    """A tenant's key gets the same answer for another tenant's agents and sessions as for ids of nobody."""
    _, template = name.split()
    if "{agentId}" not in template and "{sessionId}" not in template:
        return
    agent_id, session_id = keyed_api.new_session()
    nobody = 1_000_000_000 + agent_id, session_id[::-1]
    found = send(keyed_api, name, keys.of["other tenant"], agent_id, session_id)
    missing = send(keyed_api, name, keys.of["other tenant"], *nobody)
    assert found.status == missing.status == 404
    words = found.error.replace(str(agent_id), "?").replace(session_id, "?")
    assert words == missing.error.replace(str(nobody[0]), "?").replace(nobody[1], "?")


def others() -> Iterator[str]:
    """The operations that need no key of ours."""
    return (name for name in OPEN_API.operations if name not in KEYED)


@pytest.mark.parametrize("name", list(others()))
def test_operations_without_scope_need_no_key(keyed_api: JudgedApi, keys: Keys, name: str) -> None:
    """Probes and LiveKit's webhook answer alike with any key and with none."""
    answers = {
        send(keyed_api, name, keys.of[sort], 1, "x").status
        for sort in ("none", "wrong", "expired", "other tenant", "all")
    }
    assert len(answers) == 1
    assert answers <= {200, 401 if name == "POST /livekit/webhook" else 200}


@pytest.mark.parametrize("name", [name for name in KEYED if name.startswith("GET ")])
def test_head_needs_the_scope_of_get(keyed_api: JudgedApi, keys: Keys, name: str) -> None:
    """HEAD is no way around a scope or a tenant."""
    agent_id, session_id = keyed_api.new_session()
    path = name.split()[1].format(agentId=agent_id, tenantId=TENANT, sessionId=session_id)
    key = keys.without(OPEN_API.operations[name]["x-scope"])
    assert keyed_api.send("HEAD", path, headers={"Authorization": key}).status == 403
    if not is_about_nothing_named(name):
        headers = {"Authorization": keys.of["other tenant"]}
        assert keyed_api.send("HEAD", path, headers=headers).status in (403, 404)
