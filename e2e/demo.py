"""A call of three turns to watch and to listen to: `tox -e demo`.

It starts everything with local servers and SQLite, and registers an agent over HTTP; a caller asks three
questions. The exit code is 0 only when the caller heard every right answer. With real keys in `.env`
(DEEPGRAM_API_KEY, OPENAI_API_KEY, CARTESIA_API_KEY) the agent uses the real providers.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from dotenv import dotenv_values

from e2e.testbed.testbed import Testbed
from fixtures.providers import provider_environ
from fixtures.providers.process import stand_in_process
from fixtures.runtime_client.api import Api
from fixtures.runtime_client.rows import Rows
from fixtures.servers import LiveKitServer, ServerUnavailableError, livekit_server
from fixtures.speech import ANSWERS, SENTENCES, Recogniser
from fixtures.speech.sentences import every_sentence
from fixtures.stack import Stack, StackSettings

REPORTS: Final = Path("reports/demo")
KEYS: Final = ("DEEPGRAM_API_KEY", "OPENAI_API_KEY", "CARTESIA_API_KEY")
QUESTIONS: Final = ("weather", "opening", "table")
AGENT_ID: Final = 7


def print_sentence(speaker: str, text: str, note: str = "") -> None:
    """Print a sentence of the call."""
    print(f"{speaker:>8}  {text:<46}{note}", flush=True)


@contextmanager
def step(text: str) -> Iterator[None]:
    """Print what is started, and how long the start took."""
    print(f"{'':>8}  {text} ...", flush=True)
    began = time.monotonic()
    yield
    print(f"{'':>8}  {text}: {time.monotonic() - began:.1f} s", flush=True)


def main() -> int:
    """Run the demo; returns the exit code."""
    logging.basicConfig(level=logging.ERROR, format="          %(message)s")
    logging.getLogger("fixtures").setLevel(logging.INFO)
    REPORTS.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="demo-")))
        try:
            with step("livekit-server"):
                livekit = stack.enter_context(livekit_server(folder))
        except ServerUnavailableError as error:
            print(error, file=sys.stderr)
            return 2
        with step("providers"):
            environ = stack.enter_context(providers(folder))
        with step("API and worker on SQLite"):
            running = stack.enter_context(
                Stack(
                    StackSettings(
                        livekit_url=livekit.url,
                        livekit_api_key=livekit.api_key,
                        livekit_api_secret=livekit.api_secret,
                        database_url=f"sqlite:///{folder / 'demo.sqlite3'}",
                        log_folder=REPORTS,
                        environ=environ,
                    )
                )
            )
        return asyncio.run(call(running, livekit))


@contextmanager
def providers(folder: Path) -> Iterator[Mapping[str, str]]:
    """Environment for the real providers when `.env` has their keys, else for the stand-ins."""
    given = {name: value for name, value in dotenv_values(".env").items() if value}
    if all(key in given for key in KEYS):
        print(f"{'':>8}  the real ones: keys are in .env", flush=True)
        yield given
        return
    with stand_in_process(folder, "realistic") as url:
        print(f"{'':>8}  stand-ins at {url}: real recognition, real speech", flush=True)
        yield provider_environ(url)


async def call(stack: Stack, livekit: LiveKitServer) -> int:
    """Place the call; returns the exit code."""
    testbed = Testbed(
        stack=stack,
        livekit=livekit,
        api=Api(stack.api_url, stack.settings.api_key),
        rows=Rows(stack.settings.database_url),
        recogniser=Recogniser(every_sentence()),
        agent_id=AGENT_ID,
        recordings=REPORTS,
    )
    wrong = 0
    times: list[float] = []
    async with testbed:
        await testbed.register()
        room = testbed.new_room()
        session_id = await testbed.api.create(AGENT_ID, room)
        print(f"\n{'':>8}  agent {AGENT_ID} registered over HTTP; session {session_id}\n")
        async with testbed.person_in(room) as person:
            greeting = await person.hears()
            print_sentence("agent", greeting or "(not understood)")
            wrong += greeting != ANSWERS["greeting"]
            for name in QUESTIONS:
                print_sentence("caller", SENTENCES[name])
                answer = await person.asks(name)
                times.append(answer.voice_to_voice)
                right = answer.text == ANSWERS[name]
                wrong += not right
                note = f"{answer.voice_to_voice:5.0f} ms voice to voice"
                note = note if right else f"{note}  WRONG"
                print_sentence("agent", answer.text or "(not understood)", note)
            await testbed.api.end(session_id)
            await person.caller.agent_left()
        row = await testbed.rows.session_when(session_id, lambda row: row["status"] == "ended")
    recording = REPORTS / f"{room}-caller.wav"
    print(
        f"\n{'':>8}  median {statistics.median(times):.0f} ms; {row['duration_seconds']} s in all"
    )
    print(f"{'':>8}  recording (left the caller, right the agent): {recording}")
    print(f"{'':>8}  logs of API and worker: {REPORTS}")
    print(f"{'':>8}  {'every answer was right' if not wrong else f'{wrong} answers were wrong'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
