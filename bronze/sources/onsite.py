"""The tool that shows banners on the site and in the app.

Runbook. Its exports of a day land at 03:00 UTC of the day after. A visitor is the site's cookie, or the app's device.
"""

from bronze.source import Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import OneOf

VISITOR = "concat('onsite/', visitor_kind, '/', visitor_id)"
KNOWN_AS = (
    "concat(CASE visitor_kind WHEN 'cookie' THEN 'web/' WHEN 'device' THEN 'app/' WHEN 'customer' THEN 'shop/' END, "
    "visitor_id)"
)
IS_KNOWN = "visitor_kind IS NOT NULL AND visitor_id IS NOT NULL"

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
        touch(
            "onsite",
            "shown",
            touch_id="concat('onsite/shown/', impression_id)",
            party_id=VISITOR,
            message_id="concat('onsite/', impression_id)",
            campaign_id="campaign_code",
            offer_code="template",
            at="shown_at",
        ),
        party(VISITOR, "onsite", known_as=KNOWN_AS, where=IS_KNOWN),
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
        touch(
            "onsite",
            "clicked",
            touch_id="concat('onsite/clicked/', impression_id)",
            party_id=VISITOR,
            message_id="concat('onsite/', impression_id)",
            campaign_id="campaign_code",
            at="clicked_at",
        ),
        party(VISITOR, "onsite", known_as=KNOWN_AS, where=IS_KNOWN),
    ),
)
