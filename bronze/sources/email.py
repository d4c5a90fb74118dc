"""The e-mail service.

Runbook. Its exports of a day land at 04:00 UTC of the day after. The service sits in Chicago: sends are in its own
clock. Opens and clicks are its events as they were posted, with seconds since 1970; bounces come from the mail server
as XML. Unsubscribes are kept by the agency in Berlin, which exports UTF-16 from a spreadsheet. There is no row for
delivered: what did not bounce was delivered.
"""

from datetime import timedelta

from bronze.source import Feed, Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Matches, OneOf

ADDRESS = r"[^@\s]+@[^@\s]+\.[^@\s]+"

SENDS = Source(
    name="email_sends",
    doc="One row per e-mail that was sent.",
    path="email/sends/*.csv.gz",
    format="csv",
    key=("message_id",),
    columns={
        "message_id": Field("string", "The message."),
        "subscriber_key": Field("string", "The service's own number of the address.", "pseudonymous", required=True),
        "email": Field("string", "The address.", "personal", required=True),
        "first_name": Field("string", "The name in the salutation.", "personal"),
        "campaign_code": Field("string", "The campaign."),
        "template": Field("string", "What it offered."),
        "sent_at": Field("timestamp", "When.", pattern="MM/dd/yyyy hh:mm:ss a", required=True),
    },
    rules=(Matches(column="email", pattern=ADDRESS, severity="warning"),),
    feeds=(
        touch(
            "email",
            "sent",
            touch_id="concat('email/sent/', message_id)",
            party_id="concat('email/', subscriber_key)",
            message_id="concat('email/', message_id)",
            campaign_id="campaign_code",
            offer_code="template",
            at="sent_at",
        ),
        party("concat('email/', subscriber_key)", "email", given_name="first_name", email="email"),
    ),
    timezone="America/Chicago",
)

OPENS = Source(
    name="email_opens",
    doc="One row per first opening of an e-mail, as the service posted it.",
    path="email/opens/*.jsonl",
    format="jsonl",
    key=("event_id",),
    columns={
        "event_id": Field("string", "The event."),
        "message_id": Field("string", "The message that was opened.", required=True),
        "subscriber_key": Field("string", "The service's own number of the address.", "pseudonymous", required=True),
        "email": Field("string", "The address.", "personal"),
        "campaign_code": Field("string", "The campaign."),
        "user_agent": Field("string", "The program that opened it.", "pseudonymous", path="useragent"),
        "opened_at": Field("timestamp", "When.", path="timestamp", pattern="epoch_s", required=True),
    },
    feeds=(
        touch(
            "email",
            "opened",
            touch_id="concat('email/opened/', event_id)",
            party_id="concat('email/', subscriber_key)",
            message_id="concat('email/', message_id)",
            campaign_id="campaign_code",
            at="opened_at",
        ),
    ),
)

CLICKS = Source(
    name="email_clicks",
    doc="One row per click on a link in an e-mail, as the service posted it.",
    path="email/clicks/*.jsonl",
    format="jsonl",
    key=("event_id",),
    columns={
        "event_id": Field("string", "The event."),
        "message_id": Field("string", "The message.", path="message.id", required=True),
        "subscriber_key": Field(
            "string", "The service's number of the address.", "pseudonymous", path="subscriber.key"
        ),
        "email": Field("string", "The address.", "personal", path="subscriber.email"),
        "campaign_code": Field("string", "The campaign.", path="message.campaign"),
        "url": Field("string", "The link.", path="link.url"),
        "clicked_at": Field("timestamp", "When.", path="timestamp", pattern="epoch_s", required=True),
    },
    rules=(Matches(column="url", pattern="https://.*", severity="warning"),),
    feeds=(
        touch(
            "email",
            "clicked",
            touch_id="concat('email/clicked/', event_id)",
            party_id="concat('email/', subscriber_key)",
            message_id="concat('email/', message_id)",
            campaign_id="campaign_code",
            at="clicked_at",
        ),
        party("concat('email/', subscriber_key)", "email", email="email", where="subscriber_key IS NOT NULL"),
    ),
)

BOUNCES = Source(
    name="email_bounces",
    doc="One row per e-mail that came back.",
    path="email/bounces/*.xml",
    format="xml",
    options={"row": "bounce"},
    key=("message_id",),
    columns={
        "message_id": Field("string", "The message.", path="@message"),
        "kind": Field("string", "hard: the address does not work; soft: not now.", path="@kind", required=True),
        "subscriber_key": Field("string", "The service's own number of the address.", "pseudonymous", required=True),
        "email": Field("string", "The address.", "personal", path="recipient"),
        "smtp_code": Field("int", "What the other server answered.", path="status.@code"),
        "diagnosis": Field("string", "What it said.", "personal", path="status"),
        "bounced_at": Field("timestamp", "When.", path="at", required=True),
    },
    rules=(OneOf(column="kind", values=("hard", "soft")),),
    feeds=(
        touch(
            "email",
            "bounced",
            touch_id="concat('email/bounced/', message_id)",
            party_id="concat('email/', subscriber_key)",
            message_id="concat('email/', message_id)",
            at="bounced_at",
        ),
        party("concat('email/', subscriber_key)", "email", email="email"),
    ),
)

UNSUBSCRIBES = Source(
    name="email_unsubscribes",
    doc="One row per address that wants no more e-mail.",
    path="email/unsubscribes/*.csv",
    format="csv",
    options={"sep": ";", "encoding": "utf-16"},
    key=("message_id",),
    columns={
        "message_id": Field("string", "The message whose link was used.", required=True),
        "email": Field("string", "The address.", "personal", required=True),
        "subscriber_key": Field("string", "The service's own number of the address.", "pseudonymous"),
        "reason": Field("string", "What was ticked on the page."),
        "unsubscribed_at": Field("timestamp", "When.", pattern="dd.MM.yyyy HH:mm:ss", required=True),
    },
    rules=(Matches(column="email", pattern=ADDRESS),),
    feeds=(
        touch(
            "email",
            "unsubscribed",
            touch_id="concat('email/unsubscribed/', message_id)",
            party_id="concat('email/', coalesce(subscriber_key, email))",
            message_id="concat('email/', message_id)",
            at="unsubscribed_at",
        ),
        Feed(
            to="silver.consents",
            columns={
                "consent_id": "concat('email/unsubscribed/', message_id)",
                "party_id": "concat('email/', coalesce(subscriber_key, email))",
                "channel": "'email'",
                "is_granted": "false",
                "changed_at": "unsubscribed_at",
                "reason": "reason",
            },
        ),
        party("concat('email/', coalesce(subscriber_key, email))", "email", email="email"),
    ),
    fresh_within=timedelta(days=7),
    timezone="Europe/Berlin",
)
