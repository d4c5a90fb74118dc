"""What a raw feed of the retailer is: who records what of a batch, in which form, in which files."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Literal

import pyarrow as pa

from simulator.feeds.formats import Form
from simulator.feeds.seen import Seen
from simulator.world.config import as_date, day_number
from simulator.world.randomness import Ints

NOT_A_RECORD = "not a record"

Cadence = Literal["minute", "hour", "day", "month", "year"]


@dataclass(frozen=True)
class Recorded:
    """Rows of a feed. The columns are in the order of the file; their Arrow types say how they are spelled.

    day: the world's day whose file a row is in: within the batch (what is older belongs to its first day).
    minute: of that day, for feeds with a file an hour or a minute.
    record_id, person_id: which record is which person, for the truth: of rows that stand for a person.
    holds: how many records each row holds, where it has an array of them.
    """

    day: Ints
    columns: Mapping[str, Any]
    minute: Ints | None = None
    record_id: pa.Array | None = None
    person_id: Ints | None = None
    holds: Ints | None = None


@dataclass(frozen=True)
class Broken:
    """Lines that are added to each file of a day, with what is wrong with them."""

    day: int
    lines: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Resent:
    """The file of a day comes again, so many days later, as `..._resend`."""

    day: int
    after: int = 4


@dataclass(frozen=True)
class Late:
    """The file of a day comes so many days late."""

    day: int
    by: int = 10


@dataclass(frozen=True)
class Empty:
    """A file of a day without rows comes beside the one with rows, as `..._empty`."""

    day: int


@dataclass(frozen=True)
class ByteOrderMark:
    day: int


@dataclass(frozen=True)
class NoFinalNewline:
    day: int


Wrong = Broken | Resent | Late | Empty | ByteOrderMark | NoFinalNewline


@dataclass(frozen=True)
class RawFeed:
    """One feed: `name` is the source's, `path` is below landing, with the time of the file as `{at:%Y-%m-%d}`.

    every: how often a file comes. That of a month has all of its days; that of a year is of the day on which it is
        made, 1 January and the world's first.
    arrives: hours after the end of the day (or hour, month, ...) that the file is of: its clock stands for local ones,
        of which the last is eight hours behind.
    since: columns that are there from a day on, counted from the world's first: nobody declares them.
    wrong: what is wrong with the files of some days, counted likewise; all of it is in the manifest.
    """

    name: str
    path: str
    form: Form
    record: Callable[[Seen], Recorded]
    every: Cadence = "day"
    arrives: float = 9
    since: Mapping[str, int] = field(default_factory=dict)
    wrong: tuple[Wrong, ...] = ()

    @property
    def is_zipped(self) -> bool:
        return self.path.endswith(".gz")

    def first_day(self, day: int) -> int:
        """The first day of the file that a day's rows are in."""
        return day_number(as_date(day).replace(day=1)) if self.every == "month" else day

    def ends(self, day: int, minute: int) -> datetime:
        """When the file that begins here is complete."""
        begins = self.begins(day, minute)
        if self.every == "minute":
            return begins + timedelta(minutes=1)
        if self.every == "hour":
            return begins + timedelta(hours=1)
        if self.every == "month":
            return begins + (next_month(begins.date()) - begins.date())
        return begins + timedelta(days=1)

    def begins(self, day: int, minute: int) -> datetime:
        return datetime.combine(as_date(day), datetime.min.time()) + timedelta(minutes=minute)

    def slot(self, minute: Ints) -> Ints:
        """The minute at which the file begins that each row is in."""
        if self.every == "minute":
            return minute
        return minute // 60 * 60 if self.every == "hour" else minute * 0


def next_month(first: date) -> date:
    return date(first.year + first.month // 12, first.month % 12 + 1, 1)
