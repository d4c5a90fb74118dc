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
from jobs.train_churn import days_of, label, train_on
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
    parameters, parsed = Parameters(), None
    try:
        days = days_of(lake, as_of, parameters)
    except TooLittleHistoryError as why_not:
        build_gold(lake, [as_of])
        check_layer(lake, "gold", sources, as_of)
        say(f"\nNo model yet, and no scores.\n{why_not}")
    else:
        build_gold(lake, [*days.all, as_of])  # in one pass with those that training asks for, as is their check
        label(lake, as_of, days, parameters)
        check_layer(lake, "gold", sources, *days.all, as_of)
        train_on(lake, as_of, days, workers=workers, parameters=parameters)
        with ThreadPoolExecutor(1) as meanwhile:
            parsing = meanwhile.submit(parse, lake.settings, as_of)
            score_churn(lake, as_of)
            check_layer(lake, "ml", sources, as_of)
        parsed = parsing.result()
    build_marts(lake, as_of, parsed=parsed)
    say(f"\nAll steps: {monotonic() - started:.0f} s")
    write_report(lake, as_of)
