"""Build the marts that people query."""

from datetime import date
from typing import Any

from jobs.console import did, stage
from jobs.run_dbt import run
from lakehouse.delta import Lakehouse


def build_marts(lake: Lakehouse, as_of: date, *, parsed: Any = None) -> None:
    """Those marts that have something new, and their tests. `parsed`: what `run_dbt.parse` made of the project."""
    with stage("Marts: dbt build"):
        outcome = run(lake, as_of, parsed=parsed)
        for model in outcome.models:
            did(f"marts.{model.name}", "rebuilt", model.seconds)
        if outcome.steps:
            did(f"{len(outcome.tests)} tests", f"passed, {len(outcome.warnings)} with warnings")
        else:
            did("marts", "unchanged")
