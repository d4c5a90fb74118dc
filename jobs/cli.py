"""The command line: one sub-command per step of the job, and `run` for all of them in order."""

import contextlib
import os
import sys
import traceback
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
warnings.filterwarnings("ignore")

import pandas as pd
import typer
from pydantic import ValidationError

from bronze.registry import declared_sources
from bronze.source import Source
from jobs.console import say
from jobs.imports import import_meanwhile
from lakehouse.delta import Lakehouse
from lakehouse.errors import came_from
from lakehouse.room import about_folders
from lakehouse.session import open_session
from lakehouse.settings import Settings

app = typer.Typer(
    help="Orrery: raw sources in, one lasting identity per customer, features, models and decisions out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


about_source = typer.Typer(help="Try a declaration on files, sketch one from them, or write pages of all.")
app.add_typer(about_source, name="source", no_args_is_help=True)


class Layer(StrEnum):
    bronze = "bronze"
    silver = "silver"
    gold = "gold"
    ml = "ml"


AsOf = Annotated[
    datetime | None,
    typer.Option("--as-of", formats=["%Y-%m-%d"], help="The job's day: nothing later is known. [default: today, UTC]"),
]
Workers = Annotated[int, typer.Option(min=1, help="How many Horovod workers train.")]


@app.callback()
def options(
    context: typer.Context,
    home: Annotated[Path | None, typer.Option(help="The folder of a local lakehouse. [default: .lakehouse]")] = None,
    catalog: Annotated[str | None, typer.Option(help="A Unity Catalog catalog. [default: Spark's own]")] = None,
    landing: Annotated[str | None, typer.Option(help="Where raw files arrive. [default: HOME/landing]")] = None,
    state: Annotated[str | None, typer.Option(help="Checkpoints. [default: HOME/state]")] = None,
    target: Annotated[str | None, typer.Option(help="local or databricks. [default: local]")] = None,
    sources: Annotated[Path | None, typer.Option(help="A folder of declarations in place of the built-in.")] = None,
    memory: Annotated[str | None, typer.Option(help="Memory of the local Spark driver. [default: 3g]")] = None,
    traceback: Annotated[bool, typer.Option(help="Show Python's traceback with an error.")] = False,
) -> None:
    """Options of every step. Each can also be given as an ORRERY_* environment variable."""
    given: dict[str, Any] = {
        "home": home, "catalog": catalog, "landing": landing, "state": state, "target": target, "sources": sources,
        "memory": memory,
    }  # fmt: skip
    context.obj = Settings(**{name: value for name, value in given.items() if value is not None})


@contextlib.contextmanager
def opened(context: typer.Context) -> Iterator[Lakehouse]:
    """The lakehouse that the options name, in a session of its own that ends with the step."""
    settings: Settings = context.obj
    try:
        spark = open_session(settings)
        try:
            yield Lakehouse(spark, settings)
        finally:
            if settings.target == "local":
                spark.stop()
    except Exception as error:
        if told := about_folders(settings, str(error)):
            error.add_note(told)
        raise


def chosen(settings: Settings, names: list[str] | None) -> list[Source]:
    """The declared sources, or those of the given names."""
    sources = declared_sources(settings.sources)
    unknown = [name for name in names or [] if name not in {source.name for source in sources}]
    if unknown:
        raise typer.BadParameter(
            f"no source is called {', '.join(unknown)}; there are {', '.join(source.name for source in sources)}"
        )
    return [source for source in sources if not names or source.name in names]


def day_of(as_of: datetime | None) -> date:
    return as_of.date() if as_of else datetime.now(UTC).date()


@app.command()
def ingest(
    context: typer.Context,
    source: Annotated[list[str] | None, typer.Option(help="Only this source; may be given again.")] = None,
    continuous: Annotated[bool, typer.Option(help="Go on watching for files until stopped.")] = False,
) -> None:
    """Take in the files that have arrived: bronze and its quarantine."""
    from jobs import ingest as job

    with opened(context) as lake:
        job.ingest_sources(lake, chosen(context.obj, source), continuous=continuous)


@app.command()
def silver(context: typer.Context) -> None:
    """Conform what has landed to the canonical tables, and say who is who."""
    from jobs.build_silver import build_silver

    with opened(context) as lake:
        build_silver(lake, chosen(context.obj, None))


@app.command()
def gold(context: typer.Context, as_of: AsOf = None) -> None:
    """Build features, weeks and sequences as they were known at the end of a day."""
    from jobs.build_gold import build_gold

    with opened(context) as lake:
        build_gold(lake, [day_of(as_of)])


@app.command()
def train(context: typer.Context, as_of: AsOf = None, workers: Workers = 1) -> None:
    """Train the churn model and its baselines on what was known by a day, and evaluate them on later customers."""
    from jobs.train_churn import train_churn

    with opened(context) as lake:
        train_churn(lake, day_of(as_of), workers=workers)


@app.command()
def score(context: typer.Context, as_of: AsOf = None) -> None:
    """Score every customer of a day with the newest model."""
    from jobs.score_churn import score_churn

    with opened(context) as lake:
        score_churn(lake, day_of(as_of))


@app.command()
def check(
    context: typer.Context,
    layer: Annotated[Layer, typer.Option(help="Whose tables.")] = Layer.bronze,
    as_of: AsOf = None,
) -> None:
    """Check a layer's tables against their declared rules; fails when a rule of severity error is broken."""
    from jobs.check_layer import check_layer

    with opened(context) as lake:
        check_layer(lake, layer.value, chosen(context.obj, None), day_of(as_of))


@app.command()
def dbt(context: typer.Context, as_of: AsOf = None) -> None:
    """Build the marts that analysts query, and run their tests."""
    from jobs.build_marts import build_marts

    with opened(context) as lake:
        build_marts(lake, day_of(as_of))


@app.command()
def report(context: typer.Context, as_of: AsOf = None) -> None:
    """Write the report: what landed, what was refused, how the model does, who is at risk."""
    from jobs.report import write_report

    with opened(context) as lake:
        write_report(lake, day_of(as_of))


@app.command()
def run(context: typer.Context, as_of: AsOf = None, workers: Workers = 1) -> None:
    """All steps in order. Run twice, it changes nothing; killed anywhere, run it again."""
    import_meanwhile("jobs.run", "lakehouse.quality", "dbt.cli.main")  # Java starts meanwhile
    with opened(context) as lake:
        from jobs.run import run_all

        run_all(lake, chosen(context.obj, None), day_of(as_of), workers=workers)


@app.command()
def sql(
    context: typer.Context,
    query: Annotated[str, typer.Argument(help="A query over any layer, such as 'select * from marts.customer_360'.")],
    limit: Annotated[int, typer.Option(min=1, help="How many rows to show.")] = 50,
) -> None:
    """Answer a SQL query on any layer."""
    with opened(context) as lake:
        rows = lake.spark.sql(query)
        say(shown(rows.limit(limit + 1).toPandas(), limit) if rows.columns else "done")


@app.command()
def optimize(context: typer.Context) -> None:
    """Compact and cluster the tables, and delete files that no version of the last week needs."""
    from jobs.keep import optimize_tables

    with opened(context) as lake:
        optimize_tables(lake, chosen(context.obj, None))


@app.command()
def sources(context: typer.Context) -> None:
    """List the declared sources, and what each one feeds."""
    for source in declared_sources(context.obj.sources):
        feeds = ", ".join(sorted({feed.to for feed in source.feeds})) or "bronze only"
        say(f"{source.name:<24} {source.path:<36} -> {feeds}")


Files = Annotated[list[Path] | None, typer.Argument(help="Sample files. [default: those in the landing folder]")]
Declarations = Annotated[Path | None, typer.Option("--sources", help="A folder of declarations.")]


def with_sources(settings: Settings, sources: Path | None) -> Settings:
    return settings.model_copy(update={"sources": sources}) if sources else settings


@about_source.command("check")
def check_source(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="The source.")],
    files: Files = None,
    sources: Declarations = None,
) -> None:
    """Try a declaration on files, and say what does not fit; nothing is written. Fails when something does not."""
    from jobs import source as job

    settings = with_sources(context.obj, sources)
    (declared,) = chosen(settings, [name])
    job.check_source(settings, declared, files or [])


@about_source.command("new")
def new_source(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="What the source is to be called, in snake_case.")],
    files: Annotated[list[Path], typer.Argument(help="Sample files, as many as there are.")],
    to: Annotated[Path, typer.Option(help="The folder in which the declaration is written.")] = Path("sources"),
) -> None:
    """Sketch a declaration from sample files. What only a person knows is marked FILL IN."""
    from jobs import source as job

    job.new_source(context.obj, name, files, to)


@about_source.command("docs")
def source_docs(
    context: typer.Context,
    to: Annotated[Path | None, typer.Option(help="The folder of the pages. [default: HOME/docs/sources]")] = None,
    sources: Declarations = None,
) -> None:
    """Write a page about each declared source, and one that lists them by system."""
    from jobs import source as job

    job.write_pages(with_sources(context.obj, sources), to)


def shown(rows: pd.DataFrame, limit: int) -> str:
    """A result as text, in full width; says when there is more."""
    text = rows.head(limit).to_string(index=False, max_colwidth=100) if len(rows) else f"({', '.join(rows.columns)})"
    more = f"\n(the first {limit}; --limit N shows more)" if len(rows) > limit else f"\n({len(rows)} rows)"
    return text + more


def main() -> None:
    """The `orrery` command. An error is one message; Python's traceback is shown only when asked for."""
    try:
        app()
    except KeyboardInterrupt:
        raise
    except SystemExit as end:
        if end.code:  # Databricks takes any SystemExit of a wheel task for a failure, that of success too
            raise
    except Exception as error:
        if "--traceback" in sys.argv:
            traceback.print_exc()
        say()
        print(f"Error: {explained(error)}", file=sys.stderr)
        sys.exit(1)


def explained(error: Exception) -> str:
    """What a person can do something with, of an error of ours, of Spark's or of settings."""
    if isinstance(error, ValidationError):
        return "These settings do not fit:\n  " + "\n  ".join(
            f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}, found {each['input']!r}"
            for each in error.errors()
        )
    text: Any = str(error).split("\nJVM stacktrace")[0].split("\n\tat ")[0].strip()
    if "XSDB6" in text or "Another instance of Derby" in text:
        return (
            "Another process has this lakehouse open, and a local catalog takes one at a time.\n"
            "Wait for it to end, or stop it."
        )
    if (cause := came_from(error)[:500]) not in text:
        text = f"{text}\nIt came from: {cause}"
    text = "\n".join((text, *getattr(error, "__notes__", ())))
    is_ours = type(error).__module__.split(".")[0] in ("lakehouse", "bronze", "silver", "gold", "ml", "jobs")
    return text if is_ours else f"{type(error).__name__}: {text}\nRun the command with --traceback for more."
