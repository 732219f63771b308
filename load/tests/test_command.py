"""The command line rejects unusable options before anything starts."""

import math

import pytest

from load.command import locust_arguments, new_folder, run_parser


@pytest.mark.parametrize("option", ["--minutes", "--arrivals", "--ramp"])
@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon"])
def test_numbers_must_be_above_zero(
    option: str, value: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 and less are refused: Locust takes 0 minutes for no limit, and -1 calls a minute never wait."""
    with pytest.raises(SystemExit) as ended:
        run_parser().parse_args([f"{option}={value}"])
    assert ended.value.code == 2
    assert f"{option}: {value} is not a number above 0" in " ".join(
        capsys.readouterr().err.replace("argument ", "").split()
    )


def test_the_shortest_run_is_a_second() -> None:
    """The shortest run passes 1 s to Locust, which would take 0 s for no limit."""
    given = run_parser().parse_args(["--minutes", "0.001"])
    arguments = locust_arguments(given, new_folder(), "ours", [])
    assert arguments[arguments.index("--run-time") + 1] == "1s"
    assert math.isclose(given.arrivals, 0)
