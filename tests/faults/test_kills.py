"""A few kills of each step; `make faults` does many more."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from tests.faults.compare import Contents, differences
from tests.faults.kills import Lake, Moment, Step, steps
from tests.small_lake import AS_OF, SmallLake

pytestmark = [pytest.mark.end_to_end, pytest.mark.spark, pytest.mark.timeout(1800)]

INGEST, SILVER, _, TRAIN, SCORE = steps(AS_OF, workers=(2,))

IN_TABLE_CREATION = Moment(marks=3)
IN_LANDING = Moment(marks=15)  # 11 tables, the plan, and three of eight sources
IN_CONFORMING = Moment(marks=6)
IN_TRAINING = Moment(marks=2)
IN_SCORING = Moment(marks=1)


@pytest.fixture(scope="module")
def undisturbed(spark: SparkSession, small_lake: SmallLake) -> dict[str, Contents]:
    return small_lake.contents(spark)


def go_on_after(lake: Lake, step: Step, kills: Sequence[Moment]) -> None:
    for moment in kills:
        assert lake.kill(step, moment), f"{step.name} had ended before it could be killed {moment}: see {lake.log}"
    lake.run(step)


def test_ingest_and_silver_killed_anywhere_lose_and_double_nothing(
    spark: SparkSession, small_lake: SmallLake, undisturbed: dict[str, Contents], tmp_path: Path
) -> None:
    lake = Lake(tmp_path / "killed", small_lake.lake.landing, small_lake.lake.sources)

    go_on_after(lake, INGEST, [IN_TABLE_CREATION, IN_LANDING])
    go_on_after(lake, SILVER, [IN_CONFORMING])

    assert differences(spark, small_lake.finished, lake.home, undisturbed, ("bronze", "silver")) == []


def test_training_and_scoring_killed_anywhere_end_with_the_same_model_and_scores(
    spark: SparkSession, small_lake: SmallLake, undisturbed: dict[str, Contents]
) -> None:
    """The first kill is the copy that was taken while the undisturbed run trained."""
    with small_lake.as_it_was("in_training") as lake:
        go_on_after(lake, TRAIN, [IN_TRAINING])
        go_on_after(lake, SCORE, [IN_SCORING])

        assert differences(spark, small_lake.finished, lake.home, undisturbed, ("gold", "ml")) == []
