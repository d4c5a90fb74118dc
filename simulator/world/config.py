"""What is chosen about a world, and the vocabularies that all of it shares."""

from dataclasses import dataclass
from datetime import date, timedelta

EPOCH = date(1970, 1, 1)
NEVER = 2**30  # a day that does not come

CHANNELS = ("email", "sms", "push", "onsite", "ads", "mail")
OFFERS = ("message", "discount_10", "discount_20", "free_shipping", "double_points")
DISCOUNTS = (0.0, 0.10, 0.20, 0.0, 0.0)  # of the order, by offer
RESPONSES = ("persuadable", "sure_thing", "lost_cause", "sleeping_dog")
RESPONSE_SHARES = (0.25, 0.30, 0.30, 0.15)
EFFECT_DAYS = 14  # an action changes the days after it, this many

SALES_CHANNELS = ("store", "web", "app", "marketplace")
STORE, WEB, APP, MARKETPLACE = range(4)


@dataclass(frozen=True)
class Segment:
    """A kind of customer: the gamma distributions of Pareto/NBD, per week, and the size of a basket."""

    name: str
    share: float
    r: float  # purchase rate ~ gamma(r, alpha)
    alpha: float
    s: float  # hazard of drop-out ~ gamma(s, beta)
    beta: float
    lines: float  # the median basket
    lines_between: float  # its spread in log, between people and between the baskets of a person
    lines_within: float
    like: str


SEGMENTS = (
    Segment("regular", 0.15, 1.10, 0.80, 1.00, 600.0, 6.7, 0.48, 1.08, "the households of The Complete Journey"),
    Segment("steady", 0.22, 1.20, 5.00, 0.80, 80.0, 3.2, 0.35, 0.70, "between the two"),
    Segment("occasional", 0.63, 0.510, 9.800, 0.580, 11.669, 1.7, 0.25, 0.70, "the cohort of CDNOW"),
)


@dataclass(frozen=True)
class Config:
    people: int = 2_000
    seed: int = 1
    begins_on: date = date(2024, 1, 1)
    joining_days: int = 400  # on average, until who is no customer yet becomes one
    campaigns: bool = True  # whether the business itself sends anything
    households_per_block: int = 2_000  # what is simulated at once: more takes more memory

    def __post_init__(self) -> None:
        problems = []
        if self.people < 1:
            problems.append(f"people: expected at least 1, found {self.people}")
        if self.begins_on.weekday() != 0:
            problems.append(f"begins_on: expected a Monday, found {self.begins_on:%A %Y-%m-%d}")
        if problems:
            raise ValueError("\n  ".join(["Cannot make this world:", *problems]) + "\nChange its configuration.")

    @property
    def first_day(self) -> int:
        return day_number(self.begins_on)

    def monday(self, week: int) -> int:
        return self.first_day + 7 * week

    def week_of(self, day: int) -> int:
        return (day - self.first_day) // 7


def day_number(day: date) -> int:
    """Days since 1970-01-01: how a day is held in columns."""
    return (day - EPOCH).days


def as_date(day: int) -> date:
    return EPOCH + timedelta(days=int(day))
