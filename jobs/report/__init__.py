"""The report of a day: a page to open in a browser, and a short table in the terminal."""

import textwrap
from datetime import date
from pathlib import Path

from jobs.console import columns, say, stage, step
from jobs.imports import import_meanwhile
from jobs.report.data import Contents, collect, each_of
from jobs.tuning import tuned
from lakehouse.delta import Lakehouse
from ml.checkpoints import write_whole

AT_RISK_SHOWN = 5
WHY = 60  # characters of the reasons that a line of the terminal has room for


def write_report(lake: Lakehouse, as_of: date) -> Path:
    """Write the page of `as_of` and, the same, latest.html; unchanged tables leave both files as they are."""
    import_meanwhile("jobs.report.page")  # matplotlib and scikit-learn
    path = lake.settings.reports_dir / f"{as_of}.html"
    with stage(f"Report: {as_of}"):
        with step("what there is to tell") as came_of_it:
            contents = collect(tuned(lake), as_of)
            came_of_it(f"of {len(contents.tables)} tables")
        from jobs.report.page import render

        with step("the page") as came_of_it:
            page = render(contents).encode()
            is_new = [keep(page, each) for each in (path, path.with_name("latest.html"))]
            came_of_it("written" if any(is_new) else "unchanged")
    summarize(contents)
    say(f"\nReport, to open in a browser: {path}")
    return path


def keep(page: bytes, path: Path) -> bool:
    """Write the file whole, unless it is already so."""
    if path.exists() and path.read_bytes() == page:
        return False
    write_whole(path, lambda file: file.write(page))
    return True


def summarize(contents: Contents) -> None:
    """The short table in the terminal: layers, contenders, whom to keep first."""
    from jobs.report.page import fixed, whole
    from jobs.report.plots import name_of, ours_first
    from jobs.report.words import METRICS, of_verdict, values

    tables = contents.tables
    if len(tables):
        refused = int(contents.landed["quarantined"].sum())
        by_layer = tables.groupby("layer", sort=False).agg(tables=("rows", "size"), rows=("rows", "sum"))
        say()
        columns(
            [(row.layer, whole(row.tables), whole(row.rows)) for row in each_of(by_layer.reset_index())],
            ("layer", "tables", "rows"),
        )
        if len(contents.landed):
            say(f"  {refused:,} rows are in quarantine")
    if len(contents.metrics):
        shown = ("auroc", "auprc", "f1", "accuracy")
        found = {metric: values(contents, metric) for metric in shown}
        say()
        columns(
            [
                (name_of(each), *(fixed(found[metric].get(each)) for metric in shown))
                for each in ours_first(contents.metrics["contender"].tolist())
            ],
            ("contender", *(METRICS[metric][0] for metric in shown)),
        )
        say(textwrap.fill(of_verdict(contents), 110, initial_indent="  ", subsequent_indent="  "))
    if len(contents.watchlist):
        first = contents.watchlist.head(AT_RISK_SHOWN)
        why = [str(each or "")[:WHY] for each in first["reasons"]]
        width = max(len(each) for each in [*why, "why"])
        say()
        columns(
            [
                (row.core_id, fixed(row.churn_probability, 2), whole(row.value_at_stake), reason.ljust(width))
                for row, reason in zip(each_of(first), why, strict=True)
            ],
            ("most at risk", "churn", "spent, 52 weeks", "why".ljust(width)),
        )
