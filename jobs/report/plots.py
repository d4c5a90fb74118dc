"""Plots as SVG text: pure functions of small frames. The same data give the same bytes.

Text stays text, in the reader's font; colours are CSS variables with a fallback, so that a page can be light or dark.
Each plot is drawn at the width of a phone and grows from there.
"""

import re
import textwrap
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import StringIO
from itertools import cycle
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, FuncFormatter, MaxNLocator, PercentFormatter
from sklearn.calibration import calibration_curve
from sklearn.metrics import precision_recall_curve, roc_curve

from jobs.report.data import BINS, each_of

OURS = "lstm"
NAMES = {"lstm": "LSTM", "recency_rule": "recency rule", "logistic_regression": "logistic regression"}

# Okabe and Ito's blue and vermilion, told apart with any colour vision; all else is grey.
INK, MUTED, FAINT, PAPER, BLUE, RED = "#1f2933", "#5f6c7b", "#d9dfe5", "#fefefe", "#0072b2", "#d55e00"
VARIABLES = {INK: "ink", MUTED: "muted", FAINT: "faint", PAPER: "paper", BLUE: "blue", RED: "red"}
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (6, 1.5, 1, 1.5)))

STYLE: Any = {
    "svg.fonttype": "none",
    "text.parse_math": False,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.titlelocation": "left",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.3,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


@dataclass(frozen=True)
class Plot:
    """A function that draws a figure, made one that returns it as SVG, ready to stand in a page."""

    title: str
    draw: Callable[..., Figure]

    def __call__(self, *arguments: Any) -> str:
        with matplotlib.rc_context(STYLE | {"svg.hashsalt": self.title}):  # ids differ between the plots of a page
            return svg(self.draw(*arguments), self.title)


def plot(title: str) -> Callable[[Callable[..., Figure]], Plot]:
    return lambda draw: Plot(title, draw)


def svg(figure: Figure, title: str) -> str:
    text = StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    FigureCanvasSVG(figure).print_svg(text, metadata=nothing)
    found = text.getvalue()
    found = found[found.index("<svg") :].strip()
    found = re.sub(r"\s*<metadata>.*?</metadata>|\s*<style type=\"text/css\">.*?</style>", "", found, flags=re.DOTALL)
    found = re.sub(r' id="[a-zA-Z0-9.]+_\d+"', "", found)  # names of parts, which every plot has
    found = re.sub(r'<svg ([^>]*?)width="[^"]*"', r"<svg \1", found, count=1)
    found = re.sub(r'<svg ([^>]*?)height="[^"]*"', rf'<svg \1role="img" aria-label="{title}"', found, count=1)
    for colour, name in VARIABLES.items():
        found = found.replace(colour, f"var(--{name}, {colour})")
    return found


@contextmanager
def axes(width: float = 4.3, height: float = 2.8, **arguments: Any) -> Iterator[tuple[Figure, Any]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    yield figure, figure.subplots(**arguments)


def name_of(contender: str) -> str:
    """
    >>> name_of("lstm"), name_of("gradient_boosting")
    ('LSTM', 'gradient boosting')
    """
    return NAMES.get(contender, contender.replace("_", " "))


def ours_first(contenders: Sequence[str]) -> list[str]:
    return sorted(set(contenders), key=lambda each: (each != OURS, each))


def strokes(contenders: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The model in one strong colour, above all baselines; these in grey, told apart by their dashes."""
    dashes = cycle(DASHES)
    return {
        each: {"color": BLUE, "linewidth": 2.4, "zorder": 5}
        if each == OURS
        else {"color": MUTED, "linestyle": next(dashes), "zorder": 3}
        for each in ours_first(contenders)
    }


def bare(ax: Axes) -> None:
    ax.grid(visible=False)
    ax.spines[:].set_visible(False)
    ax.tick_params(length=0)


# What landed

SOURCES_SHOWN = 24  # the table beside the plot has them all


@plot("Rows kept and quarantined by source")
def landed(rows: pd.DataFrame) -> Figure:
    """The sources of most rows; logarithmic, since a few refused rows must be seen beside millions of kept ones."""
    rows = rows.head(SOURCES_SHOWN)
    with axes(height=0.9 + 0.3 * len(rows)) as (figure, ax):
        place = np.arange(len(rows))[::-1]
        most = max(rows["rows"].max(), 10)
        ax.hlines(place, 0, rows["rows"], color=FAINT, linewidth=1.4)
        ax.scatter(rows["rows"], place, s=42, color=BLUE, label="kept", zorder=4)
        some = (rows["quarantined"] > 0).to_numpy()
        ax.scatter(rows["quarantined"][some], place[some], s=40, color=RED, marker="D", label="quarantined", zorder=5)
        for y, kept, refused in zip(place, rows["rows"], rows["quarantined"], strict=True):
            ax.annotate(f"{kept:,}", (kept, y), (7, 0), textcoords="offset points", va="center", fontsize=8)
            if refused:
                beside = {"xytext": (0, 5.5), "ha": "center", "va": "bottom"}
                ax.annotate(f"{refused:,}", (refused, y), textcoords="offset points", color=RED, fontsize=8, **beside)
        ax.set_xscale("symlog", linthresh=1, linscale=0.4)
        ax.set_xlim(0, most * 500)
        ax.set_ylim(-0.6, len(rows) - 0.3)
        ax.set_xticks([0, *(10**power for power in range(0, 12, 2) if 10**power <= most * 2)])
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
        ax.xaxis.set_minor_locator(matplotlib.ticker.NullLocator())
        ax.set_yticks(place, rows["source"], color=INK)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        ax.spines["left"].set_visible(False)
        ax.set_xlabel("rows (logarithmic)")
        figure.legend(loc="outside upper right", ncols=2, handletextpad=0.2, columnspacing=1)
    return figure


# What customers do


def by_week(rows: pd.DataFrame, column: str) -> Figure:
    with axes(3.9, 2.3) as (figure, ax):
        days = pd.to_datetime(rows["week_ends_on"])
        ax.plot(days, rows[column], color=BLUE, linewidth=1.8, marker="o" if len(rows) < 4 else None)
        ax.set_ylim(0, max(float(rows[column].max()) * 1.1, 1))
        ax.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.yaxis.set_major_formatter(EngFormatter(sep=""))
        ax.grid(visible=False, axis="x")
        locator = AutoDateLocator(minticks=3, maxticks=7)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator))
    return figure


@plot("Orders by week")
def orders(rows: pd.DataFrame) -> Figure:
    return by_week(rows, "orders")


@plot("Customers who ordered, by week")
def customers(rows: pd.DataFrame) -> Figure:
    return by_week(rows, "customers")


@plot("Net amount by week")
def net_amount(rows: pd.DataFrame) -> Figure:
    return by_week(rows, "net_amount")


@plot("Customers and spend by segment")
def segments(rows: pd.DataFrame) -> Figure:
    with axes(height=0.7 + 0.33 * len(rows)) as (figure, ax):
        place = np.arange(len(rows))[::-1]
        for shift, column, colour, label in (
            (0.19, "customers", BLUE, "of customers"),
            (-0.19, "net_amount_52w", MUTED, "of spend in 52 weeks"),
        ):
            shares = rows[column] / max(float(rows[column].sum()), 1e-9)
            ax.barh(place + shift, shares, height=0.34, color=colour, label=label)
            for y, share in zip(place + shift, shares, strict=True):
                beside = {"textcoords": "offset points", "va": "center", "fontsize": 7.5, "color": MUTED}
                ax.annotate(f"{share:.0%}", (share, y), (3, 0), **beside)
        ax.set_yticks(place, [each.replace("_", " ") for each in rows["segment"]], color=INK)
        ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        ax.margins(x=0.12)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        figure.legend(loc="outside upper right", ncols=2, handlelength=1, columnspacing=1)
    return figure


# How the model does


@plot("Training curve")
def history(rows: pd.DataFrame) -> Figure:
    with axes(4.0, 3.5, nrows=2, sharex=True, height_ratios=(3, 2)) as (figure, (losses, areas)):
        few = {"marker": "o", "markersize": 3} if len(rows) < 40 else {}
        best = rows.loc[rows["validation_loss"].astype(float).idxmin()]
        losses.plot(rows["epoch"], rows["loss"], color=MUTED, linestyle=DASHES[1], label="training", **few)
        losses.plot(rows["epoch"], rows["validation_loss"], color=BLUE, linewidth=2, label="validation", **few)
        areas.plot(rows["epoch"], rows["validation_auroc"], color=BLUE, linewidth=2, **few)
        for ax in (losses, areas):
            ax.axvline(best["epoch"], color=RED, linewidth=1, linestyle=DASHES[2])
            ax.yaxis.set_major_locator(MaxNLocator(4))
        losses.set_title("loss", color=MUTED)
        areas.set_title("AUROC on validation", color=MUTED)
        areas.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
        areas.set_xlabel("epoch (dotted: the one that was kept)")
        figure.legend(loc="outside upper right", ncols=2)
    return figure


def has_both(rows: pd.DataFrame) -> bool:
    """Whether some churned and some stayed: without both there is no curve."""
    return bool(rows["has_churned"].astype(bool).nunique() == 2)


def curve(
    predictions: pd.DataFrame,
    points: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    label: Callable[[str], str],
    **kind: Any,
) -> tuple[Figure, Any]:
    """A square plot with a line for each contender."""
    with axes(4.0, 3.8) as (figure, ax):
        for contender, style in strokes(predictions["contender"].tolist()).items():
            rows = predictions[predictions["contender"] == contender]
            churned, probability = rows["has_churned"].to_numpy(bool), rows["probability"].to_numpy(float)
            ax.plot(*points(churned, probability), label=label(contender), **style, **kind)
        ax.set_xlim(-0.01, 1.01)
        ax.set_ylim(-0.01, 1.02)
        ax.set_aspect("equal")
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
    return figure, ax


def with_metric(metrics: pd.DataFrame, name: str) -> Callable[[str], str]:
    """The label of a contender: its name, and its metric where it is known."""
    values = metrics[metrics["metric"] == name].set_index("contender")["value"]
    return lambda each: f"{name_of(each)} {values[each]:.3f}" if each in values else name_of(each)


@plot("ROC curve")
def roc(predictions: pd.DataFrame, metrics: pd.DataFrame) -> Figure:
    figure, ax = curve(predictions, lambda y, p: roc_curve(y, p)[:2], with_metric(metrics, "auroc"))
    ax.plot((0, 1), (0, 1), color=FAINT, linewidth=1)
    ax.set_xlabel("of those who stayed: said to churn")
    ax.set_ylabel("of those who churned: found (recall)")
    ax.legend(loc="lower right", title="AUROC", alignment="left")
    return figure


@plot("Precision-recall curve")
def precision_recall(predictions: pd.DataFrame, metrics: pd.DataFrame) -> Figure:
    figure, ax = curve(predictions, lambda y, p: precision_recall_curve(y, p)[1::-1], with_metric(metrics, "auprc"))
    rate = float(predictions["has_churned"].astype(float).mean())
    ax.axhline(rate, color=FAINT, linewidth=1)
    ax.set_xlabel("of those who churned: found (recall)")
    ax.set_ylabel("of those said to churn: did (precision)")
    ax.legend(loc="lower left" if rate < 0.5 else "lower right", title="AUPRC", alignment="left")
    return figure


@plot("Calibration curve")
def calibration(predictions: pd.DataFrame, metrics: pd.DataFrame) -> Figure:
    def points(churned: np.ndarray, probability: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        came_true, said = calibration_curve(churned, probability, n_bins=10, strategy="quantile")
        return said, came_true

    label = with_metric(metrics, "calibration_error")
    figure, ax = curve(predictions, points, label, marker="o", markersize=3.5)
    ax.plot((0, 1), (0, 1), color=FAINT, linewidth=1)
    ax.set_xlabel("said: probability of churn, by tenths of customers")
    ax.set_ylabel("came true: share that churned")
    ax.legend(loc="upper left", title="calibration error", alignment="left")
    return figure


CELLS: Mapping[tuple[bool, bool], tuple[str, str]] = {
    (True, True): ("churned, and was found", BLUE),
    (True, False): ("stayed: a false alarm", RED),
    (False, True): ("churned: missed", RED),
    (False, False): ("stayed, and was left alone", BLUE),
}


@plot("Confusion matrix")
def confusion(counts: pd.DataFrame) -> Figure:
    """`counts`: how many customers are in each cell, of one contender."""
    found = {(bool(row.is_predicted), bool(row.has_churned)): int(row.customers) for row in each_of(counts)}
    everyone = max(sum(found.values()), 1)
    with axes(4.0, 3.5) as (figure, ax):
        for (is_predicted, has_churned), (meaning, colour) in CELLS.items():
            x, y = int(not has_churned), int(is_predicted)
            customers = found.get((is_predicted, has_churned), 0)
            shade = 0.08 + 0.6 * customers / everyone
            ax.add_patch(matplotlib.patches.Rectangle((x + 0.02, y + 0.02), 0.96, 0.96, color=colour, alpha=shade))
            ax.text(x + 0.5, y + 0.6, f"{customers:,}", ha="center", va="center", fontsize=17)
            ax.text(x + 0.5, y + 0.36, meaning, ha="center", va="center", fontsize=8)
            ax.text(x + 0.5, y + 0.2, f"{customers / everyone:.1%} of all", ha="center", va="center", fontsize=8)
        ax.set_xlim(0, 2)
        ax.set_ylim(0, 2)
        ax.set_xticks((0.5, 1.5), ("churned", "stayed"), color=INK)
        ax.set_yticks((0.5, 1.5), ("stays", "churns"), color=INK, rotation=90, va="center")
        ax.xaxis.set_label_position("top")
        ax.xaxis.tick_top()
        ax.set_xlabel("what came true")
        ax.set_ylabel("what the model said")
        bare(ax)
    return figure


@plot("Lift by tenths of customers")
def lift(metrics: pd.DataFrame) -> Figure:
    """How much likelier to churn than all customers each tenth was, those of highest probability first."""
    of_tenths = metrics[metrics["metric"].str.startswith("lift_decile_")]
    with axes(4.0, 3.5) as (figure, ax):
        for contender, style in strokes(of_tenths["contender"].tolist()).items():
            rows = of_tenths[of_tenths["contender"] == contender]
            tenths = rows["metric"].str.removeprefix("lift_decile_").astype(int)
            ordered = pd.Series(rows["value"].to_numpy(float), index=tenths).sort_index()
            ax.plot(ordered.index, ordered, label=name_of(contender), marker="o", markersize=3.5, **style)
        ax.axhline(1, color=FAINT, linewidth=1.4)
        ax.set_ylim(bottom=0)
        ax.set_xticks(range(1, 11))
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
        ax.set_xlabel("tenth of customers, most at risk first")
        ax.set_ylabel("times as likely to churn as all")
        ax.legend(loc="upper right")
    return figure


# Who is at risk


@plot("Customers by probability of churn")
def scores(bins: pd.DataFrame, threshold: float | None) -> Figure:
    with axes(height=2.8) as (figure, ax):
        for is_at_risk, colour, label in ((False, MUTED, "not at risk"), (True, RED, "at risk")):
            rows = bins[bins["is_at_risk"].astype(bool) == is_at_risk]
            counts = rows.groupby("bin")["customers"].sum().reindex(range(BINS), fill_value=0).to_numpy(float)
            below = np.zeros(BINS)
            if is_at_risk:  # only the bin of the threshold has both
                others = bins[~bins["is_at_risk"].astype(bool)]
                below = others.groupby("bin")["customers"].sum().reindex(range(BINS), fill_value=0).to_numpy(float)
            ax.bar(np.arange(BINS) / BINS, counts, 0.9 / BINS, below, align="edge", color=colour, label=label)
        if threshold is not None:
            ax.axvline(threshold, color=INK, linewidth=1, linestyle=DASHES[1])
            side = {"ha": "left", "xytext": (4, 0)} if threshold < 0.6 else {"ha": "right", "xytext": (-4, 0)}
            ax.annotate(
                f"threshold {threshold:.2f}", (threshold, 0.98), xycoords=("data", "axes fraction"),
                textcoords="offset points", va="top", fontsize=8, **side,
            )  # fmt: skip
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        ax.yaxis.set_major_formatter(EngFormatter(sep=""))
        ax.yaxis.set_major_locator(MaxNLocator(5, integer=True))
        ax.grid(visible=False, axis="x")
        ax.set_xlabel("probability of churn")
        ax.set_ylabel("customers")
        figure.legend(loc="outside upper right", ncols=2, handlelength=1, columnspacing=1)
    return figure


@plot("Why customers are at risk")
def reasons(rows: pd.DataFrame) -> Figure:
    labels = ["\n".join(textwrap.wrap(each, 34)[:3]) for each in rows["reason"]]
    lines = sum(1 + label.count("\n") for label in labels)
    with axes(height=0.6 + 0.16 * len(rows) + 0.17 * lines) as (figure, ax):
        place = np.arange(len(rows))[::-1]
        ax.barh(place, rows["customers"], height=0.55, color=RED)
        for y, customers in zip(place, rows["customers"], strict=True):
            ax.annotate(f"{customers:,}", (customers, y), (3, 0), textcoords="offset points", va="center", fontsize=8)
        ax.set_yticks(place, labels, color=INK)
        ax.xaxis.set_major_locator(MaxNLocator(4, integer=True))
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
        ax.margins(x=0.16)
        ax.tick_params(axis="y", length=0)
        ax.grid(visible=False, axis="y")
        ax.set_xlabel("customers at risk")
    return figure
