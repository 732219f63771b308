"""A provider is overloaded for a moment."""

from e2e.faults.call import greeted
from e2e.faults.provider_faults import STAGES, fault, is_answered_or_asked_again
from e2e.testbed.testbed import Testbed


async def test_it_is_retried(testbed: Testbed, providers: str) -> None:
    """The caller gets the answer, at once or after an apology and a repeated question."""
    async with greeted(testbed) as call:
        for stage in STAGES:
            async with fault(providers, stage, "429", times=2):
                await is_answered_or_asked_again(call, "weather")
        await call.goes_on("opening")
