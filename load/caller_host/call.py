"""One call, from the create to the end: what the caller does, and when it heard what."""

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
from load.caller_host.reports import FAILURES, CallFailed, CallReports, words
from load.caller_host.settings import HostSettings
from load.metrics import Metric
from load.scenario import Backchannels, Interruption, Turn, expected_after, sentence, sound_of

HTTP_WITHIN = 30.0  # seconds
JOIN_WITHIN = 15.0
LEAVES_WITHIN = 10.0
ENDS_WITHIN = 60.0  # what the agent says, from its first sound on


class Call:
    """`winding_down` ends the call after the turn that is under way."""

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
        # Each call is another one, and the same one again when the run is repeated.
        self._dice = random.Random(f"{settings.seed}/{reports.call}")  # noqa: S311 - no secret
        self._room = f"load-{reports.call}"
        self._session: str | None = None
        self._session_ended = False
        self._caller: Caller | None = None
        self._turn = 0

    async def run(self) -> None:
        """Place the call, and report everything about it."""
        began = time.time()
        self._reports.begun()
        cut: str | None = None
        try:
            await self._placed()
        except CallFailed as failed:
            cut = str(failed)
        except asyncio.CancelledError:
            cut = "the caller was stopped in the middle of the call"
            raise
        finally:
            await self._clean_up()
            self._reports.over(session=self._session, began=began, cut=cut)
        await self._answers.tell()
        if self._caller is not None and (cut or self._answers.wrong):
            await self._keep(self._caller)

    async def _placed(self) -> None:
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
            await self._is_greeted(caller, created_at)
            await self._talks(caller)
            await self._ends(caller)
        finally:
            await caller.hang_up()

    async def _is_greeted(self, caller: Caller, created_at: float) -> None:
        if self._scenario.greeting is None:
            return
        try:
            onset = await caller.onset(self._scenario.greeting_within)
        except TimeoutError as error:
            waited = time.monotonic() - created_at
            self._reports.sample(Metric.FIRST_AUDIO, waited, "no greeting was heard")
            raise CallFailed("no greeting was heard") from error
        self._reports.sample(Metric.FIRST_AUDIO, onset - created_at)
        heard = await _rest(caller, onset, ENDS_WITHIN)
        greeting = sentence(self._scenario.greeting)
        self._answers.add(Answer(None, "", greeting, onset, heard, onset))

    async def _talks(self, caller: Caller) -> None:
        turns = [turn for turn in self._scenario.turns if self._dice.random() < turn.chance]
        if self._scenario.shuffle:
            self._dice.shuffle(turns)
        for turn in turns:
            await self._thinks()
            if self._winding_down.is_set():
                return
            caller.forget()
            if turn.silent is not None:
                await self._is_silent(caller, turn.silent)
            elif turn.interrupt is not None:
                await self._talks_over(caller, turn, turn.interrupt)
            else:
                await self._asks(caller, turn)

    async def _thinks(self) -> None:
        try:
            async with asyncio.timeout(self._dice.uniform(*self._scenario.think)):
                await self._winding_down.wait()
        except TimeoutError:
            return  # it has thought

    async def _asks(self, caller: Caller, turn: Turn) -> None:
        said = turn.say or ""
        spoken = await self._says(caller, said)
        await self._hears(caller, said, turn.expect, spoken)

    async def _hears(
        self, caller: Caller, said: str, expect: str | None, spoken: Utterance, **more: bool
    ) -> None:
        expected = expected_after(said, expect)
        number, self._turn = self._turn, self._turn + 1
        onset: float | None = None
        heard: Heard | None = None
        try:
            onset = await self._answer_began(caller, spoken)
        except TimeoutError:
            pass  # the answer is missing
        else:
            # Told now: however long the agent talks, it has answered.
            self._voice_to_voice(number, onset - spoken.ended_at)
            heard = await _rest(caller, onset, ENDS_WITHIN)
        self._answers.add(Answer(number, said, expected, spoken.ended_at, heard, onset, **more))
        if heard is None:
            await self._still_there(caller)

    async def _answer_began(self, caller: Caller, spoken: Utterance) -> float:
        """When; what the agent said into a pause is reported, and is none. Raises TimeoutError."""
        while True:
            onset = await caller.onset(self._scenario.answer_within)
            if onset >= spoken.ended_at:
                return onset
            await _rest(caller, onset, self._scenario.answer_within)
            why = "the agent spoke before the caller had finished"
            self._reports.sample(Metric.VOICE_TO_VOICE, 0.0, why)

    def _voice_to_voice(self, number: int, seconds: float) -> None:
        self._reports.sample(Metric.VOICE_TO_VOICE, seconds)
        if number == 0:
            self._reports.sample(Metric.FIRST_TURN, seconds)

    async def _talks_over(self, caller: Caller, turn: Turn, interrupt: Interruption) -> None:
        spoken = await self._says(caller, turn.say or "")
        number, self._turn = self._turn, self._turn + 1
        expected = expected_after(turn.say or "", turn.expect)
        told = Answer(number, turn.say or "", expected, spoken.ended_at, None)
        try:
            onset = await self._answer_began(caller, spoken)
        except TimeoutError:
            self._answers.add(told)
            await self._still_there(caller)
            return
        self._answers.interrupted(told, onset)
        self._voice_to_voice(number, onset - spoken.ended_at)
        if turn.backchannel is not None and not await self._keeps_talking(
            caller, turn.backchannel, onset
        ):
            return
        await asyncio.sleep(interrupt.after)  # the caller listens to that much of the answer
        spoken = await self._says(caller, interrupt.say)
        answer = await _rest(caller, onset, self._scenario.answer_within)
        if answer is None:
            self._reports.sample(Metric.BARGE_IN, 0.0, "the agent went on talking")
            await self._still_there(caller)
            return
        silent_after = answer.ended_at - spoken.began_at
        if silent_after < 0:
            why = "the agent had finished before it was interrupted"
            self._reports.sample(Metric.BARGE_IN, 0.0, why)
        else:
            self._reports.sample(Metric.BARGE_IN, silent_after)
        await self._hears(caller, interrupt.say, interrupt.expect, spoken, interrupts=True)

    async def _keeps_talking(
        self, caller: Caller, backchannels: Backchannels, onset: float
    ) -> bool:
        """Whether the agent, who began at `onset`, talks on over all of them."""
        for name in backchannels.say:
            if not await self._talks_on(caller, name, backchannels.every, onset):
                return False
        return True

    async def _talks_on(self, caller: Caller, name: str, within: float, onset: float) -> bool:
        """Say a backchannel, and see whether the agent falls silent within so many seconds."""
        spoken = await caller.say(sound_of(name))
        heard = await _rest(caller, onset, within)
        if heard is None:
            self._reports.sample(Metric.TALKED_ON, 0.0)
            return True
        silent_after = max(0.0, heard.ended_at - spoken.began_at)
        self._reports.sample(Metric.TALKED_ON, silent_after, f"the agent stopped at {name}")
        return False

    async def _is_silent(self, caller: Caller, seconds: float) -> None:
        began = time.monotonic()
        try:
            await caller.onset(seconds)
        except TimeoutError:
            self._reports.sample(Metric.SILENCE, seconds)
            return
        why = "the agent spoke although nobody had said anything"
        self._reports.sample(Metric.SILENCE, time.monotonic() - began, why)

    async def _says(self, caller: Caller, said: str) -> Utterance:
        await self._still_there(caller)
        return await caller.say(sound_of(said))

    async def _still_there(self, caller: Caller) -> None:
        """Raises CallFailed when the room, or the agent in it, is gone."""
        why = caller.disconnected_because
        if why is None and not caller.agents:
            why = "the agent has left"
        if why is not None:
            self._reports.sample(Metric.CALL, 0.0, why)
            raise CallFailed(f"in the middle of the call: {why}")

    async def _ends(self, caller: Caller) -> None:
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

    async def _clean_up(self) -> None:
        """A call that failed must not hold a place of the agent's capacity."""
        if self._session is None or self._session_ended:
            return
        try:
            await self._end_session()
        except FAILURES as error:
            self._reports.sample(Metric.CALL, 0.0, f"not ended: {words(error)}")

    async def _keep(self, caller: Caller) -> None:
        """Both sides of a call that went wrong, for whoever wants to listen."""
        if self._settings.recordings is None:
            return
        path = Path(self._settings.recordings) / f"{self._reports.call}.wav"
        try:
            await asyncio.to_thread(caller.recording.write, path)
        except OSError as error:
            self._reports.trouble(f"{path.name} was not kept: {error.strerror}")


async def _rest(caller: Caller, onset: float, within: float) -> Heard | None:
    """The utterance that began at `onset`, once it is over; None when it goes on for too long.

    An older one, whose end comes only now, is none of it.
    """
    try:
        async with asyncio.timeout(within):
            while True:
                heard = await caller.hear(within)
                if heard.began_at >= onset:
                    return heard
    except TimeoutError:
        return None
