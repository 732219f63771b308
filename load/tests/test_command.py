"""What the command line refuses, before anything starts."""

import math

import pytest

from load.command import locust_arguments, new_folder, run_parser


@pytest.mark.parametrize("option", ["--minutes", "--arrivals", "--ramp"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon"])
def test_figures_that_are_not_above_zero_are_refused(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Locust takes no minutes for no limit, and a stream of -1 calls a minute never waits."""
    with pytest.raises(SystemExit) as ended:
        run_parser().parse_args([f"{option}={value}"])
    assert ended.value.code == 2
    assert f"{option}: {value} is not a number above 0" in " ".join(
        capsys.readouterr().err.replace("argument ", "").split()
    )


def test_the_shortest_run_is_a_second() -> None:
    """0 s would be no limit."""
    given = run_parser().parse_args(["--minutes", "0.001"])
    arguments = locust_arguments(given, new_folder(), "ours", [])
    assert arguments[arguments.index("--run-time") + 1] == "1s"
    assert math.isclose(given.arrivals, 0)
