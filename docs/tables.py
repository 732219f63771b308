"""Writes the tables of agents.md and providers.md that follow from the code: `python docs/tables.py`.

A table stands between the lines `<!-- table: NAME -->` and `<!-- end -->`. A test runs the same code and
fails when the page differs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Final

from agent_runtime.agents.fields import by_key, has_effect
from agent_runtime.agents.model import AgentConfig
from agent_runtime.agents.profiles import PACES
from agent_runtime.agents.sections import Profile, TurnOptions
from agent_runtime.providers.common.spec import Stage
from agent_runtime.providers.registry import available, specs

PAGE: Final = Path(__file__).with_name("agents.md")
_BLOCK: Final = re.compile(r"(<!-- table: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def keys() -> str:
    """The keys of a registered agent."""
    rows = [
        (
            f"`{key}`",
            field.description or "",
            "" if has_effect(field) else "nothing acts on it yet",
        )
        for key, field in by_key(AgentConfig).items()
    ]
    return _table(("key", "meaning", ""), rows)


def turns() -> str:
    """The keys of turnDetectionConfig, with the values of each profile."""
    names = {str(field.alias): name for name, field in TurnOptions.model_fields.items()}
    rows = [
        (f"`{key}`", field.description or "", *(_value(profile, names[key]) for profile in Profile))
        for key, field in by_key(TurnOptions).items()
    ]
    return _table(("key", "meaning", *(f"`{profile}`" for profile in Profile)), rows)


def providers() -> str:
    """The providers of each stage, the default first."""
    rows = [(stage.value, ", ".join(f"`{name}`" for name in available(stage))) for stage in Stage]
    return _table(("stage", "providers, the default first"), rows)


def catalogue() -> str:
    """Every provider with its stages, what installs it, and the variables of key and address."""
    rows = [
        (
            f"`{spec.name}`",
            ", ".join(stage.name for stage in Stage if stage in spec.stages),
            f"`[{spec.extra}]`" if spec.extra else "always there",
            f"`{spec.api_key.name}`",
            ", ".join(
                f"`{name}`"
                for name in dict.fromkeys(spec.address(stage).name for stage in spec.stages)
            ),
        )
        for spec in specs().values()
    ]
    return _table(("provider", "stages", "extra", "key", "address"), rows)


TABLES: Final[Mapping[str, Callable[[], str]]] = {
    "keys": keys,
    "turns": turns,
    "providers": providers,
}
# The page with the table of each provider's needs, and that table.
CATALOGUE_PAGE: Final = Path(__file__).with_name("providers.md")


def updated(page: str) -> str:
    """The page with every table as it is to be."""
    tables = {**TABLES, "catalogue": catalogue}
    return _BLOCK.sub(lambda found: f"{found[1]}{tables[found[2]]()}{found[3]}", page)


def _value(profile: Profile, name: str) -> str:
    value = getattr(PACES[profile], name, "")
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else f"{value}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (f"| {' | '.join(row)} |\n" for row in (head, ("---",) * len(head), *rows))
    return "".join(re.sub(r" +\|", " |", line) for line in lines)


if __name__ == "__main__":
    for path in (PAGE, CATALOGUE_PAGE):
        path.write_text(updated(path.read_text("utf-8")), "utf-8")
