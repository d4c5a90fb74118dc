"""Great Expectations: declared rules become expectations, a checkpoint runs after each layer, an error stops the run.

`check` is all that a job calls. What came out is in quality.expectation_results, and in Data Docs to be looked at.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import great_expectations as gx
import great_expectations.expectations as gxe
from great_expectations.checkpoint import UpdateDataDocsAction
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context import AbstractDataContext
from great_expectations.data_context.types.base import DataContextConfig, InMemoryStoreBackendDefaults
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.delta import Lakehouse, met
from lakehouse.rules import Between, Holds, Matches, OneOf, Required, Rule, quoted
from lakehouse.settings import Settings
from lakehouse.tables import Column, Table

EXPECTATION_RESULTS = Table(
    name="quality.expectation_results",
    doc="What became of each rule of each table when a layer was checked.",
    grain="one row per rule of a checked version of a table",
    key=("table_name", "table_version", "scope", "rule"),
    columns={
        "layer": Column("string", "The layer after which it was checked."),
        "table_name": Column("string", "The table."),
        "table_version": Column("bigint", "Its Delta version that was checked."),
        "scope": Column("string", "Which rows were checked, as a condition; true is all of them."),
        "rule": Column("string", "The rule, as a row that breaks it says it."),
        "expectation": Column("string", "The expectation of Great Expectations that checked it."),
        "column_names": Column("array<string>", "The columns that the rule speaks of."),
        "severity": Column("string", "error stops the run before the next layer; warning is reported."),
        "is_met": Column("boolean", "Whether no row breaks it."),
        "rows_checked": Column("bigint", "Rows that were checked."),
        "rows_unexpected": Column("bigint", "Rows that break the rule; of a key, keys that more than one row has."),
        "sample": Column("string", "A few of those rows as JSON, without their personal columns.", "pseudonymous"),
        "problem": Column("string", "Why the rule could not be checked."),
        "checked_up_to": Column("bigint", "The newest load that was checked, where loads are checked once."),
        "rules_fingerprint": Column("string", "Changes with the declaration of the table: then it is checked again."),
    },
)

SEVERITIES = {"error": "critical", "warning": "warning"}
PRIVATE = ("personal", "sensitive")
ALL_ROWS = "true"
SAMPLE_ROWS = 5

# The key of a source's table holds because loads are appended once (`Lakehouse.append`), which tests/bronze proves:
# to count 21 million file positions after each load would say nothing new.
KEPT_BY_APPENDING = ("_file", "_position")


class QualityError(Exception):
    """Data that breaks a rule of severity `error`."""


class ExpectNoSuchRows(gxe.UnexpectedRowsExpectation):
    """A query that finds no rows, which runs once: the class it comes from runs it twice, to count and to fetch."""

    metric_dependencies = ("table.row_count", "unexpected_rows_query.row_count")

    def _validate(self, metrics: dict, runtime_configuration: Any = None, execution_engine: Any = None) -> dict:
        found = metrics["unexpected_rows_query.row_count"]
        counts = {"element_count": metrics["table.row_count"], "unexpected_count": found, "observed_value": found}
        return {"success": found == 0, "result": counts}


class LayerCheckpoint(gx.Checkpoint):
    """A checkpoint over many DataFrames: GX would hand one and the same to all of its validation definitions."""

    def _run_validation_definitions(self, batch_parameters: dict, **arguments: Any) -> dict:  # type: ignore[override]
        results = {}
        for each in self.validation_definitions:
            alone = gx.Checkpoint(name=each.name, validation_definitions=[each])
            results |= alone._run_validation_definitions({"dataframe": batch_parameters[each.name]}, **arguments)
        return results


@dataclass(frozen=True)
class Result:
    """A row of quality.expectation_results."""

    layer: str
    table_name: str
    table_version: int
    scope: str
    rule: str
    expectation: str
    column_names: list[str]
    severity: str
    is_met: bool
    rows_checked: int
    rows_unexpected: int
    sample: str | None = None
    problem: str | None = None
    checked_up_to: int | None = None
    rules_fingerprint: str = ""

    @property
    def stops_the_run(self) -> bool:
        return not self.is_met and self.severity == "error"


@dataclass(frozen=True)
class Check:
    """One version of a table, or the part of it that is checked."""

    table: Table
    version: int
    rows: DataFrame = field(compare=False)
    scope: str = ALL_ROWS
    checked_up_to: int | None = None

    @property
    def identity(self) -> tuple[str, int, str, str]:
        return self.table.name, self.version, self.scope, self.table.fingerprint


def check(
    lake: Lakehouse,
    tables: Iterable[Table],
    *,
    layer: str,
    as_of: date | None = None,
    loads: str | None = None,
    docs: Path | None = None,
) -> list[Result]:
    """Check all rules of a layer's tables in one checkpoint; QualityError where a rule of severity `error` is broken.

    A version of a table that was checked before is not checked again, and neither are its pages made anew.
    `as_of`: of tables that have this column, only that day is checked.
    `loads`: the column that numbers loads (they never change): only loads that no check has passed are checked.
    """
    docs = docs or docs_folder(lake.settings)
    known = known_results(lake, layer)
    planned = [each for table in tables if (each := plan(lake, table, known, as_of, loads))]
    due = [each for each in planned if each.identity not in known]
    found = run_checkpoint(due, layer, docs, as_of) if due else []
    if found:
        keep(lake, due, found)
    results = found + [result for each in planned for result in known.get(each.identity, [])]
    if any(result.stops_the_run for result in results):
        raise QualityError(message(layer, tables, results, docs))
    return results


def docs_folder(settings: Settings) -> Path:
    """Where Data Docs are: open index.html there."""
    return (Path(settings.state_dir) if settings.target == "databricks" else settings.home.absolute()) / "quality"


# What is due


Known = Mapping[tuple[str, int, str, str], list[Result]]


def known_results(lake: Lakehouse, layer: str) -> Known:
    """What earlier checks of the layer found, by what they checked."""
    known: dict[tuple[str, int, str, str], list[Result]] = {}
    for row in lake.read(EXPECTATION_RESULTS).where(F.col("layer") == layer).collect():
        result = Result(**row.asDict())
        identity = (result.table_name, result.table_version, result.scope, result.rules_fingerprint)
        known.setdefault(identity, []).append(result)
    return known


def plan(lake: Lakehouse, table: Table, known: Known, as_of: date | None, loads: str | None) -> Check | None:
    """The check that a table needs; none where nothing was written, or every load has passed."""
    version = lake.version(table)
    if version < 0:
        return None
    rows = lake.read(table, version=version)
    if loads in table.columns:
        passed = max((up_to for up_to in passed_loads(table, known)), default=None)
        newest = rows.agg(F.max(loads)).first()[0]
        if newest == passed:
            return None
        scope = ALL_ROWS if passed is None else f"{loads} > {passed}"
        return Check(table, version, rows.where(scope), scope, newest)
    if as_of is not None and "as_of" in table.columns:
        scope = f"as_of = DATE'{as_of}'"
        return Check(table, version, rows.where(scope), scope)
    return Check(table, version, rows)


def passed_loads(table: Table, known: Known) -> list[int]:
    """Up to which load each check of the table got that no error stopped."""
    return [
        results[0].checked_up_to
        for (name, _, _, fingerprint), results in known.items()
        if (name, fingerprint) == (table.name, table.fingerprint)
        and results[0].checked_up_to is not None
        and not any(result.stops_the_run for result in results)
    ]


# Rules as expectations


def expectations(table: Table) -> list[gxe.Expectation]:
    """Every rule of the table as an expectation, then its columns and its key."""
    rules = {rule.name: rule for rule in table.all_rules}.values()
    found = [expectation(table, rule) for rule in rules]
    found.append(
        gxe.ExpectTableColumnsToMatchSet(
            column_set=list(table.columns),
            exact_match=True,
            meta=meta("the columns are not the declared ones", (), "error"),
        )
    )
    if table.key and table.key != KEPT_BY_APPENDING:
        found.append(key_is_unique(table))
    return found


def expectation(table: Table, rule: Rule) -> gxe.Expectation:
    """A rule as the expectation that says the same."""
    columns = columns_of(table, rule)
    told: dict[str, Any] = {"severity": SEVERITIES[rule.severity], "meta": meta(rule.name, columns, rule.severity)}
    match rule:
        case Required():
            return gxe.ExpectColumnValuesToNotBeNull(column=rule.column, **told)
        case Between():
            return gxe.ExpectColumnValuesToBeBetween(
                column=rule.column, min_value=rule.low, max_value=rule.high, **told
            )
        case OneOf():
            return gxe.ExpectColumnValuesToBeInSet(column=rule.column, value_set=list(rule.values), **told)
        case Matches():
            return gxe.ExpectColumnValuesToMatchRegex(column=rule.column, regex=f"^(?:{rule.pattern})$", **told)
        case _:
            query = f"SELECT {', '.join(f'`{c}`' for c in columns) or '1'} FROM {{batch}} WHERE NOT {literal(met(rule))}"
            return ExpectNoSuchRows(unexpected_rows_query=query, description=f"No row of which {rule.name}.", **told)


def key_is_unique(table: Table) -> gxe.Expectation:
    """GX's own expectations of uniqueness sort all rows in a window: grouping them by two hashes is ... times faster."""
    key = ", ".join(f"`{column}`" for column in table.key)
    return ExpectNoSuchRows(
        unexpected_rows_query=f"SELECT count(*) AS copies FROM {{batch}} GROUP BY xxhash64({key}), hash({key}) "
        "HAVING count(*) > 1",
        description=f"No two rows with the same {' and '.join(table.key)}.",
        meta=meta(duplicate(table), table.key, "error"),
    )


def duplicate(table: Table) -> str:
    return f"{', '.join(table.key)}: another row has the same"


def meta(rule: str, columns: Sequence[str], severity: str) -> dict[str, Any]:
    """What the result of an expectation carries along, to be found again as the rule."""
    return {"rule": rule, "columns": list(columns), "severity": severity}


def columns_of(table: Table, rule: Rule) -> list[str]:
    """The columns that a rule speaks of."""
    if isinstance(rule, Holds):
        return [name for name in table.columns if re.search(rf"\b{re.escape(name)}\b", rule.condition)]
    return [rule.column] if hasattr(rule, "column") else []


def literal(sql: str) -> str:
    """SQL in a query that GX formats: braces doubled.

    >>> literal("code RLIKE '[0-9]{2}'")
    "code RLIKE '[0-9]{{2}}'"
    """
    return sql.replace("{", "{{").replace("}", "}}")


# The checkpoint


def run_checkpoint(due: Sequence[Check], layer: str, docs: Path, as_of: date | None) -> list[Result]:
    """Run one checkpoint over all that is due, and make its Data Docs pages."""
    context = open_context(docs)
    lake = context.data_sources.add_spark("lakehouse", persist=False)
    validations = []
    for each in due:
        name = each.table.name
        batch = lake.add_dataframe_asset(name).add_batch_definition_whole_dataframe(each.scope)
        suite = context.suites.add(gx.ExpectationSuite(name=name, expectations=expectations(each.table)))
        validations.append(
            context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
        )
    checkpoint = LayerCheckpoint(
        name=layer,
        validation_definitions=validations,
        actions=[UpdateDataDocsAction(name="pages")],
        # Values stay out of the pages, which nothing protects: the results table has a sample without personal columns.
        result_format={"result_format": "BASIC", "exclude_unexpected_values": True},
    )
    run = RunIdentifier(run_name=f"{layer} {as_of}" if as_of else layer)
    answers = checkpoint.run({each.table.name: each.rows for each in due}, run_id=run).run_results.values()
    return [
        result_of(each, layer, outcome)
        for each, answer in zip(due, answers, strict=True)
        for outcome in answer.results
    ]


def open_context(docs: Path) -> AbstractDataContext:
    """GX keeps only what was found and its pages; suites and checkpoints are made from the declarations each time."""
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars={"globally": False},
        analytics_enabled=False,
    )
    folder = {"class_name": "TupleFilesystemStoreBackend"}
    config.stores["validation_results_store"]["store_backend"] = folder | {"base_directory": str(docs / "results")}
    config.data_docs_sites = {
        "pages": {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": folder | {"base_directory": str(docs)},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        }
    }
    return gx.get_context(project_config=config, mode="ephemeral")


def result_of(check: Check, layer: str, outcome: Any) -> Result:
    told, counts = outcome.expectation_config.meta, outcome.result or {}
    return Result(
        layer=layer,
        table_name=check.table.name,
        table_version=check.version,
        scope=check.scope,
        rule=told["rule"],
        expectation=outcome.expectation_config.type,
        column_names=told["columns"],
        severity=told["severity"],
        is_met=outcome.success,
        rows_checked=counts.get("element_count") or 0,
        rows_unexpected=counts.get("unexpected_count") or 0,
        sample=None if outcome.success else sample(check, told["rule"]),
        problem=problem_of(outcome),
        checked_up_to=check.checked_up_to,
        rules_fingerprint=check.table.fingerprint,
    )
