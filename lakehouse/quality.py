"""Great Expectations: declared rules become expectations, a checkpoint runs after each layer, an error stops the run.

`check` is all that a job calls. What came out is in quality.expectation_results, and in Data Docs to be looked at.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from time import time
from typing import Any

import great_expectations as gx
from great_expectations.core.run_identifier import RunIdentifier
from great_expectations.data_context.data_context.abstract_data_context import AbstractDataContext
from great_expectations.data_context.types.base import (
    DataContextConfig,
    InMemoryStoreBackendDefaults,
    ProgressBarsConfig,
)
from great_expectations.data_context.types.resource_identifiers import ExpectationSuiteIdentifier
from great_expectations.expectations.core.expect_table_columns_to_match_set import ExpectTableColumnsToMatchSet
from great_expectations.expectations.expectation import Expectation
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from lakehouse.delta import Lakehouse, met, of_days
from lakehouse.expectations import (
    SIDE_BY_SIDE,
    ExpectNoNulls,
    ExpectNoSuchRows,
    ExpectValuesBetween,
    ExpectValuesInSet,
    ExpectValuesToMatch,
    LayerCheckpoint,
)
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
        "rows_checked": Column("bigint", "Rows that were checked; 0 of a rule about columns."),
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

# The sample that the results table keeps has no personal columns, and is made only of rules that are broken.
COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0, "exclude_unexpected_values": True}

# The key of a source's table holds because loads are appended once (`Lakehouse.append`), which tests/bronze proves:
# to count 21 million file positions after each load would say nothing new.
KEPT_BY_APPENDING = ("_file", "_position", "_load_id")


class QualityError(Exception):
    """Data that breaks a rule of severity `error`."""


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
    days: Sequence[date] = (),
    loads: Mapping[str, int] | None = None,
    docs: Path | None = None,
) -> list[Result]:
    """Check all rules of a layer's tables in one checkpoint; QualityError where a rule of severity `error` is broken.

    A version of a table that was checked before is not checked again, and neither are its pages made anew.
    `days`: of tables that have the column `as_of`, only these are checked.
    `loads`: of tables whose rows are numbered by loads, in `_load_id`, the newest: loads never change, and only those
    that no check has passed are checked.
    """
    docs = docs or docs_folder(lake.settings)
    known = known_results(lake, layer)
    tables = list(tables)
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        planned = [each for each in pool.map(lambda table: plan(lake, table, known, days, loads), tables) if each]
    due = [each for each in planned if each.identity not in known]
    found = run_checkpoint(due, layer, docs, days) if due else []
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


def plan(
    lake: Lakehouse, table: Table, known: Known, days: Sequence[date], loads: Mapping[str, int] | None
) -> Check | None:
    """The check that a table needs; none where nothing was written, or every load has passed."""
    version = lake.version(table, days if "as_of" in table.columns else ())
    if version < 0:
        return None
    rows = lake.read(table)
    if loads and table.name in loads:
        passed = max(passed_loads(table, known), default=None)
        if loads[table.name] == passed:
            return None
        scope = ALL_ROWS if passed is None else f"_load_id > {passed}"
        return Check(table, version, rows.where(scope), scope, loads[table.name])
    if days and "as_of" in table.columns:
        scope = of_days(days)
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


def expectations(table: Table) -> list[Expectation]:
    """Every rule of the table as an expectation, then its columns and its key."""
    rules = {rule.name: rule for rule in table.all_rules}.values()
    found = [expectation(table, rule) for rule in rules]
    found.append(
        ExpectTableColumnsToMatchSet(
            column_set=list(table.columns),
            exact_match=True,
            meta=meta("the columns are not the declared ones", (), "error"),
        )
    )
    if table.key and table.key != KEPT_BY_APPENDING:
        found.append(key_is_unique(table))
    return found


def expectation(table: Table, rule: Rule) -> Expectation:
    """A rule as the expectation that says the same."""
    columns = columns_of(table, rule)
    told: dict[str, Any] = {"severity": SEVERITIES[rule.severity], "meta": meta(rule.name, columns, rule.severity)}
    match rule:
        case Required(unless=None):
            return ExpectNoNulls(column=rule.column, **told)
        case Between():
            return ExpectValuesBetween(column=rule.column, min_value=rule.low, max_value=rule.high, **told)
        case OneOf():
            return ExpectValuesInSet(column=rule.column, value_set=list(rule.values), **told)
        case Matches():
            return ExpectValuesToMatch(column=rule.column, regex=f"^(?:{rule.pattern})$", **told)
        case _:
            query = (
                f"SELECT {', '.join(f'`{c}`' for c in columns) or '1'} FROM {{batch}} WHERE NOT {literal(met(rule))}"
            )
            return ExpectNoSuchRows(unexpected_rows_query=query, description=f"No row of which {rule.name}.", **told)


def key_is_unique(table: Table) -> Expectation:
    """By two hashes of the key, 96 bits: the expectation of GX sorts all rows in a window, which takes far longer."""
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


def run_checkpoint(due: Sequence[Check], layer: str, docs: Path, days: Sequence[date]) -> list[Result]:
    """Run one checkpoint over all that is due, and make its Data Docs pages."""
    context = open_context(docs)
    validations = []
    for each in due:
        name = each.table.name
        source = context.data_sources.add_spark(name, persist=False)  # its engine knows one batch at a time
        source._spark = each.rows.sparkSession  # GX would ask its queries of the first, which knows no other's rows
        batch = source.add_dataframe_asset(name).add_batch_definition_whole_dataframe(each.scope)
        suite = context.suites.add_or_update(gx.ExpectationSuite(name=name, expectations=expectations(each.table)))
        validations.append(
            context.validation_definitions.add(gx.ValidationDefinition(name=name, data=batch, suite=suite))
        )
    checkpoint = LayerCheckpoint(
        name=layer,
        validation_definitions=validations,
        result_format=COUNTS_ONLY,
    )
    run = RunIdentifier(run_name=f"{layer} {max(days)}" if days else layer)
    started = time()
    answers = checkpoint.run({each.table.name: each.rows for each in due}, run_id=run).run_results
    pages: list[Any] = [*answers, *(ExpectationSuiteIdentifier(each.table.name) for each in due)]
    context.build_data_docs(resource_identifiers=pages)  # once: the action of GX makes the index anew for each table
    for page in docs.rglob("*.html"):
        if page.stat().st_mtime >= started - 1:
            page.write_text(self_contained(page.read_text()))
    return [
        result_of(each, layer, outcome)
        for each, answer in zip(due, answers.values(), strict=True)
        for outcome in answer.results
    ]


def open_context(docs: Path) -> AbstractDataContext:
    """GX keeps suites, what was found, and pages of both. The rest is made from the declarations each time."""
    config = DataContextConfig(
        store_backend_defaults=InMemoryStoreBackendDefaults(),
        progress_bars=ProgressBarsConfig(globally=False),
        analytics_enabled=False,
    )
    folder = {"class_name": "TupleFilesystemStoreBackend"}
    config.stores["expectations_store"]["store_backend"] = folder | {"base_directory": str(docs / "suites")}
    config.stores["validation_results_store"]["store_backend"] = folder | {"base_directory": str(docs / "results")}
    config.data_docs_sites = {
        "rules and what came of them": {
            "class_name": "SiteBuilder",
            "show_how_to_buttons": False,
            "store_backend": folder | {"base_directory": str(docs)},
            "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
        }
    }
    context = gx.get_context(project_config=config, mode="ephemeral")
    # It would spell all of its configuration as YAML each time that a table is added, and keep that in memory.
    context._save_project_config = lambda: None  # type: ignore[method-assign]
    return context


def self_contained(page: str) -> str:
    """A page of Data Docs with its style and scripts inside, instead of fetched from seven sites of others."""
    page = re.sub(r"<(link|script)[^>]*https?://[^>]*>(\s*</script>)?", "", page)
    page = re.sub(r"<img[^>]*https?://[^>]*>", "Data quality", page)
    page = re.sub(r"<footer>.*?</footer>", "", page, flags=re.DOTALL)
    return page.replace("</head>", (Path(__file__).parent / "data_docs_head.html").read_text() + "</head>", 1)


def result_of(check: Check, layer: str, outcome: Any) -> Result:
    told, counts, problem = outcome.expectation_config.meta, outcome.result or {}, problem_of(outcome)
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
        sample=None if outcome.success or problem else sample(check, told["rule"]),
        problem=problem,
        checked_up_to=check.checked_up_to,
        rules_fingerprint=check.table.fingerprint,
    )


def problem_of(outcome: Any) -> str | None:
    """Why an expectation could not be checked, in one line."""
    raised = outcome.exception_info or {}
    # GX tells of one exception as it is, of several by the metric that raised each.
    all_raised = [raised] if "raised_exception" in raised else list(raised.values())
    messages = [str(each["exception_message"]).split("\n")[0] for each in all_raised if each.get("raised_exception")]
    return messages[0] if messages else None


def sample(check: Check, rule_name: str) -> str | None:
    """A few rows that break a rule, without their personal columns."""
    table = check.table
    rule = next((rule for rule in table.all_rules if rule.name == rule_name), None)
    shown = [
        name
        for name in dict.fromkeys([*table.key, *(columns_of(table, rule) if rule else ())])
        if table.columns[name].privacy not in PRIVATE
    ]
    if rule_name == duplicate(table):
        broken = check.rows.groupBy(*table.key).count().where("count > 1")
        shown.append("count")
    elif rule:
        broken = check.rows.where(f"NOT {met(rule)}")
    else:
        return None
    rows = broken.select(*shown).orderBy(*shown).limit(SAMPLE_ROWS).toJSON().collect()
    return f"[{', '.join(rows)}]"


# What remains of a check


def keep(lake: Lakehouse, due: Sequence[Check], results: Sequence[Result]) -> None:
    """Put the results in place of those of the same versions and scopes, all in one commit."""
    same = " OR ".join(
        f"(table_name = {quoted(each.table.name)} AND table_version = {each.version} AND scope = {quoted(each.scope)})"
        for each in due
    )
    lake.replace(
        lake.rows([asdict(result) for result in results], EXPECTATION_RESULTS), EXPECTATION_RESULTS, where=same
    )


def message(layer: str, tables: Iterable[Table], results: Sequence[Result], docs: Path) -> str:
    """Which tables broke which rules, how many rows of how many, and what to do."""
    lines = []
    for table in tables:
        broken = [result for result in results if result.table_name == table.name and result.stops_the_run]
        if broken:
            lines.append(f"{table.name} ({table.grain}), version {broken[0].table_version}:")
            lines += [f"  {told(result)}" for result in broken]
    return (
        f"Stopped after {layer}: rules of severity error are broken.\n"
        + "\n".join(lines)
        + "\nCorrect what writes the table, or the rule, and run again. Broken rows, as far as they may be shown: "
        + f"the column sample of {EXPECTATION_RESULTS.name}; pages: {docs / 'index.html'}"
    )


def told(result: Result) -> str:
    if result.problem:
        return f"{result.rule}: could not be checked ({result.problem})"
    return f"{result.rule}: {result.rows_unexpected:,} of {result.rows_checked:,} rows"
