"""The page: one HTML file that opens from disk and asks nothing of the network."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from jobs.report import plots, words
from jobs.report.data import Contents, each_of

SEGMENTS = ("champion", "loyal", "promising", "new", "occasional", "at_risk", "hibernating", "lost", "prospect")
NOTHING = "\N{EN DASH}"


@dataclass(frozen=True)
class Number:
    """A number of the headline row."""

    value: str
    label: str
    note: str = ""


@dataclass(frozen=True)
class Figure:
    """A plot with a sentence of what to see in it."""

    title: str
    svg: str
    sentence: str


def render(contents: Contents) -> str:
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    pages.filters |= {"whole": whole, "percent": percent, "signed": signed, "fixed": fixed, "text": text}
    return pages.get_template("page.html.j2").render(
        contents=contents,
        is_there=lambda name: len(getattr(contents, name)) > 0,
        rows=lambda name: list(each_of(getattr(contents, name))),
        says=lambda name: getattr(words, f"of_{name}")(contents),
        headline=headline(contents),
        figures=figures(contents),
        metrics=words.METRICS,
        evaluation=evaluation(contents),
        ours=plots.name_of(plots.OURS),
        layers=layers(contents),
    )


def headline(contents: Contents) -> list[Number]:
    """The numbers that come first: those of what has been built."""
    found = []
    if len(contents.people):
        parties = contents.people["parties"].iloc[0]
        found.append(Number(whole(contents.people["customers"].iloc[0]), "customers", f"from {whole(parties)} records"))
    orders = contents.tables.loc[contents.tables["table_name"] == "silver.orders", "rows"]
    if len(orders):
        found.append(Number(whole(orders.iloc[0]), "orders"))
    if len(contents.landed):
        kept, refused = int(contents.landed["rows"].sum()), int(contents.landed["quarantined"].sum())
        found.append(Number(whole(kept), "rows landed", f"from {words.count(len(contents.landed), 'source')}"))
        found.append(Number(whole(refused), "rows quarantined", f"{words.share(refused, kept + refused)} of all"))
    ours, other = words.values(contents, "auroc").get(plots.OURS), words.rival(contents, "auroc")
    if ours is not None and other is not None:
        found.append(Number(f"{ours:.3f}", "AUROC of the model", f"best baseline: {other[1]:.3f}"))
    risky, everyone = words.at_risk(contents)
    if everyone:
        found.append(Number(whole(risky), "customers at risk", f"of {whole(everyone)} scored"))
    return found


def figures(contents: Contents) -> dict[str, Figure]:
    """Every plot that there are rows for."""
    found: dict[str, Figure] = {}

    def add(name: str, plot: plots.Plot, *arguments: Any) -> None:
        sentence = getattr(words, f"of_{name}")(contents)
        found[name] = Figure(plot.title, plot(*arguments), sentence)

    if len(contents.landed):
        add("landed", plots.landed, contents.landed)
    if len(contents.weeks):
        add("orders", plots.orders, contents.weeks)
        add("customers", plots.customers, contents.weeks)
        add("net_amount", plots.net_amount, contents.weeks)
    if len(contents.segments):
        add("segments", plots.segments, in_order(contents.segments))
    predictions, metrics = contents.predictions, contents.metrics
    if plots.has_both(predictions):
        add("roc", plots.roc, predictions, metrics)
        add("precision_recall", plots.precision_recall, predictions, metrics)
        add("calibration", plots.calibration, predictions, metrics)
    ours = contents.confusion[contents.confusion["contender"] == plots.OURS]
    if len(ours):
        add("confusion", plots.confusion, ours)
    if metrics["metric"].astype(str).str.startswith("lift_decile_").any():
        add("lift", plots.lift, metrics)
    if len(contents.history):
        add("history", plots.history, contents.history)
    if len(contents.scores):
        threshold = float(contents.model["threshold"].iloc[0]) if len(contents.model) else None
        add("scores", plots.scores, contents.scores, threshold)
    if len(contents.reasons):
        add("reasons", plots.reasons, contents.reasons)
    return found


def in_order(segments: pd.DataFrame) -> pd.DataFrame:
    """From the best customers to those who never were any; segments that are new to us come last."""
    known = {name: place for place, name in enumerate(SEGMENTS)}
    place = segments["segment"].map(lambda name: known.get(name, len(known)))
    return segments.assign(place=place).sort_values(["place", "segment"]).reset_index(drop=True)


@dataclass(frozen=True)
class Measured:
    """A contender's value of a metric, and whether no other contender's is better."""

    value: str
    is_best: bool


def evaluation(contents: Contents) -> dict[str, dict[str, Measured]]:
    """By contender and metric, the model first."""
    found = {metric: words.values(contents, metric) for metric in words.METRICS}
    best = {
        metric: words.best(by_contender, words.METRICS[metric][2])
        for metric, by_contender in found.items()
        if by_contender
    }
    return {
        plots.name_of(contender): {
            metric: Measured(
                fixed(found[metric].get(contender)),
                metric in best and fixed(found[metric].get(contender)) == fixed(found[metric][best[metric]]),
            )
            for metric in words.METRICS
        }
        for contender in plots.ours_first(contents.metrics["contender"].tolist())
    }


def layers(contents: Contents) -> dict[str, list[Any]]:
    """Each layer's tables with their rows, in the order of the data's flow."""
    found: dict[str, list[Any]] = {}
    for row in each_of(contents.tables):
        found.setdefault(row.layer, []).append(row)
    return found


# Values as a reader sees them


def is_none(value: Any) -> bool:
    return value is None or value is pd.NaT or value != value


def whole(value: Any) -> str:
    """
    >>> whole(1234.0), whole(None) == NOTHING
    ('1,234', True)
    """
    return NOTHING if is_none(value) else f"{float(value):,.0f}"


def fixed(value: Any, digits: int = 3) -> str:
    return NOTHING if is_none(value) else f"{float(value):.{digits}f}"


def percent(value: Any, digits: int = 0) -> str:
    return NOTHING if is_none(value) else f"{100 * float(value):.{digits}f}%"


def signed(value: Any) -> str:
    """
    >>> signed(-0.07), signed(0.07), signed(float("nan")) == NOTHING
    ('-7%', '+7%', True)
    """
    return NOTHING if is_none(value) else f"{100 * float(value):+.0f}%"


def text(value: Any) -> str:
    return NOTHING if is_none(value) or value == "" else str(value).replace("_", " ")
