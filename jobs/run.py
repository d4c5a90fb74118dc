"""All steps in order: what a laptop runs in one go, and Databricks as tasks."""

from collections.abc import Sequence
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
from jobs.score_churn import score_churn
from jobs.train_churn import days_of, train_churn
from lakehouse.delta import Lakehouse
from ml.churn.dataset import TooLittleHistoryError
from ml.churn.parameters import Parameters


def run_all(lake: Lakehouse, sources: Sequence[Source], as_of: date, *, workers: int) -> None:
    """Each layer is checked before the next is built: a broken rule of severity error stops the run there."""
    started = monotonic()
    ingest_sources(lake, sources)
    check_layer(lake, "bronze", sources, as_of)
    build_silver(lake, sources)
    check_layer(lake, "silver", sources, as_of)
    try:
        days, why_not = days_of(lake, as_of, Parameters()).all, ""
    except TooLittleHistoryError as error:
        days, why_not = (), str(error)
    build_gold(lake, [*days, as_of])  # in one pass with those days that training will ask for
    check_layer(lake, "gold", sources, as_of)
    if days:
        train_churn(lake, as_of, workers=workers)
        score_churn(lake, as_of)
        check_layer(lake, "ml", sources, as_of)
    else:
        say(f"\nNo model yet, and no scores.\n{why_not}")
    build_marts(lake, as_of)
    say(f"\nAll steps: {monotonic() - started:.0f} s")
    write_report(lake, as_of)
