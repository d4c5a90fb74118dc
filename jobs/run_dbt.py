"""Builds dbt's marts in the Spark session of the job: only those whose inputs, day or project have changed."""

import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from jobs.dbt_sources import declared_tables
from jobs.tuning import tuned
from lakehouse.delta import Lakehouse
from lakehouse.rules import quoted
from lakehouse.session import FEW_FILES, FEW_ROWS
from lakehouse.settings import Settings

PROJECT = Path(__file__).parent.parent / "dbt"

# The property of a mart that says what it was built from. Whoever else builds or drops the mart takes it away.
BUILT_FROM = "orrery.built_from"

# dbt-spark turns it off for every session it is given.
ANSI = "spark.sql.ansi.enabled"

GOOD = ("success", "pass", "warn")
KINDS = {"test": "data test", "unit_test": "unit test"}


class DbtError(Exception):
    """What dbt could not build or found wrong, in dbt's own words."""


@dataclass(frozen=True)
class Step:
    """A model that was built, or a test of one. `status` is dbt's: success, pass, warn, fail, error or skipped."""

    name: str
    kind: str
    status: str
    seconds: float
    message: str


@dataclass(frozen=True)
class Outcome:
    """What dbt did, in its order; nothing where no mart had anything new."""

    steps: tuple[Step, ...] = ()

    @property
    def models(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind == "model")

    @property
    def tests(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.kind != "model")

    @property
    def warnings(self) -> tuple[Step, ...]:
        return tuple(step for step in self.steps if step.status == "warn")


def run(
    lake: Lakehouse,
    as_of: date | None = None,
    *,
    project: Path = PROJECT,
    threads: int = 2,
    unit_tests: bool = False,
    parsed: Any = None,
) -> Outcome:
    """Build and test the marts that are not what their inputs, `as_of` and the project would make of them.

    Unit tests are about the project and not about data: they say nothing new of each day.
    `parsed`: what `parse` made of the same settings, day and project.
    """
    dbt = Dbt(project, folder_for_output(lake.settings), threads, as_of)
    with dbt_in_session(lake):
        manifest = dbt.parse() if parsed is None else parsed
        for name in sources_of(manifest):
            lake.create(declared_tables()[name])  # dbt reads it, even where nobody has written it yet
        origins = origins_of(lake, manifest, project, as_of)
        stale = [model for model, origin in origins.items() if built_from(lake, model) != origin]
        if not stale:
            return Outcome()
        outcome = dbt.build(manifest, stale, unit_tests)
        for model in stale:
            mark(lake, manifest, model, origins[model])
    return outcome


def parse(settings: Settings, as_of: date) -> Any:
    """dbt's manifest of the project: takes seconds of Python, and no Spark."""
    return Dbt(PROJECT, folder_for_output(settings), 1, as_of).parse()


@dataclass(frozen=True)
class Dbt:
    """dbt's commands, run in this process: they use the Spark session that is open in it."""

    project: Path
    output: Path
    threads: int
    as_of: date | None

    def parse(self) -> Any:
        return self.invoke(None, "parse")

    def build(self, manifest: Any, models: list[str], unit_tests: bool) -> Outcome:
        without = () if unit_tests else ("--exclude-resource-type", "unit_test")
        options = ("--threads", str(self.threads), *without, "--select", *models)
        steps = tuple(step_of(result) for result in self.invoke(manifest, "build", *options).results)
        failed = [step for step in steps if step.status not in (*GOOD, "skipped")]
        if failed:
            raise DbtError(failure(failed, steps, self.output))
        return Outcome(steps)

    def invoke(self, manifest: Any, *command: str) -> Any:
        """dbt's result, which may hold failed models and tests; DbtError where it did not come so far."""
        from dbt.cli.main import dbtRunner  # seconds, which a job that is asked for something else need not wait

        answer = dbtRunner(manifest=manifest).invoke(
            [
                *("--log-level", "none", "--log-path", str(self.output), "--no-send-anonymous-usage-stats"),
                *command,
                *("--project-dir", str(self.project), "--profiles-dir", str(self.project), "--target", "session"),
                *("--target-path", str(self.output)),
                *("--vars", json.dumps({"as_of": str(self.as_of) if self.as_of else None})),
            ]
        )
        if isinstance(answer.exception, KeyboardInterrupt):
            raise answer.exception
        if answer.exception is not None:
            raise DbtError(f"dbt could not {command[0]} {self.project}:\n{indented(str(answer.exception))}")
        return answer.result


@contextmanager
def dbt_in_session(lake: Lakehouse) -> Iterator[None]:
    """The job's session as dbt needs it, and as it was when dbt is done."""
    spark = lake.spark
    few = FEW_ROWS | FEW_FILES if tuned(lake) is not lake else {}
    before = {name: spark.conf.get(name, None) for name in (ANSI, *few)}
    catalog = spark.catalog.currentCatalog()
    if lake.settings.catalog:
        spark.catalog.setCurrentCatalog(lake.settings.catalog)  # dbt-spark names schema.table, and no catalog
    for name, value in few.items():
        spark.conf.set(name, value)
    try:
        yield
    finally:
        for name, as_it_was in before.items():
            spark.conf.unset(name) if as_it_was is None else spark.conf.set(name, as_it_was)
        spark.catalog.setCurrentCatalog(catalog)


def folder_for_output(settings: Settings) -> Path:
    """Where dbt keeps its log and artifacts. Volumes on Databricks cannot be appended to, which its log needs."""
    if settings.target == "databricks":
        return Path(tempfile.mkdtemp(prefix="dbt"))
    return Path(settings.state_dir) / "dbt"


# What has something new?


def models_of(manifest: Any) -> dict[str, Any]:
    return {node.name: node for node in manifest.nodes.values() if node.resource_type == "model"}


def sources_of(manifest: Any) -> list[str]:
    """The tables that models read, as layer.table."""
    used = {parent for node in models_of(manifest).values() for parent in node.depends_on.nodes}
    return sorted(f"{source.source_name}.{source.name}" for key, source in manifest.sources.items() if key in used)


def origins_of(lake: Lakehouse, manifest: Any, project: Path, as_of: date | None) -> dict[str, str]:
    """By model, a digest of all that it is built from. A model that never asks for the day does not depend on it."""
    files = digest_of_project(project)
    tables = declared_tables()
    versions = {name: lake.version(tables[name]) for name in sources_of(manifest)}
    origins: dict[str, str] = {}

    def origin(key: str) -> Any:
        if key in manifest.sources:
            source = manifest.sources[key]
            return versions[f"{source.source_name}.{source.name}"]
        node = manifest.nodes[key]
        if node.name not in origins:
            asks_for_day = any(macro.endswith(".newest_day") for macro in node.depends_on.macros)
            parts = {
                "project": files,
                "inputs": {parent: origin(parent) for parent in node.depends_on.nodes},
                "as_of": str(as_of) if asks_for_day else None,
            }
            origins[node.name] = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
        return origins[node.name]

    for node in models_of(manifest).values():
        origin(node.unique_id)
    return origins


def digest_of_project(project: Path) -> str:
    digest = hashlib.sha256()
    files = [project / "dbt_project.yml", *(project / "macros").rglob("*"), *(project / "models").rglob("*")]
    for path in sorted(path for path in files if path.is_file()):
        digest.update(f"{path.relative_to(project)}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def built_from(lake: Lakehouse, model: str) -> str | None:
    name = lake.settings.table(f"marts.{model}")
    if not lake.spark.catalog.tableExists(name):
        return None
    properties = {row.key: row.value for row in lake.spark.sql(f"SHOW TBLPROPERTIES {name}").collect()}
    return properties.get(BUILT_FROM)


def mark(lake: Lakehouse, manifest: Any, model: str, origin: str) -> None:
    """Note on the mart what it was built from: only now is it known that it passed its tests."""
    kind = "VIEW" if models_of(manifest)[model].config.materialized == "view" else "TABLE"
    name = lake.settings.table(f"marts.{model}")
    lake.spark.sql(f"ALTER {kind} {name} SET TBLPROPERTIES ({quoted(BUILT_FROM)} = {quoted(origin)})")


# What dbt says


def step_of(result: Any) -> Step:
    kind = KINDS.get(str(result.node.resource_type), str(result.node.resource_type))
    return Step(result.node.name, kind, str(result.status), result.execution_time, result.message or "")


def failure(failed: list[Step], steps: tuple[Step, ...], output: Path) -> str:
    skipped = [step.name for step in steps if step.status == "skipped" and step.kind == "model"]
    lines = [f"dbt could not build the marts: {len(failed)} of {len(steps)} steps failed."]
    for step in failed:
        lines.append(f"  {step.kind} {step.name}:")
        lines.append(indented(step.message, by=4))
    if skipped:
        lines.append(f"Not built, since they read these: {', '.join(skipped)}.")
    lines.append(f"The SQL that ran is in {output}; correct the model or its input, and run this again.")
    return "\n".join(lines)


def indented(text: str, by: int = 2) -> str:
    """Spark's message without its stack trace."""
    text = text.split("JVM stacktrace:")[0].strip()
    return "\n".join(" " * by + line for line in text.splitlines())
