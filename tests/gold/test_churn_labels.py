from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from pyspark.sql import SparkSession

from gold import churn_labels
from tests.gold.silver_rows import AS_OF, Changed, Silver, ago, line, party

LATER = AS_OF + timedelta(weeks=10)


@pytest.fixture
def has_churned(spark: SparkSession) -> Callable[..., dict[str, bool]]:
    """Of everyone who was active at AS_OF: have they churned?"""

    def built(*lines: Any, known_until: date = LATER, parties: Any = (), **windows: int) -> dict[str, bool]:
        silver = Silver(lines=lines, parties=parties).frames(spark)
        known = {name: silver[name] for name in ("order_lines", "core_ids", "revisions")}
        rows = churn_labels.build(**known, days=[AS_OF], known_until=known_until, **windows).collect()
        assert len(rows) == len({row.core_id for row in rows})
        return {row.core_id: row.has_churned for row in rows}

    return built


def test_the_horizon_begins_after_today_and_ends_with_its_last_day(has_churned):
    labels = has_churned(
        *(line(ago(5), party=name) for name in ("next day", "last day", "day after", "never again")),
        line(ago(0, "23:59:59"), party="today"),
        line(ago(-1, "00:00"), party="next day"),
        line(ago(-28, "23:59:59"), party="last day"),
        line(ago(-29, "00:00"), party="day after"),
    )

    assert labels == {
        "next day": False,
        "last day": False,
        "day after": True,
        "never again": True,
        "today": True,
    }


def test_only_customers_who_ordered_in_the_active_weeks_are_labelled(has_churned):
    labels = has_churned(
        line(ago(90), party="just active"),
        line(ago(91), party="just not"),
        line(ago(91), party="came back"),
        line(ago(-3), party="came back"),
        line(ago(-3), party="new"),
    )

    assert labels == {"just active": True}


def test_the_windows_can_be_chosen(has_churned):
    labels = has_churned(
        *(line(ago(13), party=name) for name in ("soon", "late")),
        line(ago(14), party="not active"),
        line(ago(-7), party="soon"),
        line(ago(-8), party="late"),
        horizon_weeks=1,
        active_weeks=2,
    )

    assert labels == {"soon": False, "late": True}


def test_a_day_is_labelled_from_the_end_of_its_horizon_on(has_churned):
    ends_on = AS_OF + timedelta(weeks=4)

    assert has_churned(line(ago(1)), known_until=ends_on) == {"ann": True}
    with pytest.raises(ValueError, match=f"known_until: expected {ends_on} or later, found {ends_on - timedelta(1)}"):
        has_churned(line(ago(1)), known_until=ends_on - timedelta(days=1))


def test_an_order_of_the_horizon_counts_if_it_had_arrived_when_the_label_was_made(has_churned):
    labels = has_churned(
        *(line(ago(5), party=name) for name in ("arrived", "not yet")),
        line(ago(-3), party="arrived", arrived=ago(-70, "23:59:59")),
        line(ago(-3), party="not yet", arrived=ago(-71, "00:00")),
        known_until=LATER,
    )

    assert labels == {"arrived": False, "not yet": True}


def test_an_earlier_order_that_arrives_later_neither_activates_nor_brings_back(has_churned):
    labels = has_churned(
        line(ago(5), party="ann"),
        line(ago(2), party="ann", arrived=ago(-2)),
        line(ago(2), party="unknown then", arrived=ago(-2)),
    )

    assert labels == {"ann": True}


def test_an_order_whose_day_is_corrected_later_is_active_as_it_was_known(has_churned):
    before = line(ago(5), order="corrected")
    now = {**before, "ordered_at": ago(400), "learned_at": ago(-2)}

    assert has_churned(Changed(before, now)) == {"ann": True}


def test_coming_back_with_another_identity_record_is_coming_back(has_churned):
    labels = has_churned(
        line(ago(5), party="card"),
        line(ago(-5), party="account"),
        parties=[party("card", "ann"), party("account", "ann", met=ago(-5))],
    )

    assert labels == {"ann": False}
