"""The service for notifications on phones.

Runbook. Sends are Parquet, opens are Avro; both come at 03:30 UTC of the day after. A device is known by the token that
app_push_tokens tells of.
"""

from bronze.source import Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Matches

TOKEN = "[0-9a-f]{32}"

SENDS = Source(
    name="push_sends",
    doc="One row per notification that was sent.",
    path="push/sends/*.parquet",
    format="parquet",
    key=("message_id",),
    columns={
        "message_id": Field("string", "The message.", required=True),
        "token": Field("string", "The token of the device.", "pseudonymous", required=True),
        "campaign_code": Field("string", "The campaign."),
        "template": Field("string", "What it offered."),
        "sent_at": Field("timestamp", "When.", required=True),
    },
    rules=(Matches(column="token", pattern=TOKEN),),
    feeds=(
        touch(
            "push",
            "sent",
            touch_id="concat('push/sent/', message_id)",
            party_id="concat('push/', token)",
            message_id="concat('push/', message_id)",
            campaign_id="campaign_code",
            offer_code="template",
            at="sent_at",
        ),
        party("concat('push/', token)", "push"),
    ),
)

OPENS = Source(
    name="push_opens",
    doc="One row per notification that was tapped.",
    path="push/opens/*.avro",
    format="avro",
    key=("message_id",),
    columns={
        "message_id": Field("string", "The message."),
        "token": Field("string", "The token of the device.", "pseudonymous", required=True),
        "campaign_code": Field("string", "The campaign."),
        "opened_at": Field("timestamp", "When.", pattern="epoch_ms", required=True),
    },
    rules=(Matches(column="token", pattern=TOKEN),),
    feeds=(
        touch(
            "push",
            "opened",
            touch_id="concat('push/opened/', message_id)",
            party_id="concat('push/', token)",
            message_id="concat('push/', message_id)",
            campaign_id="campaign_code",
            at="opened_at",
        ),
    ),
)
