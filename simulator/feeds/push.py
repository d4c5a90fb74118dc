"""The service for notifications: it knows tokens."""

from simulator.feeds.channels import happened, known_once, phone_of, templates, tokens
from simulator.feeds.feed import Late, RawFeed, Recorded, Resent
from simulator.feeds.formats import Avro, Parquet
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import campaign_codes, epoch_ms, hex_ids, moments
from simulator.world.config import CHANNELS
from simulator.world.messaging import OPENED

PUSH = CHANNELS.index("push")


def sends(seen: Seen) -> Recorded:
    rows = seen.events("messages", channel=PUSH)
    token = tokens(phone_of(rows["person_id"]))
    return Recorded(
        day=happened(rows),
        columns={
            "message_id": hex_ids(rows["message_id"], "push: message"),
            "token": token,
            "campaign_code": campaign_codes(rows["campaign_id"]),
            "template": templates(rows["offer"]),
            "sent_at": moments(rows["at"], "us"),
        },
        **known_once(token, rows["person_id"]),
    )


def opens(seen: Seen) -> Recorded:
    rows = seen.events("message_events", channel=PUSH, kind=OPENED)
    return Recorded(
        day=happened(rows),
        columns={
            "message_id": hex_ids(rows["message_id"], "push: message"),
            "token": tokens(phone_of(rows["person_id"])),
            "campaign_code": campaign_codes(rows["campaign_id"]),
            "opened_at": epoch_ms(rows["at"]),
        },
    )


FEEDS = (
    RawFeed(
        name="push_sends",
        path="push/sends/sends_{at:%Y-%m-%d}.parquet",
        form=Parquet(compression="zstd"),
        record=sends,
        arrives=3.5,
        wrong=(Late(17, by=2),),
    ),
    RawFeed(
        name="push_opens",
        path="push/opens/opens_{at:%Y-%m-%d}.avro",
        form=Avro("PushOpened"),
        record=opens,
        arrives=3.5,
        wrong=(Resent(31),),
    ),
)
