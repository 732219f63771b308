"""The HTTP benchmark: reading wrk's output, ratios, thresholds and faults."""

import pytest

from load.http.results import Memory, Result, Run, Spread, ratio
from load.http.thresholds import missed
from load.http.variants import BASELINE, OURS_POSTGRESQL, OURS_SQLITE, Variant
from load.http.wrk import Answers, Scenario, WrkError, parse_answers

SUMMARY = '{"requests":120,"refused":20,"broken":3,"p50":1500,"p90":2500,"p99":20000,"max":31000}\n'


def answers(throughput: int, p99: float = 10) -> Answers:
    """The responses of a run of one second."""
    return Answers(throughput, 0, 0, seconds=1, p50=1, p90=2, p99=p99, max=50)


def result(
    variant: Variant, *throughputs: int, p99: float = 10, cold_start: float = 0.3, rss: float = 60
) -> Result:
    """A result with the same runs in both scenarios."""
    runs = {each: [Run(answers(t, p99)) for t in throughputs] for each in Scenario}
    return Result(variant, [cold_start], runs, Memory(rss, rss / 2))


BASELINE_RESULT = result(BASELINE, 100, 100, 100, p99=30, cold_start=2, rss=200)


def test_the_summary_is_found_below_what_wrk_itself_prints() -> None:
    """The summary follows wrk's own output. Times become milliseconds; refusals do not count."""
    read = parse_answers(f"Running 2s test\n  1 threads\n{SUMMARY}", seconds=2)
    assert read == Answers(120, 20, 3, seconds=2, p50=1.5, p90=2.5, p99=20, max=31)
    assert read.accepted == 100
    assert read.throughput == 50


def test_output_without_a_summary_is_an_error() -> None:
    """Output without a summary is an error, not a run without responses."""
    with pytest.raises(WrkError, match="no summary"):
        parse_answers("Running 2s test\nunable to connect\n", seconds=2)


def test_the_ratio_is_taken_round_by_round() -> None:
    """The ratio is taken in each round, so a round that was slow for both does not widen the spread."""
    ours = result(OURS_POSTGRESQL, 300, 30, 250)
    other = result(BASELINE, 100, 10, 100)
    assert ratio(ours, other, Scenario.GET) == Spread(3.0, 2.5, 3.0)


def test_nothing_is_missed_when_every_threshold_is_met() -> None:
    """Twice the baseline on PostgreSQL and three times on SQLite meet the thresholds."""
    ours = [result(OURS_POSTGRESQL, 200, 210, 190), result(OURS_SQLITE, 300, 310, 290)]
    assert missed([*ours, BASELINE_RESULT]) == []


@pytest.mark.parametrize(
    ("faulty", "words"),
    [
        (result(OURS_SQLITE, 299, 290, 310), "create reaches 2.99 (2.90..3.10) times the baseline"),
        (result(OURS_POSTGRESQL, 199, 190, 230), "get reaches 1.99 (1.90..2.30) times"),
        (result(OURS_SQLITE, 400, 400, 400, p99=30), "get has a p99 of 30.0 ms"),
        (result(OURS_SQLITE, 400, 400, 400, cold_start=0.7), "the first answer takes 0.70 s"),
        (result(OURS_SQLITE, 400, 400, 400, rss=70), "holds 70 MB"),
    ],
)
def test_each_missed_threshold_is_named(faulty: Result, words: str) -> None:
    """Each missed threshold is a line with the variant and the figure that it reached."""
    found = missed([faulty, BASELINE_RESULT])
    assert any(words in line and line.startswith(faulty.variant.name) for line in found)


@pytest.mark.parametrize(
    ("given", "left", "words"),
    [
        (answers(0), {}, "no request was accepted"),
        (Answers(10, 2, 0, 1, 1, 1, 1, 1), {}, "2 answers of 400 and above, 0 broken"),
        (Answers(10, 0, 1, 1, 1, 1, 1, 1), {}, "0 answers of 400 and above, 1 broken"),
        (answers(10), {"rows": 9}, "10 accepted requests left 9 rows"),
        (answers(10), {"rows": 10, "dispatches": 11}, "10 accepted requests left 11 dispatches"),
    ],
)
def test_a_faulty_run_describes_its_fault(given: Answers, left: dict[str, int], words: str) -> None:
    """Faults are refused or broken requests, and other than one row and dispatch for an accepted one."""
    assert Run.checked(given, left).faults == (words,)


def test_a_run_is_right_when_every_answer_left_one_of_each() -> None:
    """A run in which every accepted request left one row and one dispatch has no faults."""
    assert Run.checked(answers(10), {"rows": 10, "dispatches": 10}).faults == ()
