"""Clusters: findings with one cause come together, others stay apart."""

from __future__ import annotations

from contract.judge.clusters import Finding, clusters
from contract.judge.compare import Difference


def finding(
    step: int,
    kind: str,
    at: str,
    values: tuple[str, str] = ("a", "b"),
    *,
    operation: str = "GET /a",
    statuses: tuple[int, int] = (200, 200),
) -> Finding:
    """A finding."""
    return Finding(step, operation, statuses, Difference(kind, at, *values))


def titles(*findings: Finding) -> list[str]:
    """The titles of all clusters."""
    return [cluster.title for cluster in clusters(findings)]


def test_the_same_place_is_one_cluster() -> None:
    """One kind of difference at one place of one operation is one cause."""
    assert titles(finding(1, "type", "body /x"), finding(2, "type", "body /x")) == [
        "GET /a: another JSON type at body /x: b instead of a (step 1)"
    ]


def test_several_operations_share_a_cause() -> None:
    """A place that differs in several operations is one cluster; its title counts them."""
    found = titles(
        finding(1, "header missing", "header etag"),
        finding(2, "header missing", "header etag", operation="GET /b"),
    )
    title = "GET /a and 1 other operation: header missing at header etag: b instead of a (step 1)"
    assert found == [title]


def test_consequences_join_their_cause() -> None:
    """With another status the body differs too: one cluster, with the status first."""
    found = clusters(
        [
            finding(1, "status", "status", ("200", "404"), statuses=(200, 404)),
            finding(1, "missing", "body /x", statuses=(200, 404)),
        ]
    )
    assert [cluster.title for cluster in found] == ["GET /a: status 404 instead of 200 (step 1)"]
    assert len(found[0].findings) == 2
    assert found[0].first.difference.kind == "status"


def test_a_header_with_a_cause_of_its_own_stays_apart() -> None:
    """A header that differs also where the status agrees is no consequence of the status."""
    found = titles(
        finding(1, "status", "status", ("200", "404"), statuses=(200, 404)),
        finding(1, "header extra", "header x", statuses=(200, 404)),
        finding(2, "header extra", "header x"),
    )
    assert len(found) == 2


def test_refusals_are_one_cause() -> None:
    """400, 413, 415, 422 and 431 in place of a success are one cluster, other statuses their own."""
    found = titles(
        finding(1, "status", "status", ("200", "400"), statuses=(200, 400)),
        finding(2, "status", "status", ("200", "422"), statuses=(200, 422)),
        finding(3, "status", "status", ("200", "500"), statuses=(200, 500)),
    )
    assert sorted(found) == [
        "GET /a: status 400 instead of 200 (step 1)",
        "GET /a: status 500 instead of 200 (step 3)",
    ]


def test_numbers_and_flags_of_a_body_are_one_cause() -> None:
    """One wrong state shows in many numbers and flags."""
    found = titles(
        finding(1, "value", "body /count", ("1", "2")),
        finding(1, "value", "body /active", ("true", "false")),
        finding(2, "value", "body /limit", ("-1.5", "3")),
    )
    assert found == ["GET /a: another value at body /count: 2 instead of 1 (step 1)"]


def test_texts_are_causes_by_their_place() -> None:
    """Two texts that differ in different steps are two clusters."""
    assert len(titles(finding(1, "value", "body /a"), finding(2, "value", "body /b"))) == 2


def test_list_indexes_do_not_part_clusters() -> None:
    """The same key in every item of a list is one place."""
    assert len(titles(finding(1, "type", "body /0/x"), finding(2, "type", "body /12/x"))) == 1


def test_the_smaller_group_joins_the_larger_one() -> None:
    """A place that differs only together with a more frequent one belongs to it."""
    found = clusters(
        [
            finding(1, "missing", "body /a"),
            finding(2, "missing", "body /a"),
            finding(2, "missing", "body /b"),
        ]
    )
    assert [(c.at, len(c.findings)) for c in found] == [("body /a", 3)]


def test_kinds_of_body_part_clusters() -> None:
    """Nothing in place of JSON is another cause than HTML in place of JSON."""
    found = titles(
        finding(1, "body kind", "body", ("json {}", "empty")),
        finding(2, "body kind", "body", ("json {}", "html <p>")),
        finding(3, "body kind", "body", ("json {}", "null null")),
    )
    assert len(found) == 2


def test_fingerprints_are_stable_and_large_clusters_come_first() -> None:
    """A fingerprint depends on the cause, not on how often or where it showed."""
    one = clusters([finding(1, "type", "body /x")])
    many = clusters([finding(n, "type", "body /x") for n in range(5, 9)])
    assert one[0].fingerprint == many[0].fingerprint
    both = clusters([finding(1, "order", "body /y"), *many[0].findings])
    assert [len(cluster.findings) for cluster in both] == [4, 1]
