"""What is in the raw files of The Complete Journey, and what is wrong with them on purpose: counted in the manifest.

Broken lines are additional: no real row is lost. They are made once, by hand, and are the same in every run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import orjson


@dataclass(frozen=True)
class Wart:
    """`count` is in lines or rows of the file, and 1 where the wart is one of the file as a whole."""

    kind: str
    count: int


@dataclass(frozen=True)
class Content:
    """`rows` are good records, of which `repeated` were delivered before in another file; `broken` are the others."""

    data: bytes
    rows: int
    repeated: int = 0
    broken: int = 0
    blank: int = 0
    warts: tuple[Wart, ...] = ()


@dataclass(frozen=True)
class RawFile:
    """A file that was delivered. `path` is relative to the landing folder."""

    feed: str
    path: str
    arrived_at: datetime
    bytes: int
    rows: int
    repeated: int
    broken: int
    blank: int
    warts: tuple[Wart, ...]


@dataclass(frozen=True)
class Manifest:
    """What is in the files, by the one who wrote them. `made_by` changes when the same file could differ."""

    made_by: str
    households: int | None
    files: tuple[RawFile, ...]

    def of(self, feed: str) -> tuple[RawFile, ...]:
        return tuple(file for file in self.files if file.feed == feed)

    @property
    def feeds(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(file.feed for file in self.files))

    @property
    def warts(self) -> tuple[tuple[RawFile, Wart], ...]:
        return tuple((file, wart) for file in self.files for wart in file.warts)

    @property
    def totals(self) -> dict[str, dict[str, int]]:
        """By feed: files, bytes and records; `rows` less `repeated` are the rows of the package."""
        measures = ("bytes", "rows", "repeated", "broken", "blank")
        found: dict[str, dict[str, int]] = {}
        for file in self.files:
            of_feed = found.setdefault(file.feed, dict.fromkeys(("files", *measures), 0))
            of_feed["files"] += 1
            for measure in measures:
                of_feed[measure] += getattr(file, measure)
        return found

    def to_json(self) -> bytes:
        document = {
            "made_by": self.made_by,
            "households": self.households,
            "totals": self.totals,
            "files": self.files,
        }
        return orjson.dumps(document, option=orjson.OPT_INDENT_2)

    @classmethod
    def from_json(cls, document: bytes) -> "Manifest":
        found = orjson.loads(document)
        files = tuple(
            RawFile(
                **file
                | {
                    "arrived_at": datetime.fromisoformat(file["arrived_at"]),
                    "warts": tuple(Wart(**wart) for wart in file["warts"]),
                }
            )
            for file in found["files"]
        )
        return cls(found["made_by"], found["households"], files)


RESENT_DAY = date(2017, 3, 14)  # delivered again under another name, four days later
LATE_DAY = date(2017, 7, 3)  # arrives ten days late
EMPTY_RESEND_DAY = date(2017, 5, 20)  # a resend with a header and no rows
NO_FINAL_NEWLINE_DAY = date(2017, 2, 5)
TILL_ID_SINCE = date(2017, 9, 1)  # an undeclared last column in the transactions
CHANNEL_SINCE = "2017-08"  # an undeclared field in the redemptions
BOM_MONTH = "2017-05"  # this campaigns file starts with a byte order mark
BLANK_LINE_CAMPAIGN = 8  # a blank line in the middle of this mailing
DEMOGRAPHICS_RESENT_ON = date(2017, 7, 1)

TOO_FEW = "too few fields"
TOO_MANY = "too many fields"
TEXT = "text for a number"
IMPOSSIBLE = "impossible date"
NEGATIVE = "negative quantity"
NO_HOUSEHOLD = "no household"
TORN_JSON = "truncated JSON"
NOT_JSON = "not JSON"

# By day: what is wrong with the line, and the line.
BROKEN_TRANSACTIONS: dict[date, tuple[tuple[str, str], ...]] = {
    date(2017, 1, 19): (
        (TOO_FEW, "718,324,31412"),
        (TEXT, "718,324,31412090011,1082185,twelve,1.00,0.00,0.00,0.00,4,2017-01-19 17:20:11"),
    ),
    date(2017, 3, 28): (
        (TOO_MANY, "1440,367,32344010021,995242,1,0.59,0.20,0.00,0.00,14,2017-03-28 18:01:07,0,0"),
        (IMPOSSIBLE, "1440,367,32344010021,1029743,1,2.59,0.00,0.00,0.00,14,2017-02-30 10:00:00"),
        (NEGATIVE, "1440,367,32344010021,981760,-1,0.99,0.00,0.00,0.00,14,2017-03-28 18:01:07"),
    ),
    date(2017, 6, 10): (
        (NO_HOUSEHOLD, ",436,33507770094,1098066,1,1.49,0.00,0.00,0.00,24,2017-06-10 12:44:50"),
        (TOO_FEW, "2070,436,33507770094,826249,2,1.9"),
    ),
    date(2017, 8, 22): (
        (TEXT, "13,443,34550050120,1106523,1,two dollars,0.00,0.00,0.00,35,2017-08-22 09:15:33"),
        (NEGATIVE, "13,443,34550050120,840361,-3,0.99,0.30,0.00,0.00,35,2017-08-22 09:15:33"),
    ),
    date(2017, 10, 5): (
        (TOO_MANY, "982,361,40165820277,1126899,1,2.99,0.00,0.00,0.00,41,2017-10-05 20:31:59,T08,EOD,1"),
        (IMPOSSIBLE, "982,361,40165820277,916122,1,4.15,0.00,0.00,0.00,41,2017-02-30 10:00:00,T08"),
        (NO_HOUSEHOLD, ",361,40165820277,951590,1,1.00,0.00,0.00,0.00,41,2017-10-05 20:31:59,T08"),
    ),
}

# By month.
BROKEN_REDEMPTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "2017-02": ((TORN_JSON, '{"household": {"id": 1029}, "coupon": {"upc": "513800'),),
    "2017-05": ((NOT_JSON, "-- export restarted 2017-05-14 03:59:58 --"),),
    "2017-11": ((NO_HOUSEHOLD, '{"coupon": {"upc": "51380041013", "campaign": 18}, "redeemed_on": "2017-11-09"}'),),
}


def spread(lines: Sequence[str], extra: Sequence[str]) -> list[str]:
    """The lines with the extra ones among them, evenly.

    >>> spread(["a", "b", "c", "d"], ["X"])
    ['a', 'b', 'X', 'c', 'd']
    """
    mixed = list(lines)
    for i in reversed(range(len(extra))):
        mixed.insert((i + 1) * len(lines) // (len(extra) + 1), extra[i])
    return mixed


def counted(broken: Sequence[tuple[str, str]]) -> tuple[Wart, ...]:
    """One wart per kind of broken line."""
    kinds = [kind for kind, _ in broken]
    return tuple(Wart(kind, kinds.count(kind)) for kind in dict.fromkeys(kinds))
