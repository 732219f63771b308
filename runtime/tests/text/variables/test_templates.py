"""Templates use a bounded part of Jinja's language: values are data, and no template runs away."""

from __future__ import annotations

import time
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_runtime.text.variables.fill import fill, is_template, problem
from agent_runtime.text.variables.values import LONGEST, TemplateFault

VALUES: Final[dict[str, Any]] = {
    "participantName": "Ada",
    "blank": " ",
    "nothing": None,
    "trial": False,
    "agent_data": {
        "plan": "gold",
        "questions": [
            {"id": "a", "text": "How was it?", "type": "rating", "minimum": 1, "maximum": 5},
            {"id": "b", "text": "Why {{x}}?", "type": "open_text"},
        ],
    },
}
QUESTIONS: Final = """\
{% for q in agent_data.questions %}
{{ loop.index }}. {{ q.text }}{% if q.type == 'rating' %} ({{ q.minimum }} to {{ q.maximum }}){% endif %}

{% endfor %}
The end.
"""
MANY: Final = {"many": ["a" * 20] * 1000, "long": "b" * 2000}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello {{participant_name}}!", "Hello Ada!"),
        ('Hello {{ customer | default("there") }}!', "Hello there!"),
        ('Hello {{ blank | default("there") }}!', "Hello there!"),
        ('{{ nothing | default("x") }} {{ a.b.c | d("deep") }}', "x deep"),
        ("{{agentData.plan | upper}}, {{ agent_data.questions.1 is mapping }}", "GOLD, true"),
        ("{{ trial }} {{ agent_data.questions[0].maximum }}", "false 5"),
        (
            QUESTIONS,
            "1. How was it? (1 to 5)\n2. Why {{x}}?\nThe end.\n",
        ),
        ("{% if customer %}known{% else %}new{% endif %}", "new"),
        ("{{ 'a' if 'gold' in agent_data.plan else 'b' }}{{ 'c' if nobody }}", "a"),
        (
            "{% for k, v in agent_data | items if k != 'questions' %}{{k}}={{v}}{% endfor %}",
            "plan=gold",
        ),
        ("{{ ['b', 'a', 'a'] | unique | sort | join(', ') }}", "a, b"),
        ("no braces, {# no comment #}, {x}", "no braces, {# no comment #}, {x}"),
    ],
)
def test_a_template_is_filled(text: str, expected: str) -> None:
    """Names, defaults, members, loops, conditions and filters; a blank value counts as none."""
    filled = fill(text, VALUES)
    assert (filled.text, filled.missing) == (expected, ())


@pytest.mark.parametrize(
    ("text", "missing", "left"),
    [
        ("Hello {{customer}}, how are you?", ("customer",), "Hello, how are you?"),
        ("{{ customer | upper }}! {{a.b}}", ("customer", "a.b"), "!"),
        ("{{agent_data.seats}}", ("agent_data.seats",), ""),
        ("{% for x in orders %}{{x}}{% endfor %}.", ("orders",), "."),
        ("{{ a | default(b) }}", ("b",), ""),
        ("{{ blank }}{{ nothing }}", ("blank", "nothing"), ""),
    ],
)
def test_a_variable_that_nobody_fills_is_named(
    text: str, missing: tuple[str, ...], left: str
) -> None:
    """Names without value and default are listed, and left out with the space before them."""
    filled = fill(text, VALUES)
    assert (filled.missing, filled.text) == (missing, left)


def test_a_condition_on_a_missing_number_is_a_fault_that_names_it() -> None:
    """Nothing can be compared with a variable that has no value."""
    with pytest.raises(TemplateFault, match="'age' is undefined"):
        fill("{% if age > 18 %}adult{% endif %}", {})


def test_values_are_data() -> None:
    """Braces, line breaks and marks in a value are text; a value has one line of bounded length."""
    values = {"a": "{{b}}{% for x in y %}\n\nIgnore\x00all.\ue0ff", "b": "B", "c": "c" * 9000}
    assert fill("{{a}}", values).text == "{{b}}{% for x in y %} Ignore all."
    assert fill("{{c}}", values).text == "c" * LONGEST


@pytest.mark.parametrize(
    "text",
    [
        "{{ ''.__class__.__mro__[1].__subclasses__() }}",
        "{{ agent_data.__init__ }}",
        "{{ participantName|attr('__class__') }}",
        "{{ self.__init__.__globals__ }}",
        "{% for i in range(1000000000) %}x{% endfor %}",
        "{{ 'a' * 1000000000 }}",
        "{{ 10 ** 10 ** 10 }}",
        "{{ '%1000000000d' % 1 }}",
        "{{ 'x' | center(1000000000) }}",
        "{{ lipsum(100000) }}",
        "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
        "{% for a in many recursive %}{{ loop(many) }}{% endfor %}",
        "{% set x = 'aaaa' %}{% set x = x ~ x %}{{ x }}",
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}{{ os }}",
        "{% block a %}{% endblock %}",
        "{{ participantName.upper() }}",
        "{{ _values }}",
        "{{ x | join(*many) }}",
        "{{" + "(" * 5000 + "1" + ")" * 5000 + "}}",
        "{{ " + "not " * 5000 + "a }}",
        "{{ " + "9" * 6000 + " }}",
        "{{a}}" * 500,
        "x" * 200_000 + "{{a}}",
        "{% for a in m %}" * 9 + "{% endfor %}" * 9,
        "{{ customer name }}",
        "{{ {'a': 1} }}",
        "{{ unclosed",
    ],
)
def test_what_templates_may_not_use_makes_a_text_no_template(text: str) -> None:
    """Calls, arithmetic, assignments, macros and attributes are refused before anything runs, at once."""
    began = time.process_time()
    assert problem(text)
    assert not is_template(text)
    fill(text, {**VALUES, **MANY})
    assert time.process_time() - began < 1


@pytest.mark.parametrize("name", ["__class__", "keys", "items", "__len__", "format"])
def test_no_attribute_of_an_object_can_be_reached(name: str) -> None:
    """Members are those of the data alone, also where the name is a text."""
    assert fill(f"{{{{ agent_data['{name}'] }}}}", VALUES).missing == (f"agent_data.{name}",)
    assert fill(f"{{{{ participantName['{name}'] }}}}", VALUES).missing == (name,)


@pytest.mark.parametrize(
    "text",
    [
        "{% for a in many %}{% for b in many %}{% for c in many %}x{% endfor %}{% endfor %}{% endfor %}",
        "{% for a in many %}{{ many | sort | length }}{% endfor %}",
        "{% for a in many %}{% if 'zz' in many %}x{% endif %}{% endfor %}",
        "{% for a in many %}{{ many }}{% endfor %}",
        "{% for a in many %}{{ long }}{% endfor %}",
        "{{ many | join(long) }}",
        "{% for a in long %}x{% endfor %}",
    ],
)
def test_a_template_that_takes_too_long_is_stopped(text: str) -> None:
    """Nested loops, repeated sorting and long texts end with a fault after a bounded time."""
    assert is_template(text)
    began = time.process_time()
    with pytest.raises(TemplateFault):
        fill(text, MANY)
    assert time.process_time() - began < 1


def test_deep_and_odd_values_do_no_harm() -> None:
    """Values nested without end, and ones that are no JSON, are cut or become texts."""
    deep: Any = "bottom"
    for _ in range(5000):
        deep = {"a": deep}
    assert fill("{{ deep.a.a.b | default('none') }}", {"deep": deep}).text == "none"
    with pytest.raises(TemplateFault, match="cannot be filled"):
        fill("{{ x }}", {"x": 10**5000})
    assert fill("{{ x }}", {"x": b"bytes"}).text == "b'bytes'"


@given(st.text(alphabet="{}% ab.|'\"()[]#_-\n", max_size=60))
def test_any_text_is_filled_or_is_a_fault(text: str) -> None:
    """No text raises anything but TemplateFault."""
    try:
        fill(text, VALUES)
    except TemplateFault:
        assert is_template(text)
