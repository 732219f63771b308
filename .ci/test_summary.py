"""The closing summary of a CI run."""

import importlib.util
import json
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="module")
def summary() -> ModuleType:
    """The script as a module; its folder is no package."""
    spec = importlib.util.spec_from_file_location("summary", Path(__file__).with_name("summary.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["summary"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def tox_json(folder: Path, **environments: bool | None) -> str:
    """A result file of tox; None for an environment that tox did not run."""
    path = folder / "tox.json"
    runs = {
        name: {} if success is None else {"result": {"success": success, "duration": 61.4}}
        for name, success in environments.items()
    }
    path.write_text(json.dumps({"testenvs": runs}))
    return str(path)


def test_every_environment_has_a_junit_file(summary: ModuleType, tmp_path: Path) -> None:
    """An environment without tests of its own is one test case with the environment's verdict."""
    result = tox_json(tmp_path, lint=False, types=True)
    assert summary.main([result, str(tmp_path), "lint", "types"]) == 1
    lint, types = (ET.parse(tmp_path / f"{name}.xml").getroot() for name in ("lint", "types"))  # noqa: S314
    assert (lint.get("tests"), lint.get("failures"), lint.get("time")) == ("1", "1", "61.4")
    assert (types.get("tests"), types.get("failures")) == ("1", "0")


def test_the_table_counts_tests_and_names_times(
    summary: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files of pytest and of the gate are counted; the last line sums them for machines."""
    (tmp_path / "unit.xml").write_text(
        '<testsuites><testsuite tests="7" failures="1" errors="1"/></testsuites>'
    )
    (tmp_path / "contract").mkdir()
    (tmp_path / "contract" / "junit.xml").write_text(
        '<testsuite tests="3" failures="0" errors="0"/>'
    )
    result = tox_json(tmp_path, unit=False, contract=True)
    assert summary.main([result, str(tmp_path), "unit", "contract"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split() == ["unit", "failed", "7", "2", "1:01"]
    assert lines[2].split() == ["contract", "passed", "3", "0", "1:01"]
    assert lines[-1] == "8 passed, 2 failed"


@pytest.mark.parametrize(("name", "code"), [("py313", 0), ("unit", 1)])
def test_what_was_not_run_is_said(
    summary: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, code: int
) -> None:
    """A further Python may be missing on a machine; any other environment that is missing fails."""
    assert summary.main([tox_json(tmp_path), str(tmp_path), name]) == code
    assert capsys.readouterr().out.splitlines()[1].split()[:3] == [name, "not", "run"]
