"""The tool that shows banners on the site and in the app.

Runbook. Its exports of a day land at 03:00 UTC of the day after. A visitor is the site's cookie, or the app's device.
"""

from bronze.source import Feed, Field, Source
from lakehouse.rules import OneOf

IMPRESSIONS = Source(
    name="onsite_impressions",
    doc="One row per banner that was shown to a visitor.",
    path="onsite/impressions/*.csv.gz",
    format="csv",
    options={"sep": ";"},
    key=("impression_id",),
    columns={
        "impression_id": Field("string", "The impression."),
        "visitor_kind": Field("string", "cookie: of the site, device: of the app, customer: of the shop."),
        "visitor_id": Field("string", "The cookie, the device or the customer.", "pseudonymous", required=True),
        "campaign_code": Field("string", "The campaign."),
        "template": Field("string", "What it offered."),
        "shown_at": Field("timestamp", "When.", pattern="yyyy-MM-dd HH:mm:ss", required=True),
    },
    rules=(OneOf(column="visitor_kind", values=("cookie", "device", "customer")),),
    feeds=(
        Feed(
            to="silver.interactions",
            columns={
                "interaction_id": "concat('onsite/shown/', impression_id)",
                "party_id": "concat_ws('/', 'onsite', visitor_kind, visitor_id)",
                "channel": "'onsite'",
                "kind": "'shown'",
                "campaign_id": "campaign_code",
                "offer_code": "template",
                "happened_at": "shown_at",
            },
        ),
        Feed(
            to="silver.parties",
            columns={"party_id": "concat_ws('/', 'onsite', visitor_kind, visitor_id)", "source": "'onsite'"},
        ),
    ),
)

CLICKS = Source(
    name="onsite_clicks",
    doc="One row per banner that was clicked.",
    path="onsite/clicks/*.jsonl",
    format="jsonl",
    key=("impression_id",),
    columns={
        "impression_id": Field("string", "The impression.", path="impression"),
        "visitor_kind": Field("string", "cookie, device or customer.", path="visitor.kind"),
        "visitor_id": Field("string", "The cookie, the device or the customer.", "pseudonymous", path="visitor.id"),
        "campaign_code": Field("string", "The campaign.", path="campaign"),
        "clicked_at": Field("timestamp", "When.", path="ts", pattern="epoch_ms", required=True),
    },
    rules=(OneOf(column="visitor_kind", values=("cookie", "device", "customer")),),
    feeds=(
        Feed(
            to="silver.interactions",
            columns={
                "interaction_id": "concat('onsite/clicked/', impression_id)",
                "party_id": "concat_ws('/', 'onsite', visitor_kind, visitor_id)",
                "channel": "'onsite'",
                "kind": "'clicked'",
                "campaign_id": "campaign_code",
                "happened_at": "clicked_at",
            },
        ),
    ),
)
