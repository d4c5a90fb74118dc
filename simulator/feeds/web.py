"""The site's analytics: what browsers did, and what it was told of who they are."""

import numpy as np
import pyarrow as pa

from simulator.feeds.channels import (
    cookies,
    customer_nos,
    first_of_each,
    happened,
    ids,
    known_once,
    local_text,
    visited,
)
from simulator.feeds.feed import Broken, ByteOrderMark, Empty, Late, NoFinalNewline, RawFeed, Recorded, Resent
from simulator.feeds.formats import Csv, JsonLines, Parquet, joined
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import campaign_codes, epoch_ms, hex_ids, moments, none_where, opaque, skus, words
from simulator.world.events import CATEGORY_NAMES, PAGES, SOURCES, Columns
from simulator.world.randomness import Array, Ints

WEB = 0
PRODUCT = PAGES.index("product")
ABOUT_A_CATEGORY = [PAGES.index(page) for page in ("category", "product", "search")]
CARRIERS = 40  # networks whose customers share an address
BROWSERS = (
    "Chrome/126 Windows",
    "Chrome/126 Android",
    "Safari/17 iPhone",
    "Safari/17 Mac",
    "Firefox/127 Windows",
    "Edge/126 Windows",
    "Samsung Internet/25 Android",
)


def page_views(seen: Seen) -> Recorded:
    views, visits = visited(seen, "page_views", WEB)
    page = views["page"]
    is_about = np.isin(page, ABOUT_A_CATEGORY)
    return Recorded(
        day=happened(views),
        columns={
            "id": view_ids(seen, views),
            "ts": epoch_ms(views["at"]),
            "session": sessions_of(views["visit_id"]),
            "visitor.cookie": cookies(visits["cookie_id"]),
            "visitor.customer": customer_nos(visits["person_id"], where=is_logged_in(views, visits)),
            "page.type": words(page, PAGES),
            "page.category": none_where(~is_about, words(views["category"], CATEGORY_NAMES)),
            "page.sku": skus(views["product_id"]),
            "page.variant": words(opaque(visits["cookie_id"], "web: variant") % np.uint64(2), ("A", "B")),
        },
    )


def view_ids(seen: Seen, views: Columns) -> pa.Array:
    return ids(seen, "web: view", views["visit_id"], views["at"])


def sessions_of(visit_id: Ints) -> pa.Array:
    return hex_ids(visit_id, "web: session")


def is_logged_in(rows: Columns, visits: Columns) -> Array:
    """The first page of a visit comes before the log-in."""
    found: Array = visits["is_logged_in"] & (rows["at"] > visits["at"])
    return found


def product_views(seen: Seen) -> Recorded:
    views, visits = visited(seen, "page_views", WEB)
    at = np.flatnonzero(views["page"] == PRODUCT)
    views, visits = ({name: values[at] for name, values in rows.items()} for rows in (views, visits))
    return Recorded(
        day=happened(views),
        columns={
            "view_id": view_ids(seen, views),
            "session_id": sessions_of(views["visit_id"]),
            "cookie_id": cookies(visits["cookie_id"]),
            "sku": skus(views["product_id"]),
            "category": words(views["category"], CATEGORY_NAMES),
            "viewed_at": moments(views["at"], "us"),
        },
    )


def searches(seen: Seen) -> Recorded:
    rows, visits = visited(seen, "searches", WEB)
    return Recorded(
        day=happened(rows),
        columns={
            "search_id": ids(seen, "web: search", rows["visit_id"], rows["at"]),
            "session_id": sessions_of(rows["visit_id"]),
            "cookie_id": cookies(visits["cookie_id"]),
            "term": typed(seen, rows),
            "results": rows["results"],
            "searched_at": moments(rows["at"]),
        },
    )


def typed(seen: Seen, rows: Columns) -> pa.Array:
    """The words as people type them: as they are, in capitals, with a letter missing, or with another before them."""
    spellings = (str, str.upper, lambda word: word[0] + word[2:], "cheap {}".format, "{} sale".format, str.title)
    every = tuple(spell(word) for spell in spellings for word in CATEGORY_NAMES)
    which = seen.dice.choice((70, 5, 8, 6, 5, 6), "web: typed", rows["visit_id"], rows["at"])
    return words(which * len(CATEGORY_NAMES) + rows["term"], every)


def sessions(seen: Seen) -> Recorded:
    visits = first_of_each(seen.events("visits", channel=WEB), "visit_id")
    person, cookie = visits["person_id"], cookies(visits["cookie_id"])
    return Recorded(
        day=happened(visits),
        columns={
            "session_id": sessions_of(visits["visit_id"]),
            "cookie_id": cookie,
            "customer_no": customer_nos(person, where=visits["is_logged_in"]),
            "started_at": local_text(visits["at"], "America/New_York", "%m/%d/%Y", " %I:%M:%S %p"),
            "seconds": visits["seconds"],
            "pages": visits["pages"],
            "source": words(visits["source"], SOURCES),
            "campaign_code": none_where(visits["campaign_id"] < 0, campaign_codes(visits["campaign_id"])),
            "ip_address": ip_addresses(seen, visits),
            "browser": words(opaque(visits["cookie_id"], "web: browser") % np.uint64(len(BROWSERS)), BROWSERS),
            "screen": words(
                opaque(visits["cookie_id"], "web: screen") % np.uint64(3), ("390x844", "1920x1080", "1366x768")
            ),
        },
        **known_once(cookie, person),
    )


def ip_addresses(seen: Seen, visits: Columns) -> pa.Array:
    """The home's, which changes every two months; or one of a carrier's, which thousands share."""
    household = seen.traits.people.household_id[seen.place(visits["person_id"])]
    bits = seen.dice.bits("web: home address", household, visits["day"] // 60)
    carrier = seen.dice.bits("web: carrier address", bits % np.uint64(CARRIERS))
    bits = np.where(seen.dice.uniform("web: on the move", visits["visit_id"]) < 0.3, carrier, bits)
    octets = [(bits >> np.uint64(shift)) & np.uint64(255) for shift in (0, 8, 16)]
    first = np.uint64(77) + (bits >> np.uint64(24)) % np.uint64(20)
    return joined([pa.array(octet).cast(pa.string()) for octet in (first, *octets)], ".")


FEEDS = (
    RawFeed(
        name="web_page_views",
        path="web/page_views/page_views_{at:%Y-%m-%d}.jsonl.gz",
        form=JsonLines(skip_null=True),
        record=page_views,
        arrives=2,
        since={"page.variant": 40},
        wrong=(
            Broken(3, (("truncated JSON", '{"id":"5f0a","ts":17043'), ("not JSON", "-- collector restarted --"))),
            Broken(
                11,
                (
                    (
                        "time in seconds",
                        '{"id":"00000000000a11ce","ts":1705000000,"session":"0","visitor":{"cookie":"00000000000a11ce"}}',
                    ),
                ),
            ),
            Resent(8),
        ),
    ),
    RawFeed(
        name="web_product_views",
        path="web/product_views/product_views_{at:%Y-%m-%d}.parquet",
        form=Parquet(),
        record=product_views,
        arrives=4,
        wrong=(Late(6, by=3), Resent(13)),
    ),
    RawFeed(
        name="web_searches",
        path="web/searches/searches_{at:%Y%m%d}.tsv",
        form=Csv(sep="\t"),
        record=searches,
        arrives=2,
        wrong=(
            Broken(
                5,
                (
                    (
                        "a tab in a term",
                        "00000000000000aa\t00000000000000ab\t00000000000000ac\tred\twine\t3\t2024-01-06T10:00:00Z",
                    ),
                ),
            ),
            NoFinalNewline(7),
            Empty(9),
        ),
    ),
    RawFeed(
        name="web_sessions",
        path="web/sessions/sessions_{at:%m%d%Y}.psv",
        form=Csv(sep="|"),
        record=sessions,
        arrives=7,
        since={"screen": 60},
        wrong=(
            Broken(
                4,
                (
                    (
                        "month above 12",
                        "00000000000000ad|00000000000000ae||13/32/2024 09:00:00 AM|60|3|direct||81.2.3.4|",
                    ),
                    ("too few fields", "00000000000000af|00000000000000ae||01/05/2024"),
                ),
            ),
            ByteOrderMark(10),
            Late(12),
        ),
    ),
)
