from datetime import date, timedelta

import numpy as np
import pytest
from pyspark.sql import functions as F

from gold.churn_labels import CHURN_LABELS
from gold.customer_features import CUSTOMER_FEATURES
from gold.customer_sequences import CUSTOMER_SEQUENCES
from ml.churn.dataset import FEATURES, RFMT, TrainingDays, model_inputs, read, training_days, training_rows, write
from ml.churn.parameters import Parameters
from tests.ml.churn.small import write_small

AS_OF = date(2017, 12, 31)
JANUARY, MARCH, APRIL = date(2024, 1, 7), date(2024, 3, 3), date(2024, 4, 7)


def row_of(table, **values):
    return tuple(values.get(name) for name in table.columns)


@pytest.fixture
def tables(spark):
    """Sequences, features and labels of customers at days; `weeks` is how long the sequences are."""

    def made(*customers: tuple[date, str], weeks: int = 3, recency_days: int | None = 5, **label):
        labelled = {"horizon_weeks": 4, "active_weeks": 13, "has_churned": False, **label}
        found = []
        for table in (CUSTOMER_SEQUENCES, CUSTOMER_FEATURES, CHURN_LABELS):
            values = {"weeks": weeks, "weeks_known": weeks, "shard": 1, "recency_days": recency_days, **labelled}
            steps = [float(step) for step in range(1, 10 * weeks + 1)]
            rows = [row_of(table, as_of=day, core_id=core_id, steps=steps, **values) for day, core_id in customers]
            found.append(spark.createDataFrame(rows, table.schema))
        return found

    return made


def test_the_days_are_a_horizon_apart_and_their_outcomes_are_known_a_day_after_it():
    days = training_days(AS_OF, first_order_on=date(2017, 1, 1), parameters=Parameters())

    assert (days.test, days.validation) == (date(2017, 12, 2), date(2017, 11, 4))
    assert days.train[-1] == date(2017, 10, 7)
    assert days.train[0] == date(2017, 4, 22)  # 16 weeks of history; four weeks before there were 12
    assert {b - a for a, b in zip(days.train, days.train[1:], strict=False)} == {timedelta(weeks=4)}


def test_no_more_days_than_asked_for():
    days = training_days(AS_OF, first_order_on=date(2010, 1, 1), parameters=Parameters(most_days=3))

    assert days.train == (date(2017, 8, 12), date(2017, 9, 9), date(2017, 10, 7))


def test_too_little_history_is_an_error_that_says_what_to_do():
    with pytest.raises(ValueError, match="expected by 2017-07-08, found 2017-07-09"):
        training_days(AS_OF, first_order_on=date(2017, 7, 9), parameters=Parameters())


def test_the_network_reads_the_newest_weeks(tables):
    sequences, features, _ = tables((MARCH, "a"), weeks=3)

    row = model_inputs(sequences, features, weeks=2).first()

    assert row.steps == [float(step) for step in range(11, 31)]
    assert row.weeks_known == 2


def test_a_sequence_of_fewer_weeks_is_padded_in_front(tables):
    sequences, features, _ = tables((MARCH, "a"), weeks=1)

    row = model_inputs(sequences, features, weeks=2).first()

    assert row.steps == [0.0] * 10 + [float(step) for step in range(1, 11)]
    assert row.weeks_known == 1


def test_features_are_the_logarithm_and_a_missing_value_counts_as_declared(tables):
    sequences, features, _ = tables((MARCH, "a"), recency_days=None)

    row = model_inputs(sequences, features, weeks=3).first()

    assert row.features == pytest.approx([np.log1p(RFMT[name]) for name in FEATURES])


def test_a_row_is_for_the_part_of_its_day_and_other_days_and_horizons_are_left_out(tables):
    days = TrainingDays(train=(JANUARY,), validation=MARCH, test=APRIL)
    known = tables((JANUARY, "a"), (MARCH, "a"), (APRIL, "b"), (date(2024, 5, 5), "c"))
    other = tables((JANUARY, "a"), horizon_weeks=8)

    rows = training_rows(*known, days=days, parameters=Parameters(weeks=3))
    none = training_rows(*other, days=days, parameters=Parameters(weeks=3))

    assert [tuple(row) for row in rows.select("core_id", "part").orderBy("as_of").collect()] == [
        ("a", "train"),
        ("a", "validation"),
        ("b", "test"),
    ]
    assert none.isEmpty()


def test_a_worker_reads_the_rows_of_its_shards_in_the_order_of_their_key(spark, tables, tmp_path):
    days = TrainingDays(train=(JANUARY, MARCH), validation=APRIL, test=APRIL)
    known = tables(*[(day, core_id) for day in (MARCH, JANUARY) for core_id in "dcba"])
    rows = training_rows(*known, days=days, parameters=Parameters(weeks=3))
    rows = rows.withColumn("shard", F.when(F.col("core_id").isin("a", "d"), 0).otherwise(1))
    folder = str(tmp_path / "rows")

    write(rows, folder)
    own = read(folder, "train", shards=[0])

    assert own.core_ids.tolist() == ["a", "d", "a", "d"]
    assert own.as_of.astype(str).tolist() == ["2024-01-07"] * 2 + ["2024-03-03"] * 2
    assert own.steps.shape == (4, 3, 10)
    assert own.steps[0].ravel().tolist() == [float(step) for step in range(1, 31)]


def test_rows_that_were_written_whole_are_not_written_again(spark, tables, tmp_path):
    folder = str(write_small(tmp_path / "rows"))
    (tmp_path / "rows" / "_SUCCESS").touch()

    write(tables((JANUARY, "a"))[0], folder)

    assert len(read(folder, "train").labels) == 80


def test_without_steps_all_else_is_the_same(tmp_path):
    folder = write_small(tmp_path / "rows")
    whole, small = read(folder, "test"), read(folder, "test", with_steps=False)

    assert small.core_ids.tolist() == whole.core_ids.tolist()
    assert (small.rfmt == whole.rfmt).all()
    assert small.steps.size == 0
