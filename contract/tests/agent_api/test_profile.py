"""The profile of the agent API against openapi.yaml, so that neither drifts from the other."""

from __future__ import annotations

import re

from contract.agent_api.model.state import MAX_ID, MAX_TEXT
from contract.agent_api.model.truth import _BY_OPERATION
from contract.agent_api.profile import PROFILE
from contract.api.api import Api
from contract.corpus.frozen import load


def test_limits_are_those_of_the_schemas(api: Api) -> None:
    """The largest id and the longest text are those of openapi.yaml."""
    schemas = api.spec.document["components"]["schemas"]
    assert schemas["Id"]["maximum"] == MAX_ID
    assert schemas["Text"]["maxLength"] == MAX_TEXT


def test_ids_are_those_of_the_schema(api: Api) -> None:
    """The pattern that finds ids in requests is the pattern of the named schema."""
    pattern = api.spec.document["components"]["schemas"][PROFILE.ids.schema]["pattern"]
    assert pattern == f"^{PROFILE.ids.pattern}$"
    pointer = api.spec.new_id_pointer("POST /api/sessions/create", 200)
    assert pointer == "/session/sessionId"


def test_guarded_paths_are_those_with_security(api: Api) -> None:
    """An operation needs the key exactly where openapi.yaml documents a 401 for it."""
    for name, operation in api.spec.operations.items():
        assert PROFILE.is_guarded(name.split(" ")[1]) == ("401" in operation["responses"]), name


def test_faults_are_those_of_the_document(api: Api) -> None:
    """Each fault that a documented status needs can be brought about, and no other is known."""
    assert {fault for pair in api.spec.pairs for fault in pair.faults} == set(PROFILE.faults)


def test_there_is_an_example_and_a_truth_for_every_operation(api: Api) -> None:
    """The recorder has a valid request of each of the twelve operations, the model its success."""
    matched = {
        api.spec.match(e.method, e.target.format("x", "x", "x")).name
        for e in PROFILE.examples.valid
    }
    assert matched == set(api.spec.operations) == set(_BY_OPERATION)
    assert len(matched) == 12


def test_dates_come_from_the_document(api: Api) -> None:
    """The date parameters are those of openapi.yaml, in its order."""
    assert api.spec.date_parameters == ("startDate", "endDate")


def test_the_corpus_uses_the_profiles_examples() -> None:
    """The frozen corpus holds the variants of each example, so a new example needs a new record."""
    sources = {step.source for step in load(PROFILE.files.corpus).steps}
    for example in PROFILE.examples.valid:
        assert f"mutator/{example.name}/valid" in sources


def test_generic_packages_do_not_name_the_agent_api() -> None:
    """Outside of `agent_api` no module names an operation's path or a field of the agent API."""
    own = re.compile(r"/api/|agentId|tenantId|sessionId|roomName")
    folder = PROFILE.files.ledger.parents[1]
    named = {
        str(path.relative_to(folder))
        for path in folder.rglob("*.py")
        if not {"agent_api", "tests"} & set(path.relative_to(folder).parts)
        and own.search(path.read_text("utf-8"))
    }
    assert named == set()
