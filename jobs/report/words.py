"""What there is to see in each part of the report, in a sentence that is worked out from the data."""

from datetime import date
from math import ceil, log10
from typing import Any

import pandas as pd

from jobs.report.data import Contents, each_of
from jobs.report.plots import OURS, SOURCES_SHOWN, name_of

HIGHER, LOWER = True, False

# The metrics of the report: what to call each, what it is in a word, which way is better.
METRICS: dict[str, tuple[str, str, bool]] = {
    "auroc": (
        "AUROC",
        "how often one who churned is ranked above one who stayed: 0.5 is a coin, 1 is always",
        HIGHER,
    ),
    "auprc": ("AUPRC", "precision averaged over all recalls; ranking at random gives the share that churned", HIGHER),
    "f1": ("F1", "the harmonic mean of precision and recall", HIGHER),
    "precision": ("precision", "of those said to churn, how many did", HIGHER),
    "recall": ("recall", "of those who churned, how many were found", HIGHER),
    "accuracy": ("accuracy", "how many were told rightly, either way", HIGHER),
    "brier": ("Brier", "the mean squared error of the probability", LOWER),
    "calibration_error": (
        "calibration error",
        "how far the probability is from the share that came true, on average over tenths of customers",
        LOWER,
    ),
}


def count(number: Any, thing: str, things: str | None = None) -> str:
    """
    >>> count(1, "row"), count(1234, "row"), count(2, "country", "countries")
    ('1 row', '1,234 rows', '2 countries')
    """
    return f"{int(number):,} {thing if number == 1 else things or thing + 's'}"


def share(part: Any, whole: Any, digits: int = 0) -> str:
    """A share in per cent; one that is too small to show is not called 0.

    >>> share(1, 4), share(57, 21_000_000), share(0, 5), share(1, 0)
    ('25%', '0.0003%', '0%', 'none')
    """
    if not whole:
        return "none"
    found = 100 * part / whole
    if 0 < found < 0.5 * 10**-digits:
        digits = 1 - ceil(log10(found))  # to the first digit that is not 0
    return f"{found:.{digits}f}%"


def change(after: float, before: float) -> str:
    """
    >>> change(110, 100), change(95, 100), change(1, 0)
    ('+10%', '-5%', 'new')
    """
    return f"{100 * (after / before - 1):+.0f}%" if before else "new"


# Bronze and silver


def of_landed(contents: Contents) -> str:
    landed = contents.landed
    kept, refused = int(landed["rows"].sum()), int(landed["quarantined"].sum())
    arrived = kept + refused
    text = (
        f"{count(len(landed), 'source')} delivered {count(arrived, 'row')} in {count(landed['files'].sum(), 'file')}; "
    )
    shown = f" The plot shows the {SOURCES_SHOWN} of most rows." if len(landed) > SOURCES_SHOWN else ""
    if not refused:
        return text + "every row was kept." + shown
    worst = landed.sort_values(["quarantined", "source"], ascending=[False, True]).iloc[0]
    most = "all" if worst.quarantined == refused else f"{int(worst.quarantined):,}"
    were = "was" if refused == 1 else "were"
    return (
        text + f"{kept:,} were kept and {refused:,} ({share(refused, arrived)}) {were} refused, "
        f"{most} of {'it' if refused == 1 else 'them'} from {worst.source}." + shown
    )


def of_revisions(contents: Contents) -> str:
    rows = contents.revisions
    if rows.empty:
        return "No later delivery has changed a row of silver so far."
    each = ", ".join(f"{int(row.rows):,} of {row.table_name}" for row in each_of(rows))
    return f"Later deliveries changed rows that silver had already: {each}. What they said before is kept."


def of_people(contents: Contents) -> str:
    row = contents.people.iloc[0]
    parties = int(row.parties) if pd.notna(row.parties) else 0
    return f"{count(parties, 'identity record')} of all sources are {count(row.customers, 'customer')}."


def of_orders(contents: Contents) -> str:
    busiest = contents.weeks.loc[contents.weeks["orders"].idxmax()]
    most = f"The most, {int(busiest.orders):,}, were placed in the week to {busiest.week_ends_on}."
    return f"{course(contents.weeks, 'orders')} {most}"


def of_customers(contents: Contents) -> str:
    return course(contents.weeks, "customers")


def of_net_amount(contents: Contents) -> str:
    last = contents.weeks.iloc[-1]
    each = f" An order was worth {last.net_amount / last.orders:,.2f} on average." if last.orders else ""
    return course(contents.weeks, "net_amount") + each


def course(weeks: pd.DataFrame, column: str) -> str:
    """The last week, and how the last four compare with the first four."""
    last = f"{weeks[column].iloc[-1]:,.0f} in the week to {weeks['week_ends_on'].iloc[-1]}"
    if len(weeks) < 8:
        return f"{last}."
    before, after = weeks.head(4)[column].mean(), weeks.tail(4)[column].mean()
    return (
        f"{last}. Over {len(weeks)} weeks, from {before:,.0f} a week (mean of the first four) to {after:,.0f} "
        f"(of the last four): {change(after, before)}."
    )


def of_segments(contents: Contents) -> str:
    segments = contents.segments
    everyone, spent = segments["customers"].sum(), segments["net_amount_52w"].sum()
    largest: Any = segments.loc[segments["customers"].idxmax()]
    richest: Any = segments.loc[segments["net_amount_52w"].idxmax()]
    text = (
        f"The largest segment is {spelled(largest.segment)}: {count(largest.customers, 'customer')}, "
        f"{share(largest.customers, everyone)} of all. "
    )
    return text + (
        f"Most is spent by the segment {spelled(richest.segment)}: {share(richest.net_amount_52w, spent)} of the "
        f"spend, by {share(richest.customers, everyone)} of customers."
    )


def spelled(name: str) -> str:
    return name.replace("_", " ")


# The model beside its baselines


def values(contents: Contents, metric: str) -> dict[str, float]:
    """A metric of each contender."""
    rows = contents.metrics[contents.metrics["metric"] == metric]
    return {row.contender: float(row.value) for row in each_of(rows.sort_values("contender")) if pd.notna(row.value)}


def best(found: dict[str, float], higher: bool) -> str:
    """The contender of the best value; of equals the first by name."""
    return min(found, key=lambda each: (-found[each] if higher else found[each], each))


def rival(contents: Contents, metric: str) -> tuple[str, float] | None:
    """The best baseline by a metric, and its value."""
    baselines = {name: value for name, value in values(contents, metric).items() if name != OURS}
    if not baselines:
        return None
    name = best(baselines, METRICS[metric][2])
    return name, baselines[name]


def against_best(contents: Contents, metric: str) -> str:
    """Whether the model is better than the best baseline, said either way."""
    ours, other = values(contents, metric).get(OURS), rival(contents, metric)
    if ours is None or other is None:
        return ""
    name, theirs = other
    gain = (ours - theirs) * (1 if METRICS[metric][2] else -1)
    label = METRICS[metric][0][0].upper() + METRICS[metric][0][1:]
    if round(gain, 3) == 0:
        return f"{label} is {ours:.3f}, as good as the best baseline, {name_of(name)}."
    better = f"better than the best baseline, {name_of(name)} ({theirs:.3f})"
    worse = f"and a baseline is better: {name_of(name)} has {theirs:.3f}"
    return f"{label} is {ours:.3f}, {better if gain > 0 else worse}."


def of_verdict(contents: Contents) -> str:
    """Who is ahead by AUROC, by how much, and how sure that is."""
    ours, other = values(contents, "auroc").get(OURS), rival(contents, "auroc")
    if ours is None or other is None:
        return "There is nothing to compare the model with."
    name, theirs = other
    low, high = (values(contents, f"auroc_gain_over_{name}_{end}").get(OURS) for end in ("low", "high"))
    ahead = f"The LSTM ranks customers better than every baseline: AUROC {ours:.3f}, {name_of(name)} {theirs:.3f}"
    behind = f"A baseline beats the LSTM: {name_of(name)} has AUROC {theirs:.3f}, the LSTM {ours:.3f}"
    level = f"The LSTM and {name_of(name)} rank customers equally well: AUROC {ours:.3f}"
    text = level if round(ours - theirs, 3) == 0 else ahead if ours > theirs else behind
    if low is None or high is None:
        return text + "."
    interval = f"the 95% interval of the LSTM's lead is {low:.3f} to {high:.3f}"
    sure = "so this is more than chance" if low > 0 or high < 0 else "so on these customers it may be chance"
    return f"{text}; {interval}, {sure}."


def of_test(contents: Contents) -> str:
    model = contents.model.iloc[0]
    customers, rate = values(contents, "customers").get(OURS), values(contents, "churn_rate").get(OURS)
    tested = f" on {count(customers, 'customer')} of {model.test_as_of}" if customers else f" on {model.test_as_of}"
    churned = f", of whom {share(rate, 1)} churned" if rate is not None else ""
    return (
        f"Model {model.model}, version {model.model_version}, trained on what was known by {model.trained_as_of}; "
        f"tested{tested}{churned}. All contenders were tested on the same customers."
    )


def of_history(contents: Contents) -> str:
    history = contents.history
    kept = history.loc[history["validation_loss"].astype(float).idxmin()]
    text = (
        f"The loss on validation was lowest in epoch {int(kept.epoch)} of {len(history)}: {kept.validation_loss:.4f}, "
        f"with AUROC {kept.validation_auroc:.3f}."
    )
    last = history.iloc[-1]
    if kept.epoch == last.epoch:
        return text + " It was still falling when training ended."
    gap = last.validation_loss - kept.validation_loss
    return text + f" After that the model only learned the training rows better: it ended {gap:.4f} higher."


def of_roc(contents: Contents) -> str:
    ours = values(contents, "auroc").get(OURS)
    if ours is None:
        return "The further to the upper left, the better."
    return (
        f"Of one customer who churned and one who stayed, the LSTM ranks the right one higher {share(ours, 1, 1)} of "
        f"the time. {against_best(contents, 'auroc')}"
    )


def of_precision_recall(contents: Contents) -> str:
    rate = contents.predictions["has_churned"].astype(float).mean()
    text = f"Choosing at random would be right {share(rate, 1)} of the time (the line)."
    return f"{text} {against_best(contents, 'auprc')}".strip()


def of_calibration(contents: Contents) -> str:
    ours = contents.predictions[contents.predictions["contender"] == OURS]
    if ours.empty:
        return "On the diagonal, what was said came true."
    said, came_true = float(ours["probability"].astype(float).mean()), float(ours["has_churned"].astype(float).mean())
    off = "says too much" if said > came_true else "says too little"
    text = f"On average the LSTM says {share(said, 1, 1)}, and {share(came_true, 1, 1)} churned"
    text += f": it {off}." if abs(said - came_true) >= 0.005 else "."
    return f"{text} {against_best(contents, 'calibration_error')}".strip()


def of_confusion(contents: Contents) -> str:
    cells = contents.confusion[contents.confusion["contender"] == OURS]
    found = {(bool(row.is_predicted), bool(row.has_churned)): int(row.customers) for row in each_of(cells)}
    hits, alarms = found.get((True, True), 0), found.get((True, False), 0)
    missed, calm = found.get((False, True), 0), found.get((False, False), 0)
    everyone = hits + alarms + missed + calm
    commoner = max(hits + missed, alarms + calm)
    same_for_all = "churns" if hits + missed > alarms + calm else "stays"
    return (
        f"Of {count(hits + alarms, 'customer')} said to churn, {hits:,} did ({share(hits, hits + alarms)}); of "
        f"{hits + missed:,} who churned, {hits:,} were found ({share(hits, hits + missed)}). "
        f"{share(hits + calm, everyone, 1)} were told rightly; to say of everyone that they "
        f"{'churn' if same_for_all == 'churns' else 'stay'} would have been right for {share(commoner, everyone, 1)}."
    )


def of_lift(contents: Contents) -> str:
    top = values(contents, "lift_decile_1")
    if OURS not in top:
        return "The steeper, the better the first customers are chosen."
    text = f"The tenth that the LSTM puts first churned {top[OURS]:.1f} times as often as all customers"
    baselines = {name: value for name, value in top.items() if name != OURS}
    if not baselines:
        return text + "."
    name = best(baselines, HIGHER)
    return f"{text}; {name_of(name)}'s first tenth {baselines[name]:.1f} times."


def of_sample(contents: Contents) -> str:
    """What the curves are drawn from, where that is not everyone."""
    tested = most_of_a_contender(contents.confusion.groupby("contender")["customers"].sum())
    drawn = most_of_a_contender(contents.predictions.groupby("contender").size())
    if drawn >= tested:
        return ""
    return f"The curves are drawn from {drawn:,} of the {tested:,} test customers; the numbers are of all."


def most_of_a_contender(customers: pd.Series) -> int:
    return int(customers.max()) if len(customers) else 0


# Who is at risk


def at_risk(contents: Contents) -> tuple[int, int]:
    """How many scored customers are at risk, and how many were scored."""
    scores = contents.scores
    risky = scores[scores["is_at_risk"].astype(bool)] if len(scores) else scores
    return int(risky["customers"].sum()), int(scores["customers"].sum())


def scored_on(contents: Contents) -> date | None:
    return contents.scores["as_of"].iloc[0] if len(contents.scores) else None


def of_scores(contents: Contents) -> str:
    risky, everyone = at_risk(contents)
    scored = f"{count(everyone, 'active customer')} scored on {scored_on(contents)}"
    return f"Of {scored}, {risky:,} ({share(risky, everyone)}) are at or above the model's threshold."


def of_reasons(contents: Contents) -> str:
    first = contents.reasons.iloc[0]
    risky, _ = at_risk(contents)
    return (
        f"What moved scores up most often: “{first.reason}”, for {count(first.customers, 'customer')} "
        f"({share(first.customers, risky)} of those at risk). Numbers within a reason are left out."
    )


def of_watchlist(contents: Contents) -> str:
    stake = contents.stake.iloc[0]
    shown = contents.watchlist
    part = shown["expected_loss"].astype(float).sum()
    return (
        f"{count(stake.customers, 'customer')} on the list spent {stake.value_at_stake:,.0f} in the 52 weeks before; "
        f"by their probabilities {stake.expected_loss:,.0f} of it is at stake, {share(part, stake.expected_loss)} "
        f"with the {len(shown)} shown, ordered by expected loss (probability times spend)."
    )


def of_campaigns(contents: Contents) -> str:
    campaigns = contents.campaigns
    rates = campaigns.dropna(subset=["redemption_rate"])
    if rates.empty:
        return "None of them was mailed to anyone."
    top: Any = rates.loc[rates["redemption_rate"].astype(float).idxmax()]
    redeemed = f"{share(top.redeemers, top.customers_mailed, 1)} of {count(top.customers_mailed, 'customer')}"
    return (
        f"Of the {len(campaigns)} campaigns mailed to most customers, campaign {top.campaign_id} had the highest "
        f"redemption rate: {redeemed}. The change in spend is a comparison with everyone else, not an effect: "
        "nobody was held out at random."
    )


def of_rules(contents: Contents) -> str:
    rules = contents.rules
    kept, declared = int(rules["met"].sum()), int(rules["rules"].sum())
    errors, warnings = int(rules["errors"].sum()), int(rules["warnings"].sum())
    if kept == declared:
        return f"All {declared:,} declared rules hold."
    return (
        f"{kept:,} of {declared:,} declared rules hold; {count(errors, 'broken one')} would stop a run, "
        f"{count(warnings, 'is a warning', 'are warnings')}."
    )


def of_tables(contents: Contents) -> str:
    tables = contents.tables
    largest = tables.loc[tables["rows"].astype("int64").idxmax()]
    held = f"{count(len(tables), 'table')} hold {count(tables['rows'].sum(), 'row')}"
    return f"{held}; the largest is {largest.table_name}, with {int(largest.rows):,}."
