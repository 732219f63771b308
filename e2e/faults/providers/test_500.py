"""A provider fails with status 500, for a moment or permanently."""

from e2e.faults.call import greeted
from e2e.faults.provider_faults import (
    STAGES,
    fault,
    is_answered_or_asked_again,
    is_not_left_in_silence,
    is_sent_away,
    speak,
)
from e2e.testbed.testbed import Testbed
from fixtures.speech import ANSWERS


async def test_for_a_moment(testbed: Testbed, providers: str) -> None:
    """After two failed requests the caller gets the answer, at once or after repeating the question."""
    async with greeted(testbed) as call:
        for stage in STAGES:
            async with fault(providers, stage, "500", times=2):
                await is_answered_or_asked_again(call, "weather")
        await call.goes_on("opening")


async def test_permanently(testbed: Testbed, providers: str) -> None:
    """After two apologies the call ends with a farewell: no caller stays in a call that cannot continue."""
    async with greeted(testbed) as call, fault(providers, "llm", "500"):
        for _ in range(2):
            assert await is_not_left_in_silence(call, "weather") == ANSWERS["repeat"]
        await is_sent_away(call, "llm", await speak(call, "weather"))
