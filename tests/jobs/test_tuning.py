"""In which session a step works."""

from datetime import UTC, datetime

import pytest

from bronze.ledger import LOADS
from jobs import tuning
from jobs.tuning import rows_landed, tuned, tuned_for


@pytest.fixture
def landed(lake):
    """Loads of two sources."""

    def load(source: str, number: int, rows: int) -> dict:
        about = dict.fromkeys(LOADS.columns)
        ended_at = datetime(2024, 7, 1, tzinfo=UTC)
        return about | {"source": source, "load_id": number, "status": "landed", "rows": rows, "ended_at": ended_at}

    lake.add(lake.rows([load("pos", 0, 700), load("pos", 1, 200), load("crm", 2, 100)], LOADS), LOADS)
    return lake


def test_rows_are_those_of_all_loads_of_a_source(landed):
    assert rows_landed(landed) == {"pos": 900, "crm": 100}


def test_a_step_is_compiled_where_it_has_rows_for_it_and_left_alone_where_many_have_landed(landed, monkeypatch):
    monkeypatch.setattr(tuning, "WORTH_COMPILING", 500)

    assert tuned(landed) is landed.for_few_rows
    assert tuned_for(landed) is landed.for_some_rows
    assert tuned_for(landed, ["pos"]) is landed.for_some_rows
    assert tuned_for(landed, ["crm", "unknown"]) is landed.for_few_rows
    monkeypatch.setattr(tuning, "MANY_ROWS", 999)
    assert tuned(landed) is landed
    assert tuned_for(landed, ["crm"]) is landed
