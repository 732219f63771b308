"""The servers and the stack that all stories share; a story that kills a process starts its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path
from typing import Final

import pytest

from e2e.testbed.stacks import StartStack, running_stack
from e2e.testbed.testbed import Testbed, open_testbed
from fixtures.providers.process import stand_in_process
from fixtures.pytest_hooks.logged_warnings import LOGGED_WARNINGS
from fixtures.pytest_hooks.machine_stalls import MACHINE_STALLS, in_real_time
from fixtures.pytest_hooks.sigterm import pytest_sessionstart  # noqa: F401 - a hook
from fixtures.servers import LiveKitServer, PostgresServer, livekit_server, postgres_server
from fixtures.speech import Recogniser
from fixtures.speech.sentences import every_sentence
from fixtures.stack import Stack

HERE: Final = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all stories: their callers speak and listen in real time."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(in_real_time)


def pytest_runtest_setup() -> None:
    """Ignore stalls and warnings from before this story."""
    MACHINE_STALLS.test_begins()
    LOGGED_WARNINGS.test_begins()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    call: pytest.CallInfo[None],
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the warnings of the processes and the machine's stalls to the report of a failed story."""
    report = yield
    if call.when == "call" and report.failed:
        report.sections += [*LOGGED_WARNINGS.sections(), ("the machine", str(MACHINE_STALLS))]
    return report


@pytest.fixture(scope="session", autouse=True)
def machine_stalls() -> Iterator[None]:
    """Measures whether the machine stands still."""
    with MACHINE_STALLS.watched():
        yield


@pytest.fixture(scope="session")
def livekit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKitServer]:
    """A LiveKit server."""
    with livekit_server(tmp_path_factory.mktemp("livekit")) as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def providers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of the provider stand-ins, which run in their own process."""
    with stand_in_process(tmp_path_factory.mktemp("providers")) as url:
        yield url


@pytest.fixture(scope="session")
def start_stack_on(providers: str, tmp_path_factory: pytest.TempPathFactory) -> StartStack:
    """Starts API and worker on a new database of a server; `environ` overrides their variables."""

    def start(
        postgres: PostgresServer, livekit: LiveKitServer, **environ: str
    ) -> AbstractContextManager[Stack]:
        return running_stack(
            postgres, livekit, providers, tmp_path_factory.mktemp("stack"), **environ
        )

    return start


@pytest.fixture(scope="session")
def start_stack(postgres: PostgresServer, start_stack_on: StartStack) -> StartStack:
    """Starts API and worker on a new database of the shared PostgreSQL server."""
    return partial(start_stack_on, postgres)


@pytest.fixture(scope="session")
def stack(start_stack: StartStack, livekit: LiveKitServer) -> Iterator[Stack]:
    """The shared stack."""
    with start_stack(livekit) as running:
        yield running


@pytest.fixture(scope="session")
def recogniser() -> Recogniser:
    """Recognises all known sentences, so a wrong answer is recognised as that wrong sentence."""
    return Recogniser(every_sentence())


@pytest.fixture
def own_livekit(tmp_path: Path) -> Iterator[LiveKitServer]:
    """A LiveKit server for one story: the workers of one server share its jobs."""
    with livekit_server(tmp_path) as server:
        yield server


@pytest.fixture
def own_stack(start_stack: StartStack, own_livekit: LiveKitServer) -> Iterator[Stack]:
    """A stack whose processes may be killed."""
    with start_stack(own_livekit) as running:
        yield running


@pytest.fixture
async def own_testbed(
    own_stack: Stack, own_livekit: LiveKitServer, recogniser: Recogniser, tmp_path: Path
) -> AsyncIterator[Testbed]:
    """A testbed whose processes may be killed."""
    async with open_testbed(own_stack, own_livekit, recogniser, tmp_path) as made:
        yield made


@pytest.fixture
async def testbed(
    stack: Stack, livekit: LiveKitServer, recogniser: Recogniser, tmp_path: Path
) -> AsyncIterator[Testbed]:
    """A testbed on the shared stack, with its own agent id and rooms."""
    async with open_testbed(stack, livekit, recogniser, tmp_path) as made:
        yield made
