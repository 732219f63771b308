"""The list for language models."""

from __future__ import annotations

import asyncio

import pytest
from livekit.agents import APIConnectionError, APIError, APIStatusError, llm

from fixtures.providers import Rule, Script, ToolCall
from fixtures.providers.common.faults import Kind

from .bench import AGAIN, ATTEMPT, ONCE, Bench, mute_server, within

Each = pytest.mark.parametrize("name", ["openai", "anthropic", "gemini", "inference"])
ANSWER = "It is sunny, and twenty degrees warm."
SPANISH = "Hace sol, y veinte grados. ¿Algo más?"
SCRIPT = Script(
    [
        Rule("weather", ANSWER),
        Rule("tiempo", SPANISH),
        Rule("table", calls=[ToolCall("book_table", {"people": 2})], after_tool="It is booked."),
    ],
    otherwise="I do not know.",
    greeting="Hello, who is there?",
)


@pytest.fixture(autouse=True)
def _script(bench: Bench) -> None:
    bench.stand_ins.shared.script = SCRIPT


@llm.function_tool
async def book_table(people: int) -> str:
    """Book a table."""
    return f"table for {people}"


def said(*texts: str) -> llm.ChatContext:
    """A conversation in which the caller said this."""
    context = llm.ChatContext()
    context.add_message(role="system", content="You answer the phone.")
    for text in texts:
        context.add_message(role="user", content=text)
    return context


async def text_of(stream: llm.LLMStream) -> str:
    """The whole answer."""
    async with stream:
        return "".join([c.delta.content or "" async for c in stream if c.delta])


@Each
@pytest.mark.parametrize(
    ("question", "answer"),
    [("How is the weather?", ANSWER), ("¿Qué tiempo hace?", SPANISH), (None, SCRIPT.greeting)],
)
async def test_the_answer_comes_in_pieces_with_its_usage(
    bench: Bench, name: str, question: str | None, answer: str
) -> None:
    """Two languages, and a greeting before the caller said anything, arrive whole and word by word."""
    context = said(question) if question else said()
    async with bench.llm(name).chat(chat_ctx=context, conn_options=ONCE) as stream:
        chunks = [chunk async for chunk in stream]
    pieces = [chunk.delta.content for chunk in chunks if chunk.delta and chunk.delta.content]
    assert "".join(pieces) == answer
    assert len(pieces) > 3
    [usage] = [chunk.usage for chunk in chunks if chunk.usage]
    assert usage.completion_tokens == len(answer.split())
    assert usage.prompt_tokens > 0
    [asked] = bench.stand_ins.recordings.asked
    assert asked.messages[0]["content"] == "You answer the phone."


@Each
async def test_a_tool_is_called_and_its_result_answered(bench: Bench, name: str) -> None:
    """A tool's arguments arrive whole; with its result the model answers."""
    plugin, context = bench.llm(name), said("A table, please.")
    async with plugin.chat(chat_ctx=context, tools=[book_table], conn_options=ONCE) as stream:
        [call] = [c async for chunk in stream if chunk.delta for c in chunk.delta.tool_calls]
    assert (call.name, call.arguments.replace(" ", "")) == ("book_table", '{"people":2}')
    context.items += [
        llm.FunctionCall(call_id=call.call_id, name=call.name, arguments=call.arguments),
        llm.FunctionCallOutput(
            call_id=call.call_id, name=call.name, output="table for 2", is_error=False
        ),
    ]
    answer = plugin.chat(chat_ctx=context, tools=[book_table], conn_options=ONCE)
    assert await text_of(answer) == "It is booked."
    assert bench.stand_ins.recordings.asked[0].tools == ["book_table"]


@Each
async def test_a_wrong_key_is_401_and_is_not_retried(bench: Bench, name: str) -> None:
    """A wrong key fails at once, with the status, however often the pipeline would retry."""
    plugin = bench.with_wrong_keys().llm(name)
    with within(ATTEMPT), pytest.raises(APIStatusError) as refused:
        await text_of(plugin.chat(chat_ctx=said("weather"), conn_options=AGAIN))
    assert (refused.value.status_code, refused.value.retryable) == (401, False)


@Each
@pytest.mark.parametrize("kind", [Kind.LIMITED, Kind.BROKEN])
async def test_the_pipeline_retries_after_a_refusal(bench: Bench, name: str, kind: Kind) -> None:
    """After 429 or 500 the next attempt answers; the client library does not wait by itself."""
    bench.stand_ins.shared.faults.set("llm", kind, 1)
    with within(3 * ATTEMPT):
        answer = bench.llm(name).chat(chat_ctx=said("weather"), conn_options=AGAIN)
        assert await text_of(answer) == ANSWER


@Each
@pytest.mark.parametrize("kind", [Kind.CUT, Kind.GARBAGE, Kind.STALLED])
async def test_an_answer_that_fails_is_an_error_in_time(
    bench: Bench, name: str, kind: Kind
) -> None:
    """A cut, garbage, or no answer is an APIError within the time of an attempt; the next one answers."""
    bench.stand_ins.shared.faults.set("llm", kind, 1)
    plugin = bench.llm(name)
    with within(2 * ATTEMPT), pytest.raises(APIError):
        await text_of(plugin.chat(chat_ctx=said("weather"), conn_options=ONCE))
    answer = plugin.chat(chat_ctx=said("weather"), conn_options=ONCE)
    assert await text_of(answer) == ANSWER


@Each
async def test_a_slow_first_word_is_waited_for(bench: Bench, name: str) -> None:
    """A first word that comes late, but in time, is an answer."""
    bench.stand_ins.shared.faults.set("llm", Kind.SLOW, 1)
    answer = bench.llm(name).chat(chat_ctx=said("weather"), conn_options=ONCE)
    assert await text_of(answer) == ANSWER


@Each
async def test_a_server_that_never_answers_is_given_up(bench: Bench, name: str) -> None:
    """A request that is taken and not answered fails within the time of one attempt."""
    async with mute_server() as url:
        plugin = Bench.of(bench.stand_ins, url).llm(name)
        with within(2 * ATTEMPT), pytest.raises(APIConnectionError):
            await text_of(plugin.chat(chat_ctx=said("weather"), conn_options=ONCE))


@Each
async def test_an_interrupted_answer_frees_the_connection(bench: Bench, name: str) -> None:
    """A caller who talks over the answer ends its request at once, and the next one is answered."""
    plugin = bench.llm(name)
    stream = plugin.chat(chat_ctx=said("weather"), conn_options=ONCE)
    await anext(aiter(stream))
    with within(3):  # what waits for a timeout takes ten seconds
        await stream.aclose()
    await asyncio.sleep(0.1)
    answer = plugin.chat(chat_ctx=said("weather"), conn_options=ONCE)
    assert await text_of(answer) == ANSWER


@Each
async def test_the_connection_can_be_opened_early(bench: Bench, name: str) -> None:
    """A prewarm request goes to the worker's own address, and not to the vendor's."""
    async with asyncio.timeout(5):
        await bench.llm(name)._prewarm_impl()
