"""The order of all steps, each of which is tested where it is."""

from datetime import date
from unittest.mock import ANY, Mock, call

import pytest

from jobs import run, train_churn
from ml.churn.dataset import TooLittleHistoryError, training_days
from ml.churn.parameters import Parameters

AS_OF = date(2024, 12, 31)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """Steps that only note that they were called."""
    noted = Mock()
    of_run = (
        "ingest_sources",
        "build_silver",
        "train_churn",
        "score_churn",
        "parse",
        "build_marts",
        "write_pages",
        "write_report",
    )
    for module, names in {run: of_run, train_churn: ("days_of", "build_labels")}.items():
        for name in (*names, "build_gold", "check_layer"):
            monkeypatch.setattr(module, name, getattr(noted, name))
    return noted


def test_each_layer_is_checked_before_the_next_is_built(steps):
    run.run_all(Mock(), (), AS_OF, workers=2)

    made = [each for each in steps.mock_calls if each[0] not in ("parse", "parse.settings")]
    assert made == [
        call.ingest_sources(ANY, ()),
        call.check_layer(ANY, "bronze", (), AS_OF),
        call.build_silver(ANY, ()),
        call.check_layer(ANY, "silver", (), AS_OF),
        call.train_churn(ANY, AS_OF, workers=2, also=[AS_OF]),
        call.score_churn(ANY, AS_OF),
        call.check_layer(ANY, "ml", (), AS_OF),
        call.build_marts(ANY, AS_OF, parsed=steps.parse.return_value),
        call.write_pages(ANY),
        call.write_report(ANY, AS_OF),
    ]


def test_without_history_to_train_on_all_but_the_model_is_made(steps, capsys):
    steps.train_churn.side_effect = TooLittleHistoryError("expected orders, found none")

    run.run_all(Mock(), (), AS_OF, workers=2)

    assert steps.mock_calls[5:] == [
        call.build_gold(ANY, [AS_OF]),
        call.check_layer(ANY, "gold", (), AS_OF),
        call.build_marts(ANY, AS_OF, parsed=None),
        call.write_pages(ANY),
        call.write_report(ANY, AS_OF),
    ]
    assert "No model yet, and no scores.\nexpected orders, found none" in capsys.readouterr().out


def test_gold_of_all_days_is_checked_with_its_labels_before_a_model_learns_from_it(steps, monkeypatch):
    of_size = Mock()
    monkeypatch.setattr(train_churn, "tuned_for", lambda lake: of_size)
    days = training_days(AS_OF, first_order_on=date(2024, 1, 1), parameters=Parameters())
    steps.days_of.return_value = days
    lake = Mock()
    lake.origin.side_effect = InterruptedError

    with pytest.raises(InterruptedError):
        train_churn.train_churn(lake, AS_OF, workers=1, also=[AS_OF])

    assert steps.mock_calls == [
        call.days_of(of_size, AS_OF, ANY),
        call.build_gold(lake, [*days.all, AS_OF]),
        call.build_labels(lake, days.all, known_until=AS_OF, horizon=ANY, active=ANY),
        call.check_layer(lake, "gold", (), *days.all, AS_OF),
    ]
