"""The benchmark of the simulator counts what was written."""

from pathlib import Path

import pytest

from tests.benchmarks import simulator
from tests.benchmarks.report import to_markdown


@pytest.mark.end_to_end
def test_what_was_written_is_counted_and_told(tmp_path: Path) -> None:
    found = simulator.at_scale(tmp_path, runs=1, small=True)
    page = to_markdown({"simulator": {**found, "date": "2024-06-30", "size": "small", "machine": {"cores": "2"}}})

    assert 60 < found["world"]["feeds"] <= 77
    assert found["world"]["rows"] > found["world"]["order_lines"] > 0
    assert found["rows"]["rows"] > found["rows"]["people"] == 5_000
    assert f"200 people over two years: {found['world']['order_lines']:,} order lines" in page
    assert not any(path.is_dir() for path in tmp_path.iterdir())
