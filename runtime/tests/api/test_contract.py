"""openapi.yaml and the code agree."""

from __future__ import annotations

import re
from typing import Any, cast

import pytest
from falcon.inspect import inspect_routes
from jsonschema import Draft202012Validator

from agent_runtime.api.app import AuthPolicy, create_app
from agent_runtime.api.resources.callers import CallerErasure
from agent_runtime.api.resources.prometheus import Overview
from agent_runtime.api.resources.webhooks import Webhooks
from agent_runtime.application.agent_runtime import AgentRuntime
from agent_runtime.livekit_api.webhooks import Webhook
from fixtures.runtime_client.api_contract import ApiContract, ContractBroken


def routes() -> set[str]:
    """Method and path of every route, in the contract's spelling."""

    async def overview() -> Overview:
        raise NotImplementedError

    webhooks = Webhooks(lambda *_: Webhook({}, is_repeated=False), int)
    app = create_app(
        cast("AgentRuntime", None),
        AuthPolicy(),
        webhooks=webhooks,
        callers=CallerErasure(cast("Any", None)),
        overview=overview,
    )
    found = set()
    for route in inspect_routes(app):
        path = re.sub(r"_([a-z])", lambda match: match[1].upper(), route.path)
        methods = {method.method for method in route.methods if not method.internal}
        found |= {f"{method} {path}" for method in methods - {"HEAD", "OPTIONS"}}
    return found


def test_routes_are_the_contracts_operations(contract: ApiContract) -> None:
    """Routes and the contract's operations are the same: twelve of the platform, four of our own."""
    assert routes() == set(contract.operations)
    assert len(contract.operations) == 16


def test_every_operation_documents_the_shape_of_errors(contract: ApiContract) -> None:
    """All documented failures have the shape {"error": ...}, except that of readiness."""
    for name, operation in contract.operations.items():
        for status, response in operation["responses"].items():
            if status >= "300" and (name, status) != ("GET /ready", "503"):
                text = str(response)
                assert "Error'" in text or "components/responses/" in text, f"{name} {status}"


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (418, "application/json; charset=utf-8", b"{}"),
        (200, "text/html; charset=utf-8", b'{"success":true}'),
        (200, "application/json; charset=utf-8", b'{"success":true,"more":1}'),
        (200, "application/json; charset=utf-8", b"{}"),
        (400, "application/json; charset=utf-8", b'{"title":"no"}'),
    ],
    ids=["status", "content type", "more", "less", "error"],
)
def test_a_response_that_breaks_the_contract_is_detected(
    contract: ApiContract, status: int, content_type: str, body: bytes
) -> None:
    """The check that all other tests use refuses a response that is not documented."""
    with pytest.raises(ContractBroken):
        contract.check("DELETE", "/api/agents/7", status, content_type, body)


def schemas(node: Any, path: str = "#") -> list[tuple[str, Any, list[Any]]]:
    """Every schema that has examples: its path, the schema, the examples."""
    found = []
    if isinstance(node, dict):
        if "schema" in node:
            examples = [node["example"]] if "example" in node else []
            named = node.get("examples", {})
            examples += [each["value"] for each in named.values() if "value" in each]
            found.append((path, node["schema"], examples))
        for key, value in node.items():
            found += schemas(value, f"{path}/{key}")
    return found


def test_examples_fit_their_schemas(contract: ApiContract) -> None:
    """Every example in the contract is valid by its schema."""
    checked = 0
    for path, schema, examples in schemas(contract.document):
        validator = Draft202012Validator({**schema, "components": contract.document["components"]})
        for example in examples:
            assert not list(validator.iter_errors(example)), f"{path}: {example}"
            checked += 1
    assert checked > 30
