"""Bodies as documents."""

from __future__ import annotations

import pytest

from contract.http.messages import Answer
from contract.values.documents import Kind, Number, dump, parse, parse_json, plain, typed


def answer(body: bytes, content_type: str | None = "application/json") -> Answer:
    """An answer with this body."""
    return Answer(200, () if content_type is None else (("Content-Type", content_type),), body)


@pytest.mark.parametrize(
    ("content_type", "body", "kind"),
    [
        ("application/json", b"{}", Kind.JSON),
        ("Application/JSON; charset=utf-8", b"[]", Kind.JSON),
        ("application/problem+json", b"null", Kind.JSON),
        ("application/json", b"{", Kind.TEXT),
        ("application/json", b'{"a":NaN}', Kind.TEXT),
        ("application/json", b'{"a":1,"a":1}', Kind.TEXT),
        ("application/json", b"[" * 100_000, Kind.TEXT),
        ("text/html; charset=utf-8", b"<p>", Kind.HTML),
        ("text/plain", b"{}", Kind.TEXT),
        (None, b"{}", Kind.TEXT),
        ("application/json", b"", Kind.EMPTY),
    ],
)
def test_kind_follows_from_type_and_bytes(
    content_type: str | None, body: bytes, kind: Kind
) -> None:
    """Only valid JSON of a JSON type is JSON; duplicate keys, NaN and endless nesting are not."""
    assert parse(answer(body, content_type)).kind is kind


@pytest.mark.parametrize(
    ("body", "compact"),
    [('{"a":"b c\\" d"}', True), ('{"a": 1}', False), ('{"a":1}\n', False), ('"\\\\"', True)],
)
def test_white_space_between_parts_is_not_compact(body: str, compact: bool) -> None:
    """White space counts outside of texts alone."""
    assert parse(answer(body.encode())).compact is compact


@pytest.mark.parametrize("lexeme", ["1", "1.0", "1e0", "-0", "1e999", "12345678901234567890"])
def test_numbers_keep_their_form(lexeme: str) -> None:
    """A number is its text, so 1 and 1.0 differ, and no precision is lost."""
    value = parse_json(lexeme)
    assert value == Number(lexeme)
    assert dump(value) == lexeme


def test_a_duplicate_key_may_be_allowed() -> None:
    """With `keys_twice` the last of two equal keys counts, as in Node.js."""
    assert parse_json('{"a":1,"a":2}', keys_twice=True) == {"a": Number("2")}
    with pytest.raises(ValueError, match="twice"):
        parse_json('{"a":1,"a":2}')


def test_plain_and_typed_are_each_others_reverse() -> None:
    """Python's values become typed ones and back, in depth, and booleans are no numbers."""
    value = {"a": [1, 2.5, True, None, "x"], "b": {}}
    assert plain(typed(value)) == value
    assert typed(True) is True
    assert plain(parse_json('{"a":[1,2.5]}')) == {"a": [1, 2.5]}


def test_dump_writes_as_json_stringify() -> None:
    """Compact, other alphabets as they are, half surrogates as escapes."""
    text = '{"ключ":["\\ud800","a\\"b",1.50,null,false]}'
    assert dump(parse_json(text)) == text


def test_dump_writes_pythons_numbers_as_numbers() -> None:
    """A number of Python's is a JSON number, not a text, so a changed answer has the wanted type."""
    assert dump({"a": [1, 2.5, True]}) == '{"a":[1,2.5,true]}'
