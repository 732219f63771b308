"""One call, from the create to the end: plays the caller, and measures when it hears the agent."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from fixtures.caller import Caller, Heard, room_token
from fixtures.caller.microphone import Utterance
from fixtures.runtime_client.api import Api
from load.caller_host.answers import Answer, Answers
from load.caller_host.judge import Judge
from load.caller_host.reports import FAILURES, CallFailed, CallReports, error_line
from load.caller_host.settings import HostSettings
from load.metrics import Metric
from load.scenario import Backchannels, Interruption, Turn, expected_after, sentence, sound_of

# Seconds after which a step counts as failed; generous, so that slow services are measured, not cut off.
HTTP_WITHIN = 30.0  # a request to the API
JOIN_WITHIN = 15.0  # joining the room
LEAVES_WITHIN = 10.0  # the agent's leaving after the end over HTTP
ENDS_WITHIN = 60.0  # an utterance of the agent, from its first sound on


class Call:
    """One caller's call. `winding_down`, once set, ends it after its current turn."""

    def __init__(
        self,
        settings: HostSettings,
        api: Api,
        judge: Judge,
        reports: CallReports,
        winding_down: asyncio.Event,
    ) -> None:
        self._settings = settings
        self._scenario = settings.scenario
        self._api = api
        self._reports = reports
        self._winding_down = winding_down
        self._answers = Answers(judge, reports)
        # Calls differ from each other, and are the same in every run with the same seed.
        self._dice = random.Random(f"{settings.seed}/{reports.call}")  # noqa: S311 - no secret
        self._room = f"load-{reports.call}"
        self._session: str | None = None
        self._session_ended = False
        self._caller: Caller | None = None
        self._turn = 0

    async def run(self) -> None:
        """Place the call, and report everything about it. Passes CancelledError on."""
        began = time.time()
        self._reports.begun()
        cut: str | None = None
        try:
            await self._place()
        except CallFailed as failed:
            cut = str(failed)
        except asyncio.CancelledError:
            cut = "the caller was stopped during the call"
            raise
        finally:
            await self._release()
            self._reports.over(session=self._session, began=began, cut=cut)
        await self._answers.judge_all()
        if self._caller is not None and (cut or self._answers.wrong):
            await self._save_recording(self._caller)

    async def _place(self) -> None:
        created_at = time.monotonic()
        with self._reports.step(Metric.CREATE):
            async with asyncio.timeout(HTTP_WITHIN):
                self._session = await self._api.create(
                    self._settings.agent_id, self._room, self._settings.tenant_id
                )
        settings = self._settings
        token = room_token(
            settings.livekit_key, settings.livekit_secret, self._room, self._reports.call
        )
        caller = self._caller = Caller(settings.livekit_url, token)
        try:
            with self._reports.step(Metric.JOIN):
                async with asyncio.timeout(JOIN_WITHIN):
                    await caller.__aenter__()
            with self._reports.step(Metric.AGENT, created_at):
                await caller.agent_joined(self._scenario.greeting_within)
            await self._hear_greeting(caller, created_at)
            await self._play_turns(caller)
            await self._end(caller)
        finally:
            await caller.hang_up()

    async def _hear_greeting(self, caller: Caller, created_at: float) -> None:
        if self._scenario.greeting is None:
            return
        try:
            onset = await caller.onset(self._scenario.greeting_within)
        except TimeoutError as error:
            waited = time.monotonic() - created_at
            self._reports.sample(Metric.FIRST_AUDIO, waited, "no greeting was heard")
            raise CallFailed("no greeting was heard") from error
        self._reports.sample(Metric.FIRST_AUDIO, onset - created_at)
        heard = await _utterance(caller, onset, ENDS_WITHIN)
        greeting = sentence(self._scenario.greeting)
        self._answers.add(Answer(None, "", greeting, onset, heard, onset))

    async def _play_turns(self, caller: Caller) -> None:
        turns = [turn for turn in self._scenario.turns if self._dice.random() < turn.chance]
        if self._scenario.shuffle:
            self._dice.shuffle(turns)
        for turn in turns:
            await self._think()
            if self._winding_down.is_set():
                return
            caller.forget()
            if turn.silent is not None:
                await self._stay_silent(caller, turn.silent)
            elif turn.interrupt is not None:
                await self._interrupt_answer(caller, turn, turn.interrupt)
            else:
                await self._ask(caller, turn)

    async def _think(self) -> None:
        try:
            async with asyncio.timeout(self._dice.uniform(*self._scenario.think)):
                await self._winding_down.wait()
        except TimeoutError:
            return  # the time to think is over

    async def _ask(self, caller: Caller, turn: Turn) -> None:
        said = turn.say or ""
        spoken = await self._say(caller, said)
        await self._hear_answer(caller, said, turn.expect, spoken)

    async def _hear_answer(
        self, caller: Caller, said: str, expect: str | None, spoken: Utterance, **more: bool
    ) -> None:
        expected = expected_after(said, expect)
        number, self._turn = self._turn, self._turn + 1
        onset: float | None = None
        heard: Heard | None = None
        try:
            onset = await self._answer_onset(caller, spoken)
        except TimeoutError:
            pass  # the answer is missing
        else:
            # Reported at once: the answer has begun, however long it turns out to be.
            self._report_voice_to_voice(number, onset - spoken.ended_at)
            heard = await _utterance(caller, onset, ENDS_WITHIN)
        self._answers.add(Answer(number, said, expected, spoken.ended_at, heard, onset, **more))
        if heard is None:
            await self._check_connected(caller)

    async def _answer_onset(self, caller: Caller, spoken: Utterance) -> float:
        """When the answer begins. Reports speech into the caller's question as an error, and waits on.

        Raises TimeoutError when no answer begins in time.
        """
        while True:
            onset = await caller.onset(self._scenario.answer_within)
            if onset >= spoken.ended_at:
                return onset
            await _utterance(caller, onset, self._scenario.answer_within)
            why = "the agent spoke before the caller had finished"
            self._reports.sample(Metric.VOICE_TO_VOICE, 0.0, why)

    def _report_voice_to_voice(self, number: int, seconds: float) -> None:
        self._reports.sample(Metric.VOICE_TO_VOICE, seconds)
        if number == 0:
            self._reports.sample(Metric.FIRST_TURN, seconds)

    async def _interrupt_answer(self, caller: Caller, turn: Turn, interrupt: Interruption) -> None:
        spoken = await self._say(caller, turn.say or "")
        number, self._turn = self._turn, self._turn + 1
        expected = expected_after(turn.say or "", turn.expect)
        first_answer = Answer(number, turn.say or "", expected, spoken.ended_at, None)
        try:
            onset = await self._answer_onset(caller, spoken)
        except TimeoutError:
            self._answers.add(first_answer)
            await self._check_connected(caller)
            return
        self._answers.interrupted(first_answer, onset)
        self._report_voice_to_voice(number, onset - spoken.ended_at)
        if turn.backchannel is not None and not await self._say_backchannels(
            caller, turn.backchannel, onset
        ):
            return
        await asyncio.sleep(interrupt.after)  # the caller listens to that much of the answer
        spoken = await self._say(caller, interrupt.say)
        answer = await _utterance(caller, onset, self._scenario.answer_within)
        if answer is None:
            self._reports.sample(Metric.BARGE_IN, 0.0, "the agent went on talking")
            await self._check_connected(caller)
            return
        silent_after = answer.ended_at - spoken.began_at
        if silent_after < 0:
            why = "the agent had finished before it was interrupted"
            self._reports.sample(Metric.BARGE_IN, 0.0, why)
        else:
            self._reports.sample(Metric.BARGE_IN, silent_after)
        await self._hear_answer(caller, interrupt.say, interrupt.expect, spoken, interrupts=True)

    async def _say_backchannels(
        self, caller: Caller, backchannels: Backchannels, onset: float
    ) -> bool:
        """Say all backchannels; whether the agent, who began at `onset`, talks on over each of them."""
        for name in backchannels.say:
            if not await self._say_backchannel(caller, name, backchannels.every, onset):
                return False
        return True

    async def _say_backchannel(
        self, caller: Caller, name: str, within: float, onset: float
    ) -> bool:
        """Say one backchannel; whether the agent talks on for `within` seconds."""
        spoken = await caller.say(sound_of(name))
        heard = await _utterance(caller, onset, within)
        if heard is None:
            self._reports.sample(Metric.TALKED_ON, 0.0)
            return True
        silent_after = max(0.0, heard.ended_at - spoken.began_at)
        self._reports.sample(Metric.TALKED_ON, silent_after, f"the agent stopped at {name}")
        return False

    async def _stay_silent(self, caller: Caller, seconds: float) -> None:
        began = time.monotonic()
        try:
            await caller.onset(seconds)
        except TimeoutError:
            self._reports.sample(Metric.SILENCE, seconds)
            return
        why = "the agent spoke although the caller was silent"
        self._reports.sample(Metric.SILENCE, time.monotonic() - began, why)

    async def _say(self, caller: Caller, said: str) -> Utterance:
        await self._check_connected(caller)
        return await caller.say(sound_of(said))

    async def _check_connected(self, caller: Caller) -> None:
        """Raises CallFailed when the caller is disconnected or the agent has left."""
        why = caller.disconnected_because
        if why is None and not caller.agents:
            why = "the agent has left"
        if why is not None:
            self._reports.sample(Metric.CALL, 0.0, why)
            raise CallFailed(f"during the call: {why}")

    async def _end(self, caller: Caller) -> None:
        ending = self._scenario.ending
        if ending == "either":
            ending = self._dice.choice(("end", "leave"))
        if ending == "end" and self._session is not None:
            with self._reports.step(Metric.CALL):
                await self._end_session()
                await caller.agent_left(LEAVES_WITHIN)
            self._session_ended = True

    async def _end_session(self) -> None:
        async with asyncio.timeout(HTTP_WITHIN):
            await self._api.end(self._session or "")

    async def _release(self) -> None:
        """End the session of a failed call, so that it frees its place in the agent's capacity."""
        if self._session is None or self._session_ended:
            return
        try:
            await self._end_session()
        except FAILURES as error:
            self._reports.sample(
                Metric.CALL, 0.0, f"the session was not ended: {error_line(error)}"
            )

    async def _save_recording(self, caller: Caller) -> None:
        """Save both sides of a call that went wrong, to listen to."""
        if self._settings.recordings is None:
            return
        path = Path(self._settings.recordings) / f"{self._reports.call}.wav"
        try:
            await asyncio.to_thread(caller.recording.write, path)
        except OSError as error:
            self._reports.trouble(f"{path.name} was not saved: {error.strerror}")


async def _utterance(caller: Caller, onset: float, within: float) -> Heard | None:
    """The utterance that began at `onset`, once it is over; None when it is not within `within` seconds.

    Ignores older utterances whose end is reported only now.
    """
    try:
        async with asyncio.timeout(within):
            while True:
                heard = await caller.hear(within)
                if heard.began_at >= onset:
                    return heard
    except TimeoutError:
        return None
