"""All steps in order: what a laptop runs in one go, and Databricks as tasks."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from time import monotonic

from bronze.source import Source
from jobs.build_gold import build_gold
from jobs.build_marts import build_marts
from jobs.build_silver import build_silver
from jobs.check_layer import check_layer
from jobs.console import say
from jobs.ingest import ingest_sources
from jobs.report import write_report
from jobs.run_dbt import parse
from jobs.score_churn import score_churn
from jobs.source import write_pages
from jobs.train_churn import train_churn
from lakehouse.delta import Lakehouse
from ml.churn.dataset import TooLittleHistoryError


def run_all(lake: Lakehouse, sources: Sequence[Source], as_of: date, *, workers: int) -> None:
    """Each layer is checked before the next is built: a broken rule of severity error stops the run there."""
    started = monotonic()
    ingest_sources(lake, sources)
    check_layer(lake, "bronze", sources, as_of)
    build_silver(lake, sources)
    check_layer(lake, "silver", sources, as_of)
    why_not, parsed = "", None
    try:
        train_churn(lake, as_of, workers=workers, also=[as_of])
    except TooLittleHistoryError as error:
        why_not = str(error)
    if why_not:
        build_gold(lake, [as_of])
        check_layer(lake, "gold", sources, as_of)
        say(f"\nNo model yet, and no scores.\n{why_not}")
    else:
        with ThreadPoolExecutor(1) as meanwhile:
            parsing = meanwhile.submit(parse, lake.settings, as_of)
            score_churn(lake, as_of)
            check_layer(lake, "ml", sources, as_of)
        parsed = parsing.result()
    build_marts(lake, as_of, parsed=parsed)
    say(f"\nAll steps: {monotonic() - started:.0f} s")
    write_pages(lake.settings)
    write_report(lake, as_of)
