"""The gateway for text messages: it knows numbers, whoever has them by now."""

import numpy as np
import pyarrow as pa

from simulator.feeds.channels import happened, ids, known_once, local_text, offset_text, templates
from simulator.feeds.feed import Broken, Late, RawFeed, Recorded, Resent
from simulator.feeds.formats import Csv, FixedWidth, JsonLines
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import campaign_codes, hex_ids, picked
from simulator.world.config import CHANNELS
from simulator.world.messaging import DELIVERED, REPLIED, UNSUBSCRIBED
from simulator.world.randomness import Ints

SMS = CHANNELS.index("sms")
LONDON = "Europe/London"
REPLIES = ("Thanks!", "Who is this?", "is it valid in store?", 'I said "stop" already?', "Danke 👍", "ok", "何時まで")
KEYWORDS = ("STOP", "Stop", "stop ", "STOPP", "ENDE", "UNSUBSCRIBE", "Genug für heute")
SENT_WIDTHS = {
    "message_id": 16,
    "msisdn": 18,
    "sender": 11,
    "campaign_code": 12,
    "template": 16,
    "parts": 2,
    "sent_at": 14,
}


def messages_of(message_id: Ints) -> pa.Array:
    return hex_ids(message_id, "sms: message")


def sends(seen: Seen) -> Recorded:
    rows = seen.events("messages", channel=SMS)
    person, day = rows["person_id"], happened(rows)
    number = seen.mobile(person, day)
    return Recorded(
        day=day,
        columns={
            "message_id": messages_of(rows["message_id"]),
            "msisdn": number,
            "sender": pa.array(np.full(len(person), "ORRERY"), pa.string()),
            "campaign_code": campaign_codes(rows["campaign_id"]),
            "template": templates(rows["offer"]),
            "parts": pa.array(1 + seen.dice.below(2, "sms: parts", rows["campaign_id"])),
            "sent_at": local_text(rows["at"], LONDON, "%Y%m%d", "%H%M%S"),
        },
        **known_once(number, person),
    )


def deliveries(seen: Seen) -> Recorded:
    rows = seen.events("message_events", channel=SMS, kind=DELIVERED)
    person, day = rows["person_id"], happened(rows)
    return Recorded(
        day=day,
        columns={
            "message_id": messages_of(rows["message_id"]),
            "msisdn": seen.mobile(person, day),
            "status": pa.array(np.full(len(person), "DELIVRD"), pa.string()),
            "operator": picked(seen.dice, ("310410", "310260", "23415", "26201", "44010"), "sms: operator", person),
            "delivered_at": local_text(rows["at"], LONDON, "%Y%m%d", "%H%M%S"),
        },
    )


def replies(seen: Seen) -> Recorded:
    rows = seen.events("message_events", channel=SMS, kind=REPLIED)
    person, day = rows["person_id"], happened(rows)
    return Recorded(
        day=day,
        minute=seen.minute(rows),
        columns={
            "id": ids(seen, "sms: reply", rows["message_id"]),
            "from": seen.mobile(person, day),
            "in_reply_to": messages_of(rows["message_id"]),
            "body.text": picked(seen.dice, REPLIES, "sms: reply", rows["message_id"]),
            "received_at": offset_text(rows["at"], LONDON),
        },
    )


def opt_outs(seen: Seen) -> Recorded:
    rows = seen.events("message_events", channel=SMS, kind=UNSUBSCRIBED)
    day = happened(rows)
    return Recorded(
        day=day,
        columns={
            "msisdn": seen.mobile(rows["person_id"], day),
            "keyword": picked(seen.dice, KEYWORDS, "sms: keyword", rows["message_id"]),
            "opted_out_at": local_text(rows["at"], LONDON, "%d/%m/%Y", " %H:%M"),
        },
    )


FEEDS = (
    RawFeed(
        name="sms_sends",
        path="sms/sends/SMS{at:%y%m%d}.txt",
        form=FixedWidth(SENT_WIDTHS),
        record=sends,
        arrives=5,
        wrong=(
            Broken(
                19,
                (
                    ("a line cut short", "00000000000000d1+12125550100"),
                    (
                        "a number without its country",
                        f"{'00000000000000d2':16}{'02125550100':18}{'ORRERY':11}{'CMP-00035':12}{'message':16}{'1':>2}20240120120000",
                    ),
                ),
            ),
        ),
    ),
    RawFeed(
        name="sms_deliveries",
        path="sms/deliveries/dlr_{at:%Y%m%d}.psv",
        form=Csv(sep="|", has_header=False),
        record=deliveries,
        arrives=5,
        wrong=(
            Resent(19, after=1),
            Broken(
                19,
                (
                    ("an error page", "<html>504 Gateway Timeout</html>"),
                    ("unknown status", "00000000000000d3|+12125550100|MAYBE|310410|20240120120000"),
                ),
            ),
        ),
    ),
    RawFeed(
        name="sms_replies",
        path="sms/replies/reply_{at:%Y%m%dT%H%M}.jsonl",
        form=JsonLines(),
        record=replies,
        every="minute",
        arrives=0.02,
    ),
    RawFeed(
        name="sms_opt_outs",
        path="sms/opt_outs/optouts_{at:%Y-%m}.csv",
        form=Csv(sep=";", encoding="cp1252", newline="\r\n"),
        record=opt_outs,
        every="month",
        arrives=8,
        wrong=(Late(19, by=6),),
    ),
)
