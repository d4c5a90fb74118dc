"""The advertising platform, and the agency that books it.

Runbook. The platform's logs of a day land at 06:00 UTC of the day after; it knows a browser by the cookie that it
shares with the site. Spend comes from the agency in Berlin: semicolons, decimal commas, cp1252. Conversions are the
platform's own claim of which orders its clicks made, as one JSON document a day.
"""

from bronze.source import Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Between, Matches

COOKIE = "[0-9a-f]{16}"

IMPRESSIONS = Source(
    name="ads_impressions",
    doc="One row per advertisement that a browser showed on somebody else's site.",
    path="ads/impressions/*.csv.gz",
    format="csv",
    key=("impression_id",),
    columns={
        "impression_id": Field("string", "The impression."),
        "cookie_id": Field("string", "The browser.", "pseudonymous", required=True),
        "campaign_code": Field("string", "The campaign."),
        "publisher": Field("string", "The site that showed it."),
        "cost_micros": Field("bigint", "What it cost, in millionths of the currency."),
        "shown_at": Field("timestamp", "When.", pattern="epoch_ms", required=True),
    },
    rules=(Between(column="cost_micros", low=0), Matches(column="cookie_id", pattern=COOKIE)),
    feeds=(
        touch(
            "ads",
            "shown",
            touch_id="concat('ads/shown/', impression_id)",
            party_id="concat('ads/', cookie_id)",
            message_id="concat('ads/', impression_id)",
            campaign_id="campaign_code",
            at="shown_at",
        ),
        party("concat('ads/', cookie_id)", "ads", known_as="concat('web/', cookie_id)"),
    ),
)

CLICKS = Source(
    name="ads_clicks",
    doc="One row per advertisement that was clicked.",
    path="ads/clicks/*.tsv",
    format="csv",
    options={"sep": "\t"},
    key=("click_id",),
    columns={
        "click_id": Field("string", "The click."),
        "cookie_id": Field("string", "The browser.", "pseudonymous", required=True),
        "campaign_code": Field("string", "The campaign."),
        "cost_micros": Field("bigint", "What it cost, in millionths of the currency."),
        "clicked_at": Field("timestamp", "When.", pattern="epoch_s", required=True),
    },
    rules=(Between(column="cost_micros", low=0), Matches(column="cookie_id", pattern=COOKIE)),
    feeds=(
        touch(
            "ads",
            "clicked",
            touch_id="concat('ads/clicked/', click_id)",
            party_id="concat('ads/', cookie_id)",
            campaign_id="campaign_code",
            at="clicked_at",
        ),
        party("concat('ads/', cookie_id)", "ads", known_as="concat('web/', cookie_id)"),
    ),
)

SPEND = Source(
    name="ads_spend",
    doc="One row per day, campaign and ad set: what the agency paid. Bronze only: it names nobody.",
    path="ads/spend/*.csv",
    format="csv",
    options={"sep": ";", "encoding": "cp1252", "null": "k.A."},
    key=("spent_on", "campaign_code", "ad_set"),
    columns={
        "spent_on": Field("date", "The day.", pattern="dd.MM.yyyy"),
        "campaign_code": Field("string", "The campaign."),
        "ad_set": Field("string", "The audience within the campaign."),
        "impressions": Field("bigint", "How often it was shown.", thousands=".", decimal=","),
        "clicks": Field("bigint", "How often it was clicked.", thousands=".", decimal=","),
        "amount": Field("decimal(12,2)", "What it cost.", decimal=",", thousands=".", required=True),
        "note": Field("string", "The agency's remark, mostly none."),
    },
    rules=(Between(column="amount", low=0), Between(column="impressions", low=0)),
    timezone="Europe/Berlin",
)

CONVERSIONS = Source(
    name="ads_conversions",
    doc="One row per order that the platform claims for a click.",
    path="ads/conversions/*.json",
    format="json",
    options={"records": "conversions"},
    key=("conversion_id",),
    columns={
        "conversion_id": Field("string", "The conversion.", path="id"),
        "cookie_id": Field("string", "The browser.", "pseudonymous", path="browser.cookie", required=True),
        "campaign_code": Field("string", "The campaign.", path="campaign"),
        "amount": Field("decimal(12,2)", "The order's value.", path="order.value"),
        "currency": Field("string", "Its currency.", path="order.currency"),
        "converted_at": Field("timestamp", "When.", path="time", required=True),
    },
    rules=(Between(column="amount", low=0), Matches(column="cookie_id", pattern=COOKIE)),
    feeds=(
        touch(
            "ads",
            "converted",
            touch_id="concat('ads/converted/', conversion_id)",
            party_id="concat('ads/', cookie_id)",
            campaign_id="campaign_code",
            at="converted_at",
        ),
        party("concat('ads/', cookie_id)", "ads", known_as="concat('web/', cookie_id)"),
    ),
)
