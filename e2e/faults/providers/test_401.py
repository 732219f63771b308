"""A provider refuses the API key in the middle of a call."""

import pytest

from e2e.faults.call import greeted
from e2e.faults.provider_faults import STAGES, fault, is_sent_away, now, speak
from e2e.testbed.testbed import Testbed


@pytest.mark.parametrize("stage", STAGES)
async def test_the_call_ends_with_a_farewell(testbed: Testbed, providers: str, stage: str) -> None:
    """When the key is refused, the caller hears a farewell, and the row names stage and cause."""
    async with greeted(testbed) as call, fault(providers, stage, "401"):
        # The recogniser's connection is closed at once; the other stages get a request after a turn.
        since = now() if stage == "stt" else await speak(call, "weather")
        await is_sent_away(call, stage, since)
