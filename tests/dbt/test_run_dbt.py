"""When the job builds marts again, and what it says when it cannot."""

import shutil
from datetime import date, timedelta

import pytest

from jobs import run_dbt
from jobs.run_dbt import PROJECT, DbtError, Outcome
from lakehouse.delta import Lakehouse
from lakehouse.session import FEW_ROWS
from ml.tables import CHURN_SCORES
from silver.tables import CUSTOMERS
from tests.dbt.small_lake import AS_OF, frame, score

pytestmark = [pytest.mark.spark, pytest.mark.usefixtures("first_build")]

TABLES = ("rfmt_segments", "customer_360", "campaign_performance", "churn_watchlist")


def versions(lake: Lakehouse) -> dict[str, int]:
    return {name: lake.spark.sql(f"DESCRIBE HISTORY marts.{name} LIMIT 1").first().version for name in TABLES}


def changed(before: dict[str, int], after: dict[str, int]) -> set[str]:
    return {name for name in TABLES if before[name] != after[name]}


def test_a_second_run_writes_nothing(small: Lakehouse):
    before = versions(small)

    assert run_dbt.run(small, AS_OF) == Outcome()
    assert versions(small) == before


def test_what_was_parsed_before_is_not_parsed_again(small: Lakehouse, monkeypatch):
    parsed = run_dbt.parse(small.settings, AS_OF)
    monkeypatch.delattr(run_dbt.Dbt, "parse")

    assert run_dbt.run(small, AS_OF, parsed=parsed) == Outcome()


def test_only_marts_that_know_of_the_day_depend_on_it(small: Lakehouse, tmp_path):
    def origins(as_of: date) -> dict[str, str]:
        manifest = run_dbt.Dbt(PROJECT, tmp_path, 1, as_of).parse()
        return run_dbt.origins_of(small, manifest, PROJECT, as_of)

    today, tomorrow = origins(AS_OF), origins(AS_OF + timedelta(days=1))

    assert {name for name in today if today[name] == tomorrow[name]} == {"campaign_performance"}


def test_a_mart_is_built_again_when_its_input_has_changed_or_it_was_dropped(small: Lakehouse):
    before = versions(small)
    small.merge(frame(small, CHURN_SCORES, score("dee", 0.2)), CHURN_SCORES)
    small.spark.sql("DROP TABLE marts.rfmt_segments")

    outcome = run_dbt.run(small, AS_OF)

    assert {step.name for step in outcome.models} == {"customer_360", "churn_watchlist", "rfmt_segments"}
    assert versions(small)["campaign_performance"] == before["campaign_performance"]


def test_the_session_keeps_its_own_settings(small: Lakehouse):
    assert small.spark.conf.get("spark.sql.ansi.enabled") == "true"


def test_few_rows_are_planned_once_for_dbt_and_the_session_is_as_it_was_afterwards(small: Lakehouse):
    session = small.spark.newSession()
    session.conf.set("spark.sql.shuffle.partitions", "7")
    session.conf.unset("spark.sql.leafNodeDefaultParallelism")
    session.conf.set("spark.sql.adaptive.enabled", "true")

    with run_dbt.dbt_in_session(Lakehouse(session, small.settings)):
        assert {name: session.conf.get(name) for name in FEW_ROWS} == FEW_ROWS
    assert session.conf.get("spark.sql.shuffle.partitions") == "7"
    assert session.conf.get("spark.sql.adaptive.enabled") == "true"
    assert session.conf.get("spark.sql.leafNodeDefaultParallelism", None) is None


def test_a_broken_promise_stops_the_run_and_is_not_forgotten(small: Lakehouse):
    customers = small.read(CUSTOMERS).collect()
    twice = small.spark.createDataFrame([*customers, customers[0]], CUSTOMERS.schema)
    small.replace(twice, CUSTOMERS)

    with pytest.raises(DbtError) as error:
        run_dbt.run(small, AS_OF)

    assert "data test unique_customer_360_core_id:\n    Got 1 result, configured to fail if != 0" in str(error.value)
    assert "Traceback" not in str(error.value)
    assert run_dbt.built_from(small, "customer_360") is None  # so that the next run builds and tests it again
    small.replace(small.spark.createDataFrame(customers, CUSTOMERS.schema), CUSTOMERS)


def test_a_model_that_dbt_cannot_read_is_named(small: Lakehouse, tmp_path):
    project = shutil.copytree(PROJECT, tmp_path / "dbt", ignore=shutil.ignore_patterns("target", "logs"))
    (project / "models" / "marts" / "novelty.sql").write_text("select * from {{ ref('nothing') }}\n")

    with pytest.raises(DbtError, match="dbt could not parse") as error:
        run_dbt.run(small, AS_OF, project=project)
    assert "'model.orrery.novelty' (models/marts/novelty.sql) depends on a node named 'nothing'" in str(error.value)
