"""A provider's first byte comes after eight seconds."""

from e2e.faults.call import greeted
from e2e.faults.provider_faults import (
    STAGES,
    fault,
    is_answered_or_asked_again,
    is_not_left_in_silence,
)
from e2e.testbed.testbed import Testbed


async def test_nobody_waits_in_silence(testbed: Testbed, providers: str) -> None:
    """The agent speaks in time while a provider is slow; without the fault it answers correctly again."""
    async with greeted(testbed) as call:
        for stage in STAGES:
            async with fault(providers, stage, "slow"):
                await is_not_left_in_silence(call, "weather")
            await is_answered_or_asked_again(call, "opening")
