"""The world's marginals beside those of two real retailers: a grocer's regulars and a music shop's passers-by.

The regular segment stands for the households of The Complete Journey (baskets of one day taken together), the
occasional one for CDNOW's cohort of 1997. Each curve is a cumulative share, so that the largest distance says how well
they match.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from simulator.complete_journey import package_file
from simulator.world.config import SEGMENTS, Config
from simulator.world.randomness import Array, Floats, Ints
from simulator.world.traits import Traits
from simulator.world.world import Batch, World

# CDNOW, a music shop: 23,570 customers whose first purchase was in the first quarter of 1997, and their 69,659
# transactions up to the end of June 1998. Counted from CDNOW_master.txt as the package lifetimes 0.11.3 (PyPI) has it,
# with all that a customer bought on one day as one purchase: 67,591 of them. Shares of at most so many ...
CDNOW_ORDERS_IN_78_WEEKS = 67_591 / 23_570
CDNOW_GAPS = {  # ... days between two purchases
    7: 0.1716, 14: 0.2872, 21: 0.3789, 28: 0.4511, 42: 0.5572, 56: 0.6302, 84: 0.7258, 112: 0.7891, 168: 0.8698,
    224: 0.9174, 280: 0.9490, 365: 0.9790, 450: 0.9950,
}  # fmt: skip
CDNOW_CDS = (0.4325, 0.6695, 0.8088, 0.8837, 0.9252, 0.9499, 0.9656, 0.9759, 0.9821, 0.9866)  # ... 1, 2, ... CDs
# Every tenth of them by repeat purchases in 39 weeks, 7 and more taken together: the sample of Fader, Hardie and Lee,
# "Counting Your Customers the Easy Way" (2005); the package's cdnow_customers_summary.csv has the same counts.
CDNOW_REPEATS = (1411, 439, 214, 100, 62, 38, 29, 64)
COHORT_DAYS, REPEAT_DAYS, FOLLOWED_DAYS = 84, 39 * 7, 78 * 7
REGULAR, OCCASIONAL = 0, len(SEGMENTS) - 1


@dataclass(frozen=True)
class Curve:
    """A cumulative share of both, at the same points."""

    name: str
    points: Floats
    world: Floats
    real: Floats
    real_name: str

    @property
    def distance(self) -> float:
        return float(np.abs(self.world - self.real).max())


@dataclass(frozen=True)
class Purchases:
    """One row per person and day on which they bought, in that order."""

    person: Ints
    day: Ints
    lines: Ints

    def where(self, chosen: Array) -> "Purchases":
        return Purchases(self.person[chosen], self.day[chosen], self.lines[chosen])

    def gaps(self) -> Ints:
        """Days between one purchase and the same person's next."""
        return np.diff(self.day)[np.diff(self.person) == 0]

    def per_person(self) -> Ints:
        return np.unique(self.person, return_counts=True)[1]


def of_batch(batch: Batch) -> Purchases:
    orders = batch.tables["orders"]
    return Purchases(orders["person_id"], orders["day"].astype(np.int64), orders["lines"].astype(np.int64))


def of_world(config: Config) -> tuple[Purchases, dict[str, Array]]:
    """What the people of a world buy in the time that CDNOW's cohort was followed."""
    world = World(config)
    until = config.begins_on + timedelta(days=FOLLOWED_DAYS - 1)
    found = list(world.advance(until, then=of_batch, is_watched=False))
    columns = [np.concatenate([getattr(part, name) for part in found]) for name in ("person", "day", "lines")]
    order = np.lexsort((columns[1], columns[0]))
    people = list(world.blocks())
    about: dict[str, Callable[[Traits], Array]] = {"segment": lambda t: t.segment, "joined_day": lambda t: t.joined_day}
    return Purchases(*(column[order] for column in columns)), {
        name: np.concatenate([take(block) for block in people]) for name, take in about.items()
    }


@lru_cache(maxsize=1)
def of_complete_journey() -> Purchases:
    columns = ["household_id", "transaction_timestamp"]
    sales = pq.read_table(package_file("transactions"), columns=columns).to_pandas()
    sales["day"] = sales["transaction_timestamp"].dt.normalize().astype("datetime64[s]").astype("int64") // 86_400
    days = sales.groupby(["household_id", "day"]).size().reset_index(name="lines")
    return Purchases(*(days[name].to_numpy(dtype=np.int64) for name in ("household_id", "day", "lines")))


def cumulative(values: Ints, points: Floats) -> Floats:
    return np.searchsorted(np.sort(values), points, side="right") / len(values)


def compare(people: int = 8_000, seed: int = 1) -> tuple[list[Curve], float]:
    """The curves; and the purchases of an occasional customer in 78 weeks, where CDNOW's made 2.87."""
    config = Config(people=people, seed=seed, begins_on=date(2024, 1, 1), joining_days=COHORT_DAYS // 2)
    bought, about = of_world(config)
    real = of_complete_journey()
    joined, segment = about["joined_day"][bought.person], about["segment"][bought.person]
    in_first_year = bought.day < config.first_day + 364
    regulars = bought.where((segment == REGULAR) & (joined < config.first_day) & in_first_year)
    curves = []
    for name, points, mine, theirs in (
        ("days between purchases", np.arange(1.0, 61.0), regulars.gaps(), real.gaps()),
        ("lines of a purchase", np.arange(1.0, 61.0), regulars.lines, real.lines),
        ("purchases in a year", np.arange(1.0, 201.0, 5.0), regulars.per_person(), real.per_person()),
    ):
        curves.append(Curve(name, points, cumulative(mine, points), cumulative(theirs, points), "The Complete Journey"))
    since = about["joined_day"] - config.first_day
    in_cohort = (about["segment"] == OCCASIONAL) & (since >= 0) & (since < COHORT_DAYS)
    of_cohort = bought.where(in_cohort[bought.person])
    early = of_cohort.where(of_cohort.day < config.first_day + REPEAT_DAYS)
    of_sample = np.cumsum(CDNOW_REPEATS)[:-1] / sum(CDNOW_REPEATS)
    for name, counted, values, shares in (
        ("days between occasional purchases", [*CDNOW_GAPS], of_cohort.gaps(), [*CDNOW_GAPS.values()]),
        ("lines (CDs) of a purchase", range(1, 11), of_cohort.lines, CDNOW_CDS),
        ("repeat purchases in 39 weeks", range(7), early.per_person() - 1, of_sample),
    ):
        at = np.array([*counted], dtype=float)
        curves.append(Curve(name, at, cumulative(values, at), np.array(shares), "CDNOW"))
    return curves, len(of_cohort.person) / in_cohort.sum()


def plot(path: Path, curves: list[Curve], orders: float) -> None:
    """Draw what `compare` found, for the docs; the kind of image is by the name of the file."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(2, 3, figsize=(16, 7.5), layout="constrained")
    for axis, curve in zip(axes.flat, curves, strict=True):
        of_segment = "occasional" if "CDNOW" in curve.real_name else "regular"
        marker = "o" if len(curve.points) < 20 else None
        axis.plot(curve.points, curve.real, color="0.35", linewidth=3, alpha=0.6, label=curve.real_name, marker=marker)
        axis.plot(curve.points, curve.world, color="tab:orange", label=f"the world: {of_segment}", marker=marker)
        axis.set_title(f"{curve.name}: at most {curve.distance:.3f} apart")
        axis.set_ylim(0, 1)
        axis.set_ylabel("cumulative share")
        axis.legend(loc="lower right")
        axis.grid(alpha=0.3)
    figure.suptitle(
        f"The simulated world beside two real retailers. Purchases of a customer in 78 weeks: occasional {orders:.2f}, "
        f"CDNOW {CDNOW_ORDERS_IN_78_WEEKS:.2f}"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Date": None} if path.suffix == ".svg" else None)
    pyplot.close(figure)
