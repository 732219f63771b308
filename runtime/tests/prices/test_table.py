"""The table of prices: which price a model has, and which files are refused."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent_runtime.prices.table import read_prices


def written(folder: Path, **changes: Any) -> str:
    """The path of a file of prices."""
    path = folder / "prices.json"
    path.write_text(json.dumps({"as_of": "2026-01", **changes}))
    return str(path)


def test_the_package_has_a_dated_list_that_names_the_default_models() -> None:
    """Agents without a model of their own have a cost."""
    table = read_prices("")
    assert table.as_of
    assert table.find("stt", "Deepgram", "nova-3") is not None
    assert table.find("llm", "api.openai.com", "gpt-4o-mini") is not None
    assert table.find("tts", "Cartesia", "sonic") is not None


def test_the_longest_name_before_a_hyphen_counts() -> None:
    """A dated name has its family's price, and no shorter name's."""
    table = read_prices("")
    mini = table.find("llm", "openai", "gpt-4o-mini-2024-07-18")
    plain = table.find("llm", "openai", "gpt-4o-2024-08-06")
    assert mini is not None
    assert plain is not None
    assert (mini.model, plain.model) == ("gpt-4o-mini", "gpt-4o")
    assert table.find("llm", "openai", "gpt-4ominous") is None
    assert table.find("llm", "vllm.internal:8000", "gpt-4o") is None


def test_a_file_of_the_operator_replaces_the_list(tmp_path: Path) -> None:
    """Nothing of the package's list is left; an empty model is each model of the vendor."""
    prices = [{"provider": "Vllm.Internal:8000", "model": "", "per_million_output": 1}]
    table = read_prices(written(tmp_path, llm=prices))
    assert table.as_of == "2026-01"
    found = table.find("llm", "vllm.internal:8000", "any")
    assert found is not None
    assert found.per_million_output == 1
    assert table.find("llm", "openai", "gpt-4o") is None


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        (
            {"llm": [{"provider": "x", "model": "y", "per_million_input": -1}]},
            r"llm\.0\.per_million",
        ),
        (
            {"llm": [{"provider": "x", "model": "y", "per_million_input": "dear"}]},
            r"llm\.0\.per_mil",
        ),
        ({"stt": [{"provider": "x", "model": "y", "per_hour": 1}]}, r"stt\.0\.per_hour"),
        ({"as_of": "lately"}, "as_of"),
        ({"speech": []}, "speech"),
    ],
)
def test_a_wrong_file_is_refused_by_its_field(
    tmp_path: Path, changes: dict[str, Any], place: str
) -> None:
    """The error names file and field."""
    with pytest.raises(ValueError, match=rf"prices\.json: {place}"):
        read_prices(written(tmp_path, **changes))


def test_what_is_no_file_or_no_json_is_refused(tmp_path: Path) -> None:
    """The error names the file."""
    with pytest.raises(ValueError, match=r"none\.json: No such file"):
        read_prices(str(tmp_path / "none.json"))
    broken = tmp_path / "broken.json"
    broken.write_text("{")
    with pytest.raises(ValueError, match=r"broken\.json"):
        read_prices(str(broken))
