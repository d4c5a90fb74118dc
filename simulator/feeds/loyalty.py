"""The loyalty programme, run by an agency in London: members, points, and what points are good for."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds import names
from simulator.feeds.changes import INSERT, profile_changes
from simulator.feeds.crm import born
from simulator.feeds.feed import Broken, Late, RawFeed, Recorded, Resent
from simulator.feeds.formats import Csv, JsonLines, Parquet, Xml
from simulator.feeds.pos import ticket_numbers
from simulator.feeds.seen import Seen
from simulator.feeds.shop import order_numbers
from simulator.feeds.spelling import dates, letter_ids, money, none_where, stamped, store_numbers, words
from simulator.warts import IMPOSSIBLE, TOO_FEW, TOO_MANY, TORN_JSON
from simulator.world.config import as_date
from simulator.world.places import FIRST_STORE
from simulator.world.randomness import Ints

LONDON = "Europe/London"
TIERS = (("B", "Blue", 0, 100), ("S", "Silver", 1_000, 110), ("G", "Gold", 5_000, 125), ("P", "Platinum", 15_000, 150))
REWARDS = ("5 off", "coffee", "free delivery", "gift wrap", "double points day", "10 off", "cooking class", "umbrella")


def members(seen: Seen) -> Recorded:
    """Each member when they join and when what is known of them changes: the newest row holds."""
    changed = profile_changes(seen, "loyalty", seen.batch.loyalty_day)
    who, day = changed.person_id, changed.day
    given, family = names.names(seen, "loyalty", who, day)
    address = seen.address(who, day)
    columns = {
        "member_no": seen.person("loyalty_number", who),
        "surname": family,
        "forename": given,
        "born": born(seen, who, "%d/%m/%y", "loyalty"),
        "email": none_where(
            seen.dice.uniform("loyalty: e-mail", who) < 0.3, names.emails(seen, "loyalty", who, 1, unknown=0.03)
        ),
        "mobile": names.phones(seen, "loyalty", who, day),
        "postcode": address["postal_code"],
        "town": address["city"],
        "country": address["country"],
        "home_store": store_numbers(FIRST_STORE[seen.traits.people.city[seen.place(who)]]),
        "joined": pc.strftime(dates(seen.batch.loyalty_day[seen.place(who)]), "%d/%m/%Y"),
        "updated": stamped(changed.at, "%d/%m/%Y %H:%M:%S", LONDON),
        "wallet_pass": words(seen.dice.uniform("loyalty: pass", who) < 0.3, ("N", "Y")),
    }
    record_id = none_where(changed.kind != INSERT, columns["member_no"].cast("string"))
    return Recorded(changed.file_day, columns, record_id=record_id, person_id=who)


def receipts(seen: Seen, order_id: Ints) -> pa.Array:
    """The till's ticket or the shop's order: what the points are for."""
    in_store = pa.array(seen.is_store_order(order_id))
    return pc.if_else(in_store, pa.array(ticket_numbers(order_id)).cast("string"), order_numbers(order_id))


def accruals(seen: Seen) -> Recorded:
    got = seen.events("loyalty", kind=0)
    columns = {
        "accrual_id": letter_ids(got["order_id"], "loyalty accrual", "AC"),
        "member_no": seen.person("loyalty_number", got["person_id"]),
        "receipt": receipts(seen, got["order_id"]),
        "points": pa.array(got["points"]),
        "earned_at": pa.array(got["at"]).cast(pa.timestamp("us", "UTC")).cast(pa.timestamp("ms", "UTC"), safe=False),
    }
    return Recorded(got["day"], columns)


def redemptions(seen: Seen) -> Recorded:
    used = seen.events("loyalty", kind=1)
    key = used["order_id"]
    columns = {
        "redemption": letter_ids(key, "loyalty redemption", "RD"),
        "member.number": seen.person("loyalty_number", used["person_id"]),
        "reward.code": words(key * 0, ("RW01",)),
        "reward.points": -used["points"].astype(np.int64),
        "receipt": receipts(seen, key),
        "redeemed_at": stamped(used["at"], "%Y-%m-%dT%H:%M:%S", LONDON),
    }
    return Recorded(used["day"], columns)


def month_starts(seen: Seen) -> Ints:
    """The first day of the world, and of each month: when the programme says what it is."""
    if not seen.is_first_block:
        return np.empty(0, dtype=np.int64)
    is_first = [as_date(day).day == 1 or day == seen.config.first_day for day in seen.days.tolist()]
    return seen.days[is_first]


def tiers(seen: Seen) -> Recorded:
    days = np.repeat(month_starts(seen), len(TIERS))
    number = np.tile(np.arange(len(TIERS)), len(days) // len(TIERS))
    columns = {
        "tier": words(number, tuple(tier[0] for tier in TIERS)),
        "name": words(number, tuple(tier[1] for tier in TIERS)),
        "from_points": np.array([tier[2] for tier in TIERS])[number],
        "points_rate": money(np.array([tier[3] for tier in TIERS])[number]),
        "as_of": pc.strftime(dates(days), "%d/%m/%Y"),
    }
    return Recorded(days, columns)


def rewards(seen: Seen) -> Recorded:
    """The list of the month; one is withdrawn after some months, and another comes."""
    months = month_starts(seen)
    days, number = np.repeat(months, len(REWARDS)), np.tile(np.arange(len(REWARDS)), len(months))
    age = (days - seen.config.first_day) // 90
    offered = np.flatnonzero((number < 6) & (number >= age % 2) | (number == 6 + age % 2))
    days, number = days[offered], number[offered]
    columns = {
        "@code": words(number, tuple(f"RW{each:02}" for each in range(1, len(REWARDS) + 1))),
        "name": words(number, REWARDS),
        "points": 500 * (1 + number),
        "cost.@currency": words(number * 0, ("GBP",)),
        "cost.#text": money(250 * (1 + number)),
        "valid_from": dates(days),
    }
    return Recorded(days, columns)


FEEDS = (
    RawFeed(
        name="loyalty_members",
        path="loyalty/members/members_{at:%Y%m%d}.psv",
        form=Csv(sep="|", encoding="latin-1", null="\\N"),
        record=members,
        since={"wallet_pass": 40},
        wrong=(
            Broken(
                0,
                (
                    (TOO_FEW, "6000000001|Torn"),
                    (IMPOSSIBLE, r"6000000002|Torn|Tim|31/02/80|\N|\N|\N|\N|GB|109|01/01/2024|01/01/2024 09:00:00"),
                ),
            ),
            Resent(2, after=1),
        ),
    ),
    RawFeed(
        name="loyalty_accruals",
        path="loyalty/accruals/accruals_{at:%Y-%m-%d}.parquet",
        form=Parquet("zstd"),
        record=accruals,
        wrong=(Late(13, by=12), Resent(20)),
    ),
    RawFeed(
        name="loyalty_redemptions",
        path="loyalty/redemptions/redemptions_{at:%Y-%m}.jsonl",
        form=JsonLines(),
        record=redemptions,
        every="month",
        wrong=(Broken(31, ((TORN_JSON, '{"redemption":"RD'),)),),
    ),
    RawFeed(
        name="loyalty_tiers",
        path="loyalty/tiers/tiers_{at:%Y%m%d}.csv",
        form=Csv(quote_all=True),
        record=tiers,
        wrong=(Broken(0, ((TOO_MANY, '"Z","None","0","1.00","01/01/2024",""'),)),),
    ),
    RawFeed(
        name="loyalty_rewards",
        path="loyalty/rewards/rewards_{at:%Y%m%d}.xml",
        form=Xml(root="rewards", row="reward"),
        record=rewards,
    ),
)
