"""A provider refuses our key in the middle of a call."""

import pytest

from e2e.faults.call import greeted
from e2e.faults.provider_faults import STAGES, fault, is_sent_away, now, speak
from e2e.testbed.testbed import Testbed


@pytest.mark.parametrize("stage", STAGES)
async def test_the_call_ends_with_a_farewell(testbed: Testbed, providers: str, stage: str) -> None:
    """It cannot go on: the caller is told so in words, and the row names stage and cause."""
    async with greeted(testbed) as call, fault(providers, stage, "401"):
        # A recogniser's line breaks by itself; the others are asked for when somebody speaks.
        since = now() if stage == "stt" else await speak(call, "weather")
        await is_sent_away(call, stage, since)
