"""The report: what its sentences and numbers say of literal frames, and what a lakehouse gives it."""

import doctest
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest

from bronze.ledger import FILES, LOADS, QUARANTINE
from jobs.report import collect, keep, page, plots, summarize, words, write_report
from jobs.report.data import NOTHING, Contents, columns_of
from jobs.report.page import render
from lakehouse.delta import Lakehouse
from ml.tables import CHURN_SCORES, MODEL_METRICS, MODELS, TEST_PREDICTIONS, TRAINING_HISTORY
from silver.tables import CORE_IDS, CUSTOMERS, ORDERS
from tests.dbt.small_lake import AS_OF, score, write

VOID = {"meta", "link", "br", "img", "hr", "input"}


def rows(name: str, *values: Sequence[Any]) -> pd.DataFrame:
    """A frame of the report, with the columns it is declared with."""
    return pd.DataFrame(list(values), columns=columns_of(name))


def metrics(**of_contender: dict[str, float]) -> pd.DataFrame:
    return rows(
        "metrics",
        *(
            (contender, metric, value)
            for contender, measured in of_contender.items()
            for metric, value in measured.items()
        ),
    )


def predictions(*of_customer: tuple[float, bool], contender: str = "lstm") -> pd.DataFrame:
    return rows("predictions", *((contender, f"C{i}", said, came) for i, (said, came) in enumerate(of_customer)))


def full() -> Contents:
    """A little of everything."""
    return Contents(
        as_of=AS_OF,
        tables=rows("tables", ("silver", "silver.orders", 155_848), ("gold", "gold.customer_weeks", 700_123)),
        landed=rows("landed", ("pos", 367, 1_472_757, 12, AS_OF), ("campaigns", 13, 27, 0, AS_OF)),
        failed=rows("failed", ("coupons", 3, "OSError: the disk is full")),
        unclaimed=rows("unclaimed", ("marketing/notes.txt",)),
        refusals=rows("refusals", ("pos", "quantity is below 0", 12)),
        refused=rows("refused", ("pos", "pos/2017-05-01.csv", 137, "quantity is below 0")),
        revisions=rows("revisions", ("silver.parties", 801)),
        people=rows("people", (2469, 9201)),
        weeks=rows("weeks", (date(2017, 12, 24), 10, 7, 250.0), (AS_OF, 20, 9, 500.0)),
        segments=rows("segments", ("at_risk", 25, 100.0), ("champion", 75, 900.0)),
        model=rows("model", ("churn", "3", AS_OF, date(2017, 12, 3), 2, 0.4)),
        history=rows("history", (1, 0.6, 0.55, 0.7), (2, 0.5, 0.45, 0.8), (3, 0.4, 0.47, 0.79)),
        metrics=metrics(
            lstm={"auroc": 0.84, "auprc": 0.6, "accuracy": 0.8, "lift_decile_1": 3.0, "lift_decile_2": 1.5},
            gradient_boosting={"auroc": 0.81, "auprc": 0.65, "accuracy": 0.8, "lift_decile_1": 2.5},
        ),
        confusion=rows("confusion", ("lstm", True, True, 30), ("lstm", True, False, 10), ("lstm", False, False, 60)),
        predictions=pd.concat(
            [
                predictions((0.9, True), (0.2, False), (0.6, True), (0.4, False)),
                predictions((0.7, True), (0.3, False), (0.2, True), (0.4, False), contender="gradient_boosting"),
            ]
        ),
        scores=rows("scores", (AS_OF, 2, False, 75), (AS_OF, 15, True, 25)),
        reasons=rows("reasons", ("no order for … days", 20)),
        watchlist=rows("watchlist", (1, "C77", AS_OF, 0.91, "at_risk", 64, 4200.0, 3822.0, "no order for 64 days")),
        stake=rows("stake", (25, 4200.0, 3822.0)),
        campaigns=rows("campaigns", ("8", "Type A", date(2017, 5, 8), date(2017, 5, 9), 200, 50, 0.25, 0.5, None)),
        rules=rows("rules", ("bronze", 10, 9, 0, 1)),
        broken=rows("broken", ("bronze.pos", "brand is not one of A", "warning", 12, 92_331, None)),
    )


@pytest.fixture(scope="module")
def whole_page() -> str:
    return render(full())


@pytest.fixture
def without_drawing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plots take most of the time of a page: an empty one for each."""
    monkeypatch.setattr(plots.Plot, "__call__", lambda plot, *arguments: "<svg></svg>")


class Tags(HTMLParser):
    """Collects the text, and fails where a tag is closed that is not the innermost open one."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, f"</{tag}> at {self.getpos()}"

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data.strip())


def text_of(html: str) -> str:
    tags = Tags()
    tags.feed(html)
    tags.close()
    assert tags.open == []
    return " ".join(text for text in tags.texts if text)


def test_the_page_has_the_numbers_of_the_frames(whole_page: str):
    text = text_of(whole_page)

    for number in (
        "customers 2,469 from 9,201 records",
        "orders 155,848",
        "rows landed 1,472,784 from 2 sources",
        "rows quarantined 12 0.0008% of all",
        "AUROC of the model 0.840 best baseline: 0.810",
        "customers at risk 25 of 100 scored",
        "1 C77 91% no order for 64 days at risk 64 4,200 3,822",
        "8 Type A 2017-05-08 2017-05-09 200 50 25.0% +50% \N{EN DASH}",
        "pos/2017-05-01.csv 137 quantity is below 0",
    ):
        assert number in text


def test_every_plot_is_in_the_page_with_its_sentence():
    page = render(full())

    assert page.count("<svg ") == page.count("<figcaption>") == page.count('role="img"') == 13
    assert "<figcaption></figcaption>" not in page


def test_a_page_of_nothing_says_so_in_each_section():
    page = render(Contents(AS_OF))

    text_of(page)
    assert page.count("<section") == page.count('class="missing"') == 8
    assert "<svg" not in page


@pytest.mark.parametrize("name", [name for name in Contents.__dataclass_fields__ if name != "as_of"])
def test_a_page_without_one_of_its_frames_is_whole(name: str, without_drawing: None):
    contents = full()

    without = replace(contents, **{name: getattr(NOTHING, name)})

    assert text_of(render(without)) != text_of(render(contents))


def test_the_page_asks_nothing_of_the_network(whole_page: str):
    assert re.findall(r"(?<!xmlns=\")(?<!xmlns:xlink=\")https?://", whole_page) == []
    assert re.findall(r"<script|<link (?!rel=\"icon\" href=\"data:,\")|@import|url\((?!#)", whole_page) == []


def test_the_same_frames_give_the_same_bytes(whole_page: str):
    assert render(full()) == whole_page


def test_what_a_source_is_called_cannot_become_markup():
    hostile = "<script>alert('$x^2$')</script>&"
    contents = Contents(
        AS_OF,
        landed=rows("landed", (hostile, 1, 10, 2, AS_OF)),
        refusals=rows("refusals", (hostile, hostile, 2)),
        reasons=rows("reasons", (hostile, 2)),
        scores=rows("scores", (AS_OF, 15, True, 2)),
    )

    page = render(contents)

    assert "<script" not in page
    assert "alert('$x^2$')" in text_of(page)


# Sentences


def test_it_is_said_when_a_baseline_beats_the_model():
    contents = Contents(
        AS_OF,
        metrics=metrics(
            lstm={
                "auroc": 0.80,
                "auroc_gain_over_recency_rule_low": -0.05,
                "auroc_gain_over_recency_rule_high": -0.01,
            },
            recency_rule={"auroc": 0.83},
            logistic_regression={"auroc": 0.79},
        ),
    )

    assert words.of_verdict(contents) == (
        "A baseline beats the LSTM: recency rule has AUROC 0.830, the LSTM 0.800; the 95% interval of the LSTM's lead "
        "is -0.050 to -0.010, so this is more than chance."
    )


def test_a_lead_that_may_be_chance_is_called_so():
    contents = Contents(
        AS_OF,
        metrics=metrics(
            lstm={"auroc": 0.84, "auroc_gain_over_recency_rule_low": -0.01, "auroc_gain_over_recency_rule_high": 0.03},
            recency_rule={"auroc": 0.83},
        ),
    )

    assert words.of_verdict(contents).startswith("The LSTM ranks customers better than every baseline")
    assert words.of_verdict(contents).endswith("so on these customers it may be chance.")


def test_of_a_lower_is_better_metric_the_lowest_is_best():
    contents = Contents(
        AS_OF, metrics=metrics(lstm={"calibration_error": 0.03}, recency_rule={"calibration_error": 0.02})
    )

    assert words.against_best(contents, "calibration_error") == (
        "Calibration error is 0.030, and a baseline is better: recency rule has 0.020."
    )


def test_accuracy_is_told_beside_that_of_saying_the_same_of_everyone():
    contents = Contents(
        AS_OF,
        confusion=rows(
            "confusion",
            ("lstm", True, True, 30),
            ("lstm", True, False, 10),
            ("lstm", False, True, 20),
            ("lstm", False, False, 140),
            ("recency_rule", True, True, 999),
        ),
    )

    assert words.of_confusion(contents) == (
        "Of 40 customers said to churn, 30 did (75%); of 50 who churned, 30 were found (60%). 85.0% were told rightly; "
        "to say of everyone that they stay would have been right for 75.0%."
    )


def test_the_landing_sentence_counts_what_was_refused():
    assert words.of_landed(full()) == (
        "2 sources delivered 1,472,796 rows in 380 files; 1,472,784 were kept and 12 (0.0008%) were refused, "
        "all of them from pos."
    )


def test_eight_weeks_are_enough_to_compare_the_last_four_with_the_first():
    weeks = rows("weeks", *((date(2017, 1, 1 + i), orders, 1, 1.0) for i, orders in enumerate([10] * 4 + [15] * 4)))

    assert "from 10 a week (mean of the first four) to 15 (of the last four): +50%" in words.course(weeks, "orders")


@pytest.mark.parametrize("module", [words, plots, page])
def test_examples_in_docstrings_hold(module: Any):
    assert doctest.testmod(module).failed == 0


# Plots


def test_curves_name_each_contender_with_its_metric():
    svg = plots.roc(full().predictions, full().metrics)

    assert {">LSTM 0.840<", ">gradient boosting 0.810<"} <= set(re.findall(r">[^<>\n]+<", svg))


def test_the_model_is_drawn_in_a_colour_that_no_baseline_has():
    styles = plots.strokes(["recency_rule", "lstm", "gradient_boosting", "logistic_regression"])

    assert next(iter(styles)) == "lstm"
    assert [name for name, style in styles.items() if style["color"] == plots.BLUE] == ["lstm"]
    assert len({str(style.get("linestyle")) for style in styles.values()}) == 4


def test_the_landing_plot_labels_kept_and_refused_rows():
    svg = plots.landed(full().landed)

    for label in ("pos", "1,472,757", "12", "campaigns", "27"):
        assert f">{label}<" in svg


def test_colours_follow_the_page():
    svg = plots.orders(full().weeks)

    assert f"var(--blue, {plots.BLUE})" in svg
    assert re.findall(r"(?<!, )#[0-9a-f]{6}\b", svg) == []


def test_the_plots_of_a_page_share_no_id(whole_page: str):
    ids = re.findall(r'\bid="([^"]+)"', whole_page)

    assert len(ids) == len(set(ids))


# The terminal and the files


def test_the_terminal_table_is_short(capsys: pytest.CaptureFixture[str]):
    summarize(full())

    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 35
    assert max(len(line) for line in lines) <= 120
    assert [line.split()[:3] for line in lines if line.strip().startswith(("silver", "LSTM", "C77"))] == [
        ["silver", "1", "155,848"],
        ["LSTM", "0.840", "0.600"],
        ["C77", "0.91", "4,200"],
    ]


def test_a_page_that_is_the_same_is_not_written_again(tmp_path):
    path = tmp_path / "reports" / "latest.html"

    assert [keep(b"a", path), keep(b"a", path), keep(b"b", path)] == [True, False, True]
    assert [each.name for each in path.parent.iterdir()] == ["latest.html"]


# The lakehouse


def load(source: str, number: int, status: str, landed: int, refused: int, error: str | None = None) -> dict[str, Any]:
    counts = {"files": 1, "rows": landed, "quarantined": refused}
    became = {"status": status, "error": error, "ended_at": datetime(2018, 1, 1)}
    return {"source": source, "load_id": number, **counts, **became}


def order(party_id: str, day: date, amount: str) -> dict[str, Any]:
    return {"order_id": f"{party_id}/{day}", "party_id": party_id, "ordered_on": day, "net_amount": Decimal(amount)}


def refused(file: str, position: int, value: str) -> dict[str, Any]:
    reasons = [f"amount: expected int, found '{value}'"]
    return {
        "source": "pos", "file": file, "position": position, "load_id": 0, "raw": f"x;{value}", "reasons": reasons,
    }  # fmt: skip


def fill(lake: Lakehouse) -> None:
    """Ann has two identity records; Bob is leaving; Cy bought once; Dee never did."""
    write(lake, CUSTOMERS, *({"core_id": each, "parties": 1 + (each == "ann")} for each in ("ann", "bob", "cy", "dee")))
    write(
        lake,
        CORE_IDS,
        *({"party_id": f"loyalty/{each}", "core_id": each} for each in ("ann", "bob", "cy", "dee")),
        {"party_id": "web/1", "core_id": "ann"},
    )
    write(
        lake,
        ORDERS,
        order("loyalty/ann", date(2017, 12, 14), "20.00"),  # in a week that orders do not fill
        order("loyalty/ann", date(2017, 12, 18), "10.00"),
        order("web/1", date(2017, 12, 24), "15.00"),
        order("loyalty/bob", date(2017, 12, 24), "40.00"),
        order("loyalty/ann", date(2017, 12, 31), "5.00"),
        order("loyalty/cy", date(2018, 1, 1), "9.50"),
    )
    write(
        lake,
        CHURN_SCORES,
        score("ann", 0.1),
        score("bob", 0.9, "no order for 236 days", "orders of the last 4 weeks 61% below usual"),
        score("cy", 0.6, "no order for 13 weeks"),
        score("cy", 0.99, "an older score", as_of=date(2017, 12, 24)),
    )
    write(
        lake,
        LOADS,
        load("pos", 0, "landed", 90, 1),
        load("pos", 1, "landed", 10, 1),
        load("crm", 0, "landed", 5, 0),
        load("crm", 1, "failed", 0, 0, "OSError: the disk is full\nwith a trace"),
    )
    write(
        lake,
        FILES,
        {"file": "pos/1.csv", "version": 1, "source": "pos", "arrived_at": datetime(2018, 1, 1, 3)},
        {"file": "notes.txt", "version": 1, "source": None, "arrived_at": datetime(2018, 1, 1, 3)},
    )
    write(
        lake,
        QUARANTINE,
        refused("pos/1.csv", 7, "Ann"),
        refused("pos/2.csv", 3, "Bob"),
    )
    version = {"model": "orrery-churn", "trained_as_of": AS_OF, "test_as_of": date(2017, 12, 3), "threshold": 0.5}
    write(
        lake,
        MODELS,
        {**version, "model_version": "9"},
        {**version, "model_version": "10"},
        {**version, "model_version": "11", "trained_as_of": date(2018, 3, 1)},
    )
    of_model = {"model": "orrery-churn", "model_version": "10"}
    write(
        lake, TRAINING_HISTORY, {**of_model, "epoch": 1, "loss": 0.6, "validation_loss": 0.5, "validation_auroc": 0.7}
    )
    write(
        lake,
        MODEL_METRICS,
        {**of_model, "contender": "lstm", "metric": "auroc", "value": 0.8},
        {**of_model, "contender": "recency_rule", "metric": "auroc", "value": 0.7},
        {**of_model, "model_version": "9", "contender": "lstm", "metric": "auroc", "value": 0.1},
    )
    said = {"ann": (0.2, False), "bob": (0.9, True), "cy": (0.7, False)}
    write(
        lake,
        TEST_PREDICTIONS,
        *(
            {
                **of_model, "contender": "lstm", "core_id": core_id, "probability": probability,
                "is_predicted": probability >= 0.5, "has_churned": churned,
            }
            for core_id, (probability, churned) in said.items()
        ),
    )  # fmt: skip
    lake.spark.sql("CREATE SCHEMA IF NOT EXISTS marts")
    lake.spark.sql(
        "CREATE TABLE marts.rfmt_segments USING delta AS SELECT * FROM VALUES ('ann', 'loyal', 50.00BD),"
        " ('bob', 'lost', 70.00BD), ('dee', 'prospect', null) AS t(core_id, segment, net_amount_52w)"
    )


@pytest.mark.spark
def test_what_a_small_lakehouse_has_to_tell(lake: Lakehouse, capsys: pytest.CaptureFixture[str]):
    fill(lake)

    found = collect(lake, AS_OF)

    def values(name: str) -> list[tuple[Any, ...]]:
        return [tuple(row) for row in getattr(found, name).itertuples(index=False)]

    assert [row[:4] for row in values("landed")] == [("pos", 2, 100, 2), ("crm", 1, 5, 0)]
    assert values("failed") == [("crm", 1, "OSError: the disk is full")]
    assert values("unclaimed") == [("notes.txt",)]
    assert values("refusals") == [("pos", "amount: expected int", 2)]
    assert [row[1:] for row in values("refused")] == [
        ("pos/1.csv", 7, "amount: expected int"),
        ("pos/2.csv", 3, "amount: expected int"),
    ]
    assert values("people") == [(4, 5)]
    assert values("weeks") == [(date(2017, 12, 24), 3, 2, 65.0), (AS_OF, 1, 1, 5.0)]
    assert values("segments") == [("lost", 1, 70.0), ("loyal", 1, 50.0), ("prospect", 1, 0.0)]
    assert found.model["model_version"].tolist() == ["10"]
    assert values("metrics") == [("lstm", "auroc", 0.8), ("recency_rule", "auroc", 0.7)]
    assert values("confusion") == [("lstm", False, False, 1), ("lstm", True, False, 1), ("lstm", True, True, 1)]
    assert values("predictions") == [
        ("lstm", "ann", 0.2, False),
        ("lstm", "bob", 0.9, True),
        ("lstm", "cy", 0.7, False),
    ]
    assert [row[1:] for row in values("scores")] == [(2, False, 1), (12, True, 1), (18, True, 1)]
    assert values("reasons") == [("no order for …", 2), ("orders of the last 4 weeks … below usual", 1)]
    assert ("silver", "silver.customers", 4) in values("tables")
    assert ("marts", "marts.rfmt_segments", 3) in values("tables")
    assert (len(found.watchlist), len(found.campaigns), len(found.rules)) == (0, 0, 0)

    path = write_report(lake, AS_OF)

    text = path.read_text()
    assert path == lake.settings.reports_dir / "2017-12-31.html"
    assert text == path.with_name("latest.html").read_text() == render(found)  # the same tables, the same page
    assert "Ann" not in text  # the value for which a row was refused
    assert str(path.parent) not in text
    assert capsys.readouterr().out.rstrip().endswith(str(path))


@pytest.mark.spark
def test_an_empty_lakehouse_has_a_report(lake: Lakehouse):
    text = text_of(write_report(lake, AS_OF).read_text())

    assert "Nothing has landed yet." in text
