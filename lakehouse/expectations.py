"""What is ours in Great Expectations: expectations that count and show no values, over many tables at a time."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import great_expectations as gx
from great_expectations.core.metric_domain_types import MetricDomainTypes
from great_expectations.execution_engine import SparkDFExecutionEngine
from great_expectations.expectations.core.expect_column_values_to_be_between import ExpectColumnValuesToBeBetween
from great_expectations.expectations.core.expect_column_values_to_be_in_set import ExpectColumnValuesToBeInSet
from great_expectations.expectations.core.expect_column_values_to_match_regex import ExpectColumnValuesToMatchRegex
from great_expectations.expectations.core.expect_column_values_to_not_be_null import ExpectColumnValuesToNotBeNull
from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation
from great_expectations.expectations.metrics.metric_provider import metric_value
from great_expectations.expectations.metrics.query_metrics.query_row_count.query_row_count import QueryRowCount
from great_expectations.validator.validator import ValidationDependencies

SIDE_BY_SIDE = 3  # tables that are checked at a time


class CountsOnly:
    """An expectation that counts the values that break it, and does not collect them: nothing protects the pages that
    they would be shown on. GX would plan a query for those of each column, also where it shall show none."""

    def get_validation_dependencies(self, *arguments: Any, **named: Any) -> ValidationDependencies:
        found: ValidationDependencies = super().get_validation_dependencies(*arguments, **named)  # type: ignore[misc]
        for name in found.get_metric_names():
            if name.endswith(".unexpected_values"):
                found.remove_metric_configuration(name)
        return found


class ExpectNoNulls(CountsOnly, ExpectColumnValuesToNotBeNull): ...


class ExpectValuesBetween(CountsOnly, ExpectColumnValuesToBeBetween): ...


class ExpectValuesInSet(CountsOnly, ExpectColumnValuesToBeInSet): ...


class ExpectValuesToMatch(CountsOnly, ExpectColumnValuesToMatchRegex): ...


class RowsFound(QueryRowCount):
    """How many rows a query finds, by a view of its own: those of GX all have one name, and tables that are checked
    side by side would be taken for each other."""

    metric_name = "unexpected_rows_query.rows_found"
    value_keys = ("unexpected_rows_query",)

    @metric_value(engine=SparkDFExecutionEngine)
    def _spark(
        cls,  # noqa: N805  (GX names it when it calls)
        execution_engine: SparkDFExecutionEngine,
        metric_domain_kwargs: dict,
        metric_value_kwargs: dict,
        metrics: dict,
        runtime_configuration: dict,
    ) -> int:
        rows, _, _ = execution_engine.get_compute_domain(metric_domain_kwargs, domain_type=MetricDomainTypes.TABLE)
        return int(rows.sparkSession.sql(metric_value_kwargs["unexpected_rows_query"], batch=rows).count())


class ExpectNoSuchRows(UnexpectedRowsExpectation):
    """A query that finds no rows, which runs once: the class it comes from runs it twice, to count and to fetch."""

    metric_dependencies = ("table.row_count", RowsFound.metric_name)

    def _validate(self, metrics: dict, runtime_configuration: Any = None, execution_engine: Any = None) -> dict:
        rows, found = metrics["table.row_count"], metrics[RowsFound.metric_name]
        counts = {"element_count": rows, "unexpected_count": found, "unexpected_percent": 100 * found / max(rows, 1)}
        return {"success": found == 0, "result": counts}


class LayerCheckpoint(gx.Checkpoint):
    """A checkpoint over many DataFrames: GX would hand one and the same to all of its validation definitions. Some run
    at a time, since GX plans in Python what Spark runs meanwhile."""

    def _run_validation_definitions(self, batch_parameters: dict, **arguments: Any) -> dict:  # type: ignore[override]
        def run(each: gx.ValidationDefinition) -> dict:
            alone = gx.Checkpoint(name=each.name, validation_definitions=[each])
            return alone._run_validation_definitions({"dataframe": batch_parameters[each.name]}, **arguments)

        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            return {
                key: found for results in pool.map(run, self.validation_definitions) for key, found in results.items()
            }
