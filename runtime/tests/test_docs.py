"""README, CONTRIBUTING, CHANGELOG and docs: their links, paths, commands and settings exist."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import pytest

from agent_runtime.cli.main import main
from agent_runtime.settings import Settings

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
CHANGELOG: Final = ROOT / "CHANGELOG.md"
INDEX: Final = ROOT / "docs/README.md"
PAGES: Final = (
    README,
    CHANGELOG,
    ROOT / "CONTRIBUTING.md",
    ROOT / "SECURITY.md",
    *sorted((ROOT / "docs").rglob("*.md")),
)
SOURCES: Final = ("runtime", "fixtures", "contract", "e2e", "load")
# Characters of a line of docs, so that two pages fit beside each other.
LONGEST_LINE: Final = 120
# Lines of the README: more is not read by somebody who only wants to know what this is.
LONGEST_README: Final = 120
# Variables of the programs that we start; we do not read them.
NOT_OURS: Final = {"RUST_LOG", "LIVEKIT_RTC_DEBUG", "TOKIO_WORKER_THREADS"}
# The vendor whose folder docs/howto/add-a-provider.md makes up.
MADE_UP: Final = "example"

LINK: Final = re.compile(r"\]\(([^)\s]+)\)")
CODE: Final = re.compile(r"`([^`\n]+)`")
COMMAND: Final = re.compile(r"(?:^|`|&& )agent-runtime ([^`\n#&;]+)", re.MULTILINE)
VARIABLE: Final = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")
HEADING: Final = re.compile(r"^#+ (.+)$", re.MULTILINE)
FILE: Final = re.compile(
    r"[\w.-]+(?:/[\w.-]+)+\.(?:ini|json|md|py|sh|sql|toml|txt|yaml)|[\w-]+\.py"
)


def pages(*, but: Path | None = None) -> list[object]:
    """Every page but one, each a test of its own."""
    return [pytest.param(page, id=page.name) for page in PAGES if page != but]


def anchors(page: Path) -> set[str]:
    """The fragments that GitHub makes of the page's headings."""
    titles = (title.lower() for title in HEADING.findall(page.read_text()))
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


@cache
def sources() -> dict[Path, str]:
    """The text of every Python file of the checkout but this one, by path."""
    paths = (path for folder in SOURCES for path in (ROOT / folder).rglob("*.py"))
    return {path: path.read_text() for path in paths if path != Path(__file__)}


def broken_links(page: Path) -> Iterator[str]:
    """The page's relative links that lead to no file, or to no heading of it."""
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            yield link


@pytest.mark.parametrize("page", pages())
def test_relative_links_resolve(page: Path) -> None:
    """Every relative link leads to a file of the checkout, every fragment to a heading of that file."""
    assert list(broken_links(page)) == []


def test_every_risk_has_a_promise_and_its_tests() -> None:
    """docs/security.md maps each of OWASP's ten risks to tests, and every file that it names exists."""
    page = (ROOT / "docs/security.md").read_text()
    promises = re.split(r"\n(?=- )", page.partition("\n## ")[0])[1:]
    for number in range(1, 11):
        assert [one for one in promises if one.startswith(f"- **API{number}: ")], number
    for promise in promises:
        files = re.findall(r"`([^`]+/test_\w+\.py)`", promise)
        assert files, promise
        for file in files:
            assert "def test_" in (ROOT / file).read_text(), file


def test_actions_are_pinned_by_commit() -> None:
    """Every action in a workflow file is named by a commit: a tag can be moved to other code."""
    workflows = [*(ROOT / "docs/ci").glob("*.yaml"), *(ROOT / ".github").rglob("*.y*ml")]
    used = [
        line.strip()
        for path in workflows
        for line in path.read_text().splitlines()
        if re.match(r"\s*(- )?uses:", line)
    ]
    assert used
    assert [one for one in used if not re.search(r"@[0-9a-f]{40} # v\d", one)] == []


@pytest.mark.parametrize("page", pages())
def test_lines_are_short(page: Path) -> None:
    """No line of a page has more than 120 characters, tables and code included."""
    long = {
        number: line
        for number, line in enumerate(page.read_text().splitlines(), 1)
        if len(line) > LONGEST_LINE
    }
    assert long == {}


def test_readme_is_short() -> None:
    """The README has at most 120 lines; the rest is linked."""
    assert len(README.read_text().splitlines()) <= LONGEST_README


def test_every_page_is_in_the_index() -> None:
    """docs/README.md links to every page below docs."""
    linked = {(INDEX.parent / link).resolve() for link in LINK.findall(INDEX.read_text())}
    assert [page.name for page in PAGES if INDEX.parent in page.parents] == [
        page.name
        for page in PAGES
        if INDEX.parent in page.parents and (page in linked or page == INDEX)
    ]


@pytest.mark.parametrize("page", pages(but=CHANGELOG))
def test_files_that_are_named_exist(page: Path) -> None:
    """A file's path in code marks exists: from the root, the page, or the package; a bare .py anywhere."""
    bases = (ROOT, page.parent, ROOT / "runtime/agent_runtime")
    names = {path.name for path in sources()} | {Path(__file__).name}
    missing = [
        name
        for name in CODE.findall(page.read_text())
        if FILE.fullmatch(name) and not name.startswith("reports/") and MADE_UP not in name
        if not any((base / name).exists() for base in bases) and name not in names
    ]
    assert missing == []


@pytest.mark.parametrize("page", pages(but=CHANGELOG))
def test_commands_that_are_named_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The parser takes each `agent-runtime ...` of a page, and has its options."""
    for command in COMMAND.findall(page.read_text()):
        words = command.split()
        with pytest.raises(SystemExit) as ended:
            main([*words, "--help"])
        told = capsys.readouterr()
        assert ended.value.code == 0, f"agent-runtime {command}: {told.err}"
        for option in (word for word in words if word.startswith("--")):
            assert option in told.out, command


@pytest.mark.parametrize("page", pages(but=CHANGELOG))
def test_variables_that_are_named_exist(page: Path) -> None:
    """Each environment variable of a page is a setting, or one that a program of the checkout reads."""
    settings = set(Settings.load({}).variables())
    text = "".join(sources().values()) + (ROOT / "tox.ini").read_text()
    unknown = {
        name
        for name in VARIABLE.findall(page.read_text())
        if name not in settings | NOT_OURS
        if MADE_UP not in name.lower() and not re.search(rf"\b{name}\b", text)
    }
    assert unknown == set()
