"""The values of a profile, and those that an agent sets itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from agent_runtime.agents import parse_registered
from agent_runtime.agents.profiles import PACES, pace_of
from agent_runtime.agents.sections import Profile
from agent_runtime.domain.errors import InvalidAgentConfig
from agent_runtime.text.streaming import TextStreaming


def test_every_profile_has_a_pace() -> None:
    """Every profile has values, and an agent without a profile takes the worker's."""
    for profile in Profile:
        assert pace_of(parse_registered({}), profile) == PACES[profile]


@pytest.mark.parametrize("profile", Profile)
def test_a_busy_machine_changes_only_the_audio_frames(profile: Profile) -> None:
    """Above 15 % CPU pressure audio frames are as long as in the dense profile; nothing else changes."""
    pace = pace_of(parse_registered({}), profile, 20.0)
    assert pace == replace(PACES[profile], frame_ms=PACES[Profile.DENSE].frame_ms)
    assert pace_of(parse_registered({}), profile, 10.0) == PACES[profile]


def test_an_agent_s_profile_is_stronger_than_the_worker_s() -> None:
    """An agent's profile, in any letter case, is stronger than the worker's."""
    config = parse_registered({"turnDetectionConfig": {"profile": "Dense"}})
    assert pace_of(config, Profile.FAST) == PACES[Profile.DENSE]


def test_what_an_agent_sets_is_stronger_than_its_profile() -> None:
    """Each value that an agent sets is stronger than its profile's; the others stay the profile's."""
    config = parse_registered(
        {
            "turnDetectionConfig": {
                "profile": "fast",
                "minDelay": 0.2,
                "maxDelay": 4,
                "speculation": False,
                "interruptAfter": 0.8,
                "interruptWords": 2.0,
            },
            "ttsConfig": {"textStreaming": "Sentences"},
        }
    )
    pace = pace_of(config, Profile.BALANCED)
    assert pace.frame_ms == PACES[Profile.FAST].frame_ms
    assert (pace.min_delay, pace.max_delay, pace.preflights) == (0.2, 4, False)
    assert (pace.interrupt_after, pace.interrupt_words) == (0.8, 2)
    assert pace.text_streaming is TextStreaming.SENTENCES
    assert "textStreaming" not in config.tts.extra  # the pipeline's option, not the provider's


@pytest.mark.parametrize("detection", ["vad", "stt"])
def test_without_a_model_the_agent_waits(detection: str) -> None:
    """Without a model only its length tells a pause from an end, so the agent waits 0.5 s."""
    config = parse_registered({"turnDetectionConfig": {"provider": detection}})
    assert pace_of(config, Profile.FAST).min_delay == 0.5


@pytest.mark.parametrize(
    ("config", "path"),
    [
        ({"turnDetectionConfig": {"profile": "quick"}}, ("turnDetectionConfig", "profile")),
        ({"turnDetectionConfig": {"speculation": "yes"}}, ("turnDetectionConfig", "speculation")),
        (
            {"turnDetectionConfig": {"interruptAfter": -1}},
            ("turnDetectionConfig", "interruptAfter"),
        ),
        (
            {"turnDetectionConfig": {"interruptWords": 1.5}},
            ("turnDetectionConfig", "interruptWords"),
        ),
        ({"ttsConfig": {"textStreaming": "letters"}}, ("ttsConfig", "textStreaming")),
    ],
)
def test_an_invalid_value_is_refused_with_its_path(
    config: dict[str, object], path: tuple[str, ...]
) -> None:
    """An invalid value of turn-taking is refused when the agent is registered, with its path."""
    with pytest.raises(InvalidAgentConfig) as refused:
        parse_registered(config)
    assert [issue.path for issue in refused.value.issues] == [path]
