"""A provider fails permanently, and the agent has a fallback."""

from collections.abc import Iterator
from typing import Final

import pytest

from e2e.faults.call import greeted
from e2e.faults.provider_faults import STAGES, fault, speak
from e2e.testbed.testbed import Testbed
from fixtures.providers import KEY, provider_environ
from fixtures.providers.process import stand_in_process
from fixtures.speech import ANSWERS

# Seconds after the caller's last sample in which the answer must begin: well before the apology, which the
# caller hears after 4 s of silence.
SOON: Final = 3.5


@pytest.fixture(scope="module")
def other_providers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a second set of stand-ins."""
    with stand_in_process(tmp_path_factory.mktemp("other-providers")) as url:
        yield url


@pytest.mark.parametrize(
    ("stage", "kind"),
    [
        *((stage, "401") for stage in STAGES),
        ("llm", "stalled"),
        ("tts", "stalled"),
    ],
)
async def test_the_fallback_answers(
    testbed: Testbed, providers: str, other_providers: str, stage: str, kind: str
) -> None:
    """With a fallback the caller gets the right answers, in time and without an apology."""
    environ = provider_environ(other_providers)
    fallbacks = {
        "sttConfig": {"fallbacks": [{"baseUrl": environ["DEEPGRAM_BASE_URL"], "apiKey": KEY}]},
        "llmConfig": {"fallbacks": [{"baseUrl": environ["OPENAI_BASE_URL"], "apiKey": KEY}]},
        "ttsConfig": {"fallbacks": [{"baseUrl": environ["CARTESIA_BASE_URL"], "apiKey": KEY}]},
    }
    async with greeted(testbed, **fallbacks) as call, fault(providers, stage, kind):
        for question in ("weather", "opening"):
            asked = await speak(call, question)
            heard = await call.person.caller.hear()
            assert await call.person.recognise(heard) == ANSWERS[question]
            assert heard.began_at - asked < SOON
