"""Results from a journal: summaries, partial results, thresholds, page, comparison."""

import errno
import json
import threading
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from load import messages
from load.driver.journal import Journal
from load.messages import decode, encode
from load.metrics import Metric
from load.report import write as writing
from load.report.compare import caveats, compare, table
from load.report.page.page import page
from load.report.results import RESULTS, Results, read_results, results_of
from load.report.thresholds import missed, read_thresholds
from load.report.write import write
from load.runs.alternate import alternate, comparison
from load.tests.journals import END, call, plan, sample, second, turn, whole_run
from load.yaml_file import FileError

SCHEMA = json.loads((Path(writing.__file__).parent / "schema.json").read_text())


def check(results: Results) -> Results:
    """Validate results against the schema, as another program would."""
    Draft202012Validator(SCHEMA).validate(json.loads(json.dumps(results)))
    return results


def test_a_whole_run() -> None:
    """Percentiles are over good samples; errors are counted separately."""
    broken = sample(Metric.VOICE_TO_VOICE, 0.0, error="too early")
    results = check(results_of([*whole_run(), broken]))
    voice = results["stages"][Metric.VOICE_TO_VOICE]
    assert (voice["count"], voice["errors"], voice["p50"], voice["max"]) == (2, 1, 1000, 1100)
    assert results["errors"] == [{"stage": "voice to voice", "error": "too early", "count": 1}]
    assert not results["partial"]
    assert results["load_machine"]["cpu_per_caller"] == 10
    assert results["warnings"] == []


def test_killed_calls_and_a_killed_run_make_results_partial() -> None:
    """Killed calls and a killed run make the results partial; their reports still count."""
    killed = call("c-2")[:1]
    results = check(results_of([plan(), *call(), *killed, sample(Metric.CREATE, 9, call="c-2")]))
    assert results["partial_because"] == [
        "the run was killed before its end",
        "1 calls were killed midway; their reports are kept",
    ]
    assert results["stages"][Metric.CREATE]["count"] == 1


def test_a_busy_load_machine_is_a_warning() -> None:
    """A late event loop and a busy CPU of the load machine are warnings, since figures include them."""
    results = check(results_of([*whole_run(), second(lag=55), second(system=93)]))
    late, busy = results["warnings"]
    assert "over 30 ms late in 1 of 3 seconds (at worst 55 ms)" in late
    assert "above 80 % in 1 of 3 seconds" in busy


def test_the_number_of_callers_is_that_of_the_moment() -> None:
    """A sample's number of callers is counted over all hosts, from the calls' begin and end."""
    calls = [*call("c-1", 0, 10), *call("c-2", 5, 20)]
    voices = [sample(Metric.VOICE_TO_VOICE, 900, at) for at in (1, 7, 15)]
    results = results_of([plan(), *calls, *voices, END])
    assert [each["callers"] for each in results["samples"]] == [1, 2, 1]


def test_a_line_that_was_cut_off_is_left_out() -> None:
    """A line that a full disk or a killed process cut off is skipped."""
    lines = [encode(message) for message in whole_run()]
    assert list(decode([*lines, lines[0][:20]])) == whole_run()


def test_missed_thresholds_are_described(tmp_path: Path) -> None:
    """Each missed percentile, error and count is described; a metric without samples is missed too."""
    path = tmp_path / "t.yaml"
    path.write_text(
        "stages:\n  voice to voice: {p50: 900, p95: 2000, at_least: 3}\n"
        "  create: {errors: 0}\n  barge-in: {p95: 500}\n"
    )
    failed = sample(Metric.CREATE, 3.0, error="500: broken")
    found = missed(read_thresholds(path), results_of([*whole_run(), failed])["stages"])
    assert found == [
        "voice to voice: p50 is 1000 ms, not 900 or less",
        "voice to voice: 2 samples, not 3 or more",
        "create: 1 errors, not 0 or less",
        "barge-in: p95 must be 500 ms or less, but nothing was measured",
    ]


@pytest.mark.parametrize(
    "text", ["stages: {voice to vice: {p50: 3}}", "stages: {create: {p51: 3}}"]
)
def test_thresholds_of_unknown_metrics_are_refused(tmp_path: Path, text: str) -> None:
    """Thresholds of unknown metrics or keys are an error, since they would always pass."""
    path = tmp_path / "t.yaml"
    path.write_text(text)
    with pytest.raises(FileError, match=r"voice to vice|p51"):
        read_thresholds(path)


def test_the_page_is_one_file() -> None:
    """The page has no scripts and loads nothing, and escapes its content."""
    parts = {"wire: speech to transcript": 260.0, "wire: llm first token": -20.0}
    run = [*whole_run(), turn(parts=parts, expected="<b>"), second(lag=99)]
    html = page(results_of(run))
    assert "1000 ms" in html
    assert html.count("<svg") == 4
    assert "&lt;b&gt;" in html
    assert not any(word in html for word in ("<script", "http://", "https://", "src=", "<b>&"))


def test_an_empty_run_has_a_page_too() -> None:
    """A run in which all calls failed still has a page, with the error."""
    failed = sample(Metric.CREATE, 3.0, error="500: broken")
    assert "500: broken" in page(check(results_of([plan(), failed, END])))


def test_a_full_disk_sends_the_report_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a full disk the report goes into another folder, marked partial, and no half file stays."""
    full = tmp_path / "full"
    spare = tmp_path / "spare"
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(spare))  # noqa: ARG005
    write_text = Path.write_text

    def fails(path: Path, text: str) -> int:
        if path.parent == full and path.name == writing.PAGE:
            write_text(path, text[:10])
            raise OSError(errno.ENOSPC, "No space left on device")
        return write_text(path, text)

    monkeypatch.setattr(Path, "write_text", fails)
    assert not write(full, results_of(whole_run()))
    output = capsys.readouterr().err
    assert f"cannot be written into {full}: No space left on device" in output
    assert f"the report is in {spare} instead" in output
    assert not (full / writing.PAGE).exists()
    assert read_results(spare / RESULTS)["partial"]


def test_a_comparison_distinguishes_a_difference_from_chance() -> None:
    """Twice as slow in every call is a certain difference; an equal run is none."""

    def run(factor: float) -> Results:
        journal = [plan()]
        for number in range(12):
            name = f"c-{number}"
            ms = [factor * (800 + 10 * number + 7 * place) for place in range(4)]
            journal += call(name) + [sample(Metric.VOICE_TO_VOICE, each, call=name) for each in ms]
        return results_of([*journal, END])

    slower, same = compare(run(1), run(2)), compare(run(1), run(1))
    assert [each.ratio for each in slower] == pytest.approx([2, 2])
    assert all(each.certain and each.low > 1.8 for each in slower)
    assert not any(each.certain for each in same)
    assert "voice to voice" in table(slower)
    assert caveats("A", run(1)) == []
    assert "12 whole calls" not in str(caveats("A", run(1)))


def test_few_calls_are_a_caveat() -> None:
    """A comparison with fewer than 10 calls has a caveat, since its intervals are too narrow."""
    assert caveats("A", results_of(whole_run())) == [
        "A has 1 whole calls: with fewer than 10 the intervals are too narrow"
    ]


def test_failures_are_a_caveat_of_a_ratio() -> None:
    """Failed samples are a caveat: a target that fails its slowest turns would look fast."""
    calls = [message for number in range(10) for message in call(f"c-{number}")]
    good = [sample(Metric.VOICE_TO_VOICE, 900, call=f"c-{number}") for number in range(10)]
    broken = [sample(Metric.CREATE, 3, error="500"), sample(Metric.CREATE, 3)]
    results = results_of([plan(), *calls, *good, *broken, END])
    assert caveats("A", results) == ["A: create: 1 of 2 failed and are not in the ratio"]
    assert "A: create: 1 of 2 failed" in comparison({"A": results})


def test_other_json_is_no_results_file(tmp_path: Path) -> None:
    """JSON of another shape is rejected as results."""
    path = tmp_path / "x.json"
    path.write_text("[]")
    with pytest.raises(ValueError, match="not results of version 1"):
        read_results(path)


def test_a_trouble_makes_results_partial() -> None:
    """A trouble makes the results partial, and is listed once."""
    trouble = {"kind": messages.TROUBLE, "why": "a host ended"}
    assert results_of([*whole_run(), trouble, trouble])["partial_because"] == ["a host ended"]


def test_a_journal_goes_on_in_memory_when_the_disk_is_full() -> None:
    """With a full disk the journal keeps every report in memory, and the results are partial."""
    journal = Journal(Path("/dev/full"))
    for message in whole_run():
        journal.add(message)
    journal.close()
    [why] = results_of(journal.messages)["partial_because"]
    assert "cannot be written (No space left on device)" in why
    assert len(journal.messages) == len(whole_run()) + 1


def test_alternating_targets_are_compared_over_all_their_rounds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each round starts with another target, all rounds are merged, and the worst exit code is returned."""
    order = []

    def run_one(target: str, where: Path) -> int:
        order.append(where.name)
        name, factor = f"c-{len(order)}", 2 if target == "stock" else 1
        journal = [plan(target=target), *call(name)]
        journal += [sample(Metric.VOICE_TO_VOICE, factor * ms, call=name) for ms in (800, 900)]
        write(where, results_of([*journal, END]))
        return int(target == "stock")

    assert alternate(("stock", "ours", "pipecat"), 2, tmp_path, run_one, threading.Event()) == 1
    assert order == ["stock-1", "ours-1", "pipecat-1", "ours-2", "pipecat-2", "stock-2"]
    ours = check(read_results(tmp_path / "ours.json"))
    assert ours["calls"] == {"begun": 2, "whole": 2}
    assert ours["stages"][Metric.VOICE_TO_VOICE]["count"] == 4
    output = capsys.readouterr().out
    assert "A: stock, B: ours" in output
    assert "A: pipecat, B: ours" in output
    assert "0.50 (0.50..0.50) *" in output
