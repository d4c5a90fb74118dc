"""The e-mail service: it knows an address by its subscriber, and not who reads it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds.channels import (
    happened,
    ids,
    known_once,
    local_text,
    offset_text,
    subscribers,
    templates,
)
from simulator.feeds.feed import Broken, Empty, Late, RawFeed, Recorded, Resent
from simulator.feeds.formats import Csv, JsonLines, Xml, joined
from simulator.feeds.names import names
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import campaign_codes, epoch_s, hex_ids, none_where, picked
from simulator.world.config import CHANNELS
from simulator.world.events import Columns
from simulator.world.messaging import BOUNCED, CLICKED, OPENED, UNSUBSCRIBED
from simulator.world.randomness import Ints

EMAIL = CHANNELS.index("email")
STALE = 0.015  # as in the world: whose address does not work any more
READERS = ("Apple Mail/16", "Gmail image proxy", "Outlook/16", "Thunderbird/115", "Yahoo image proxy")
SITE = "https://www.orrery-retail.example/"


def messages_of(message_id: Ints) -> pa.Array:
    return hex_ids(message_id, "email: message")


def told(seen: Seen, kind: int) -> Columns:
    return seen.events("message_events", channel=EMAIL, kind=kind)


def sends(seen: Seen) -> Recorded:
    rows = seen.events("messages", channel=EMAIL)
    person = rows["person_id"]
    subscriber, email = subscribers(seen, person)
    people = seen.traits.people.person_id
    has_name = seen.dice.uniform("email: salutation", people) < 0.8
    given, _ = names(seen, "email", people, np.full(len(people), seen.config.first_day))
    return Recorded(
        day=happened(rows),
        columns={
            "message_id": messages_of(rows["message_id"]),
            "subscriber_key": subscriber,
            "email": email,
            "first_name": pc.if_else(pa.array(has_name), given, "").take(pa.array(seen.place(person))),
            "campaign_code": campaign_codes(rows["campaign_id"]),
            "template": templates(rows["offer"]),
            "sent_at": local_text(rows["at"], "America/Chicago", "%m/%d/%Y", " %I:%M:%S %p"),
        },
        **known_once(subscriber, person),
    )


def opens(seen: Seen) -> Recorded:
    rows = told(seen, OPENED)
    subscriber, email = subscribers(seen, rows["person_id"])
    return Recorded(
        day=happened(rows),
        columns={
            "event_id": ids(seen, "email: opened", rows["message_id"]),
            "message_id": messages_of(rows["message_id"]),
            "subscriber_key": subscriber,
            "email": email,
            "campaign_code": campaign_codes(rows["campaign_id"]),
            "useragent": picked(seen.dice, READERS, "email: reader", rows["person_id"]),
            "timestamp": epoch_s(rows["at"]),
            "machine_open": pa.array(seen.dice.uniform("email: machine", rows["message_id"]) < 0.2),
        },
    )


def clicks(seen: Seen) -> Recorded:
    rows = told(seen, CLICKED)
    subscriber, email = subscribers(seen, rows["person_id"])
    campaign = campaign_codes(rows["campaign_id"])
    return Recorded(
        day=happened(rows),
        columns={
            "event_id": ids(seen, "email: clicked", rows["message_id"]),
            "timestamp": epoch_s(rows["at"]),
            "message.id": messages_of(rows["message_id"]),
            "message.campaign": campaign,
            "subscriber.key": subscriber,
            "subscriber.email": email,
            "link.url": joined([SITE, "?utm_source=email&utm_campaign=", campaign], ""),
        },
    )


def bounces(seen: Seen) -> Recorded:
    rows = told(seen, BOUNCED)
    person = rows["person_id"]
    subscriber, email = subscribers(seen, person)
    is_hard = pa.array(seen.dice.uniform("stale address", person) < STALE)
    unknown = joined(["550 5.1.1 <", email, ">: user unknown"], "")
    return Recorded(
        day=happened(rows),
        columns={
            "@message": messages_of(rows["message_id"]),
            "@kind": pc.if_else(is_hard, "hard", "soft"),
            "subscriber_key": subscriber,
            "recipient": email,
            "status.@code": pc.if_else(is_hard, 550, 452),
            "status.#text": pc.if_else(is_hard, unknown, "452 4.2.2 mailbox full & quota exceeded"),
            "at": offset_text(rows["at"], "America/Chicago"),
        },
    )


def unsubscribes(seen: Seen) -> Recorded:
    rows = told(seen, UNSUBSCRIBED)
    subscriber, email = subscribers(seen, rows["person_id"])
    reasons = ("too many", "not for me", "never signed up", "zu häufig", "配信停止")
    has_reason = seen.dice.uniform("email: gives a reason", rows["message_id"]) < 0.4
    return Recorded(
        day=happened(rows),
        columns={
            "message_id": messages_of(rows["message_id"]),
            "email": email,
            "subscriber_key": subscriber,
            "reason": none_where(~has_reason, picked(seen.dice, reasons, "email: reason", rows["message_id"])),
            "unsubscribed_at": local_text(rows["at"], "Europe/Berlin", "%d.%m.%Y", " %H:%M:%S"),
        },
    )


FEEDS = (
    RawFeed(
        name="email_sends",
        path="email/sends/sends_{at:%Y-%m-%d}.csv.gz",
        form=Csv(quote_all=True),
        record=sends,
        arrives=4,
        wrong=(
            Broken(
                8,
                (
                    (
                        "hour above 12",
                        '"00000000000000c1","S0","a@b.example","A","CMP-00000","message","01/02/2024 13:00:00 PM"',
                    ),
                    ("no address", '"00000000000000c2","S0","","A","CMP-00000","message","01/02/2024 09:00:00 AM"'),
                    ("a quote never closed", '"00000000000000c3","S0,"a@b.example'),
                ),
            ),
            Resent(8),
        ),
    ),
    RawFeed(
        name="email_opens",
        path="email/opens/opens_{at:%Y-%m-%d}.jsonl",
        form=JsonLines(),
        record=opens,
        arrives=4,
        since={"machine_open": 50},
        wrong=(
            Broken(
                8,
                (
                    (
                        "a name twice",
                        '{"event_id":"c4","event_id":"c5","message_id":"c1","subscriber_key":"S0","timestamp":1704200000}',
                    ),
                    (
                        "time in milliseconds",
                        '{"event_id":"c6","message_id":"c1","subscriber_key":"S0","timestamp":1704200000000}',
                    ),
                ),
            ),
            Late(15),
        ),
    ),
    RawFeed(
        name="email_clicks",
        path="email/clicks/clicks_{at:%Y-%m-%d}.jsonl",
        form=JsonLines(),
        record=clicks,
        arrives=4,
        wrong=(Empty(8),),
    ),
    RawFeed(
        name="email_bounces",
        path="email/bounces/bounces_{at:%Y-%m-%d}.xml",
        form=Xml("bounces", "bounce"),
        record=bounces,
        arrives=5,
    ),
    RawFeed(
        name="email_unsubscribes",
        path="email/unsubscribes/unsubscribes_{at:%d.%m.%Y}.csv",
        form=Csv(sep=";", encoding="utf-16", newline="\r\n"),
        record=unsubscribes,
        arrives=9,
        wrong=(Empty(8),),
    ),
)
