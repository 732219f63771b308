"""The judgement of licences, without an installation."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from supply_chain import licences_of, refused

RULES = {"licences": ["MIT", "Apache-2.0", "BSD License"], "packages": {"odd": "why"}}


@pytest.mark.parametrize(
    ("stated", "allowed"),
    [
        ({"MIT"}, True),
        ({"GPL-3.0-only"}, False),
        ({"MIT OR GPL-3.0-only"}, True),
        ({"MIT AND GPL-3.0-only"}, False),
        ({"MIT AND (GPL-3.0-only OR Apache-2.0)"}, True),
        ({"MIT AND (GPL-3.0-only OR LGPL-3.0-only)"}, False),
        ({"Apache-2.0 WITH something"}, False),
        ({"GPL-3.0-only", "MIT"}, False),
        (set(), False),
        ({"BSD License"}, True),
    ],
)
def test_an_expression_is_judged(stated: set[str], allowed: bool) -> None:
    """Every part of an AND must be allowed, one of an OR, and each that is stated; none is refused."""
    problems = list(refused({"odd": set(), "one": stated}, RULES))
    assert (problems == []) is allowed


def test_an_exception_that_is_not_needed_is_reported() -> None:
    """An exception for a package that is gone must go, too."""
    assert list(refused({"one": {"MIT"}}, RULES)) == [
        "odd: exception for a package that is not installed"
    ]


def test_spdx_comes_before_words() -> None:
    """Where metadata hold an SPDX id, their older words do not count."""
    component = {
        "licenses": [
            {"license": {"id": "MIT"}},
            {"license": {"name": "License :: OSI Approved :: GNU General Public License"}},
        ]
    }
    assert licences_of(component) == {"MIT"}
    assert licences_of(
        {"licenses": [{"license": {"name": "License :: OSI Approved :: BSD License"}}]}
    ) == {"BSD License"}
