"""The tool for banners: shown in the visit of the day, or, where the platform asked for one and there was none, to the
customer in their next session of the account."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds.channels import cookies, customer_nos, devices, happened, known_once, matched, templates
from simulator.feeds.feed import Broken, NoFinalNewline, RawFeed, Recorded
from simulator.feeds.formats import Csv, JsonLines, joined
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import campaign_codes, epoch_ms, hex_ids, words
from simulator.world.config import CHANNELS
from simulator.world.events import Columns
from simulator.world.messaging import CLICKED
from simulator.world.randomness import Ints

ONSITE = CHANNELS.index("onsite")
KINDS = ("cookie", "device", "customer")
COOKIE, DEVICE, CUSTOMER = range(3)
LOOKS_AROUND = 1  # the kind of visit, in its number


def visitors(seen: Seen, rows: Columns) -> tuple[Ints, pa.Array]:
    """How the visitor of each banner is known, and their number."""
    visits = seen.events("visits")
    row, visit = matched(rows["message_id"] >> 3 << 3 | LOOKS_AROUND, visits["visit_id"])
    kind = np.full(len(rows["at"]), CUSTOMER)
    cookie, device = np.full(len(kind), -1), np.full(len(kind), -1)
    cookie[row], device[row] = visits["cookie_id"][visit], visits["device_id"][visit]
    kind = np.where(cookie >= 0, COOKIE, np.where(device >= 0, DEVICE, kind))
    known = pc.choose(pa.array(kind), cookies(cookie), devices(device), customer_nos(rows["person_id"]))
    return kind, known


def impressions(seen: Seen) -> Recorded:
    rows = seen.events("messages", channel=ONSITE)
    kind, visitor = visitors(seen, rows)
    return Recorded(
        day=happened(rows),
        columns={
            "impression_id": hex_ids(rows["message_id"], "onsite: impression"),
            "visitor_kind": words(kind, KINDS),
            "visitor_id": visitor,
            "campaign_code": campaign_codes(rows["campaign_id"]),
            "template": templates(rows["offer"]),
            "shown_at": pa.array(rows["at"] // 1_000_000).cast(pa.timestamp("s")).cast(pa.string()),
        },
        **known_once(joined([words(kind, KINDS), visitor], "/"), rows["person_id"]),
    )


def clicks(seen: Seen) -> Recorded:
    rows = seen.events("message_events", channel=ONSITE, kind=CLICKED)
    kind, visitor = visitors(seen, rows)
    return Recorded(
        day=happened(rows),
        columns={
            "impression": hex_ids(rows["message_id"], "onsite: impression"),
            "visitor.kind": words(kind, KINDS),
            "visitor.id": visitor,
            "campaign": campaign_codes(rows["campaign_id"]),
            "ts": epoch_ms(rows["at"]),
            "slot": words(rows["message_id"] % 2, ("top", "bottom")),
        },
    )


FEEDS = (
    RawFeed(
        name="onsite_impressions",
        path="onsite/impressions/impressions_{at:%Y%m%d}.csv.gz",
        form=Csv(sep=";", newline="\r\n"),
        record=impressions,
        wrong=(
            Broken(15, (("unknown kind", "00000000000000e1;fax;00;CMP-00006;message;2024-01-03 13:00:00"),)),
            NoFinalNewline(14),
        ),
    ),
    RawFeed(
        name="onsite_clicks",
        path="onsite/clicks/clicks_{at:%Y-%m-%d}.jsonl",
        form=JsonLines(),
        record=clicks,
        since={"slot": 70},
    ),
)
