"""What the gate takes from an openapi.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest

from contract.api.specification import Pair, Specification, own_paths
from contract.errors import BrokenInput

DOCUMENT = """
openapi: 3.1.0
paths:
  /books/{isbn}:
    parameters:
      - { name: isbn, in: path, required: true, schema: { type: string } }
      - { $ref: '#/components/parameters/since' }
    get:
      parameters: [{ name: page, in: query, schema: { type: integer } }]
      responses:
        '200': { content: { application/json: { schema: { $ref: '#/components/schemas/Book' } } } }
        '503': { $ref: '#/components/responses/Away' }
    delete:
      parameters:
        - { name: until, in: query, schema: { anyOf: [{ format: date }, { format: date-time }] } }
        - { name: at, in: header, schema: { format: date } }
      responses:
        '204': { description: Gone. }
  /books/new:
    post:
      requestBody:
        content: { application/json: { schema: { $ref: '#/components/schemas/Order' } } }
      responses:
        '200':
          content:
            application/json:
              schema:
                properties:
                  book:
                    properties:
                      id: { $ref: '#/components/schemas/BookId' }
                      printed: { format: date-time }
  /shelves:
    x-own: true
    get: { responses: { '200': { description: Ours alone. } } }
components:
  parameters:
    since: { name: since, in: query, schema: { $ref: '#/components/schemas/Day' } }
  responses:
    Away:
      x-reached-by: [database-away]
      content: { application/json: { schema: {} } }
  schemas:
    Day: { type: string, format: date }
    BookId: { type: string, pattern: '^b-[0-9]+$' }
    Order: { type: object, required: [title, copies] }
    Book: { type: object, properties: { title: { type: string }, lent: { format: date-time } } }
"""


@pytest.fixture
def spec(tmp_path: Path) -> Specification:
    """The document of the books, with BookId as the generated id."""
    return written(tmp_path, DOCUMENT)


def written(tmp_path: Path, text: str) -> Specification:
    """A document from a file."""
    path = tmp_path / "openapi.yaml"
    path.write_text(text)
    return Specification.load(path, "BookId")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("openapi: [", "cannot be read as YAML"),
        ("openapi: 2.0\npaths: {}", "is not an OpenAPI 3 document"),
        ("- openapi", "is not an OpenAPI 3 document"),
        ("openapi: 3.1.0\npaths: {}", "describes no operation"),
        ("openapi: 3.1.0", "is not a valid OpenAPI document: KeyError 'paths'"),
        ("openapi: 3.1.0\npaths: { /a: { get: {} } }", "KeyError 'responses'"),
        ("openapi: 3.1.0\npaths: { /a: { get: { responses: { ok: {} } } } }", "ValueError"),
        (DOCUMENT.replace("responses/Away'", "responses/None'"), "KeyError 'None'"),
        (DOCUMENT.replace("schemas/Day'", "schemas/Night'"), "KeyError 'Night'"),
    ],
)
def test_an_invalid_document_is_refused_with_its_place(
    tmp_path: Path, text: str, words: str
) -> None:
    """A document without operations or statuses, or with a dangling $ref, does not load."""
    with pytest.raises(BrokenInput, match=words):
        written(tmp_path, text)


def test_a_missing_document_is_refused(tmp_path: Path) -> None:
    """A path without a file is broken input, not an error of the gate itself."""
    with pytest.raises(BrokenInput, match="cannot be read"):
        Specification.load(tmp_path / "none.yaml")


def test_operations_are_those_of_both_services(spec: Specification, tmp_path: Path) -> None:
    """Operations keep the document's order; a path marked `x-own` is none that can be compared."""
    assert list(spec.operations) == ["GET /books/{isbn}", "DELETE /books/{isbn}", "POST /books/new"]
    assert own_paths(tmp_path / "openapi.yaml") == ["/shelves"]
    assert not spec.match("GET", "/shelves").known


def test_pairs_name_the_faults_that_bring_them_about(spec: Specification) -> None:
    """Each documented status is a pair, with the faults of its response, also behind a $ref."""
    assert Pair("GET /books/{isbn}", 503, ("database-away",)) in spec.pairs
    assert Pair("GET /books/{isbn}", 200, ()) in spec.pairs
    assert len(spec.pairs) == 4
    assert str(spec.pairs[0]) == "GET /books/{isbn} 200"


def test_a_response_without_content_has_no_body(spec: Specification) -> None:
    """Only a documented response without content may come without a body."""
    assert spec.without_body == {("DELETE /books/{isbn}", 204)}


def test_times_and_new_ids_are_typed_places(spec: Specification) -> None:
    """A date-time is a moment, the schema of the id a new id, at any depth and behind a $ref."""
    assert spec.typed_places["GET /books/{isbn}", 200] == {"/lent": "moment"}
    assert spec.typed_places["POST /books/new", 200] == {
        "/book/id": "new-id",
        "/book/printed": "moment",
    }
    assert spec.new_id_pointer("POST /books/new", 200) == "/book/id"
    assert spec.new_id_pointer("GET /books/{isbn}", 200) is None
    assert spec.new_id_pointer("GET /nothing", 200) is None


def test_without_an_id_schema_no_place_is_a_new_id(tmp_path: Path) -> None:
    """An API that generates no ids has moments alone."""
    spec = written(tmp_path, DOCUMENT)
    plain = Specification(spec.document)
    assert plain.new_id_pointer("POST /books/new", 200) is None
    assert plain.typed_places["POST /books/new", 200] == {"/book/printed": "moment"}


def test_date_parameters_are_dates_of_the_query(spec: Specification) -> None:
    """Dates of a path, of an operation, behind a $ref and in anyOf count; a header does not."""
    assert spec.date_parameters == ("since", "until")


def test_required_keys_are_those_of_the_json_body(spec: Specification) -> None:
    """The keys come from the body's schema; an operation without a body has none."""
    assert spec.required_keys("POST /books/new") == {"title", "copies"}
    assert spec.required_keys("GET /books/{isbn}") == frozenset()
    assert spec.required_keys("GET /nothing") == frozenset()


@pytest.mark.parametrize(
    ("path", "name", "values"),
    [
        ("/books/7", "GET /books/{isbn}", {"isbn": "7"}),
        ("/books/7/", "GET /books/{isbn}", {"isbn": "7"}),
        ("/books/a%20b", "GET /books/{isbn}", {"isbn": "a b"}),
        ("/b%6Foks/7", "GET /books/{isbn}", {"isbn": "7"}),
        ("/books/a%2Fb", "GET /books/{isbn}", {"isbn": "a/b"}),
        ("/books/new", "GET /books/new", {}),
        ("/books/a/b", "GET (unknown path)", {}),
        ("/books/7//", "GET (unknown path)", {}),
        ("/Books/7", "GET (unknown path)", {}),
        ("/", "GET (unknown path)", {}),
    ],
)
def test_a_path_is_matched_after_decoding(
    spec: Specification, path: str, name: str, values: dict[str, str]
) -> None:
    """A literal path wins over a template, an encoded slash parts nothing, one last slash is free."""
    found = spec.match("GET", path)
    assert (found.name, found.path) == (name, values)


def test_a_match_lists_the_methods_of_its_path(spec: Specification) -> None:
    """HEAD stands beside GET alone; an unknown method is not known, an unknown path has no methods."""
    get = spec.match("GET", "/books/7")
    assert (get.known, get.allow) == (True, ("DELETE", "GET", "HEAD"))
    put = spec.match("PUT", "/books/7")
    assert (put.known, put.allow) == (False, get.allow)
    assert spec.match("POST", "/books/new").allow == ("POST",)
    assert spec.match("GET", "/none").allow == ()


def test_values_are_judged_by_the_schemas(spec: Specification) -> None:
    """A value is valid or not by the named schema of the components."""
    assert spec.is_valid("BookId", "b-12")
    assert not spec.is_valid("BookId", "12")
    assert spec.is_valid("Order", {"title": "x", "copies": 1})
    assert not spec.is_valid("Order", {"title": "x"})


def test_dates_of_a_path_count_for_its_operations() -> None:
    """Parameters of the path are the operation's; another operation takes none."""
    spec = Specification.load(Path(__file__).parents[3] / "openapi.yaml")
    assert spec.dates_of("GET /api/metrics/agent/{agentId}") == ("startDate", "endDate")
    assert spec.dates_of("GET /health") == ()
