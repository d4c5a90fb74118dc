"""The gateway for text messages, in London.

Runbook. Sends come from its mainframe in fixed widths, receipts without a header, both in London's clock at 05:00 UTC
of the day after. A reply is posted as it comes: one file for each minute that has one. The opt-outs of a month are
exported from a Windows program: semicolons, cp1252. A number may by now be another person's.
"""

from datetime import timedelta

from bronze.source import Feed, Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Between, Matches, OneOf

NUMBER = r"\+\d{7,15}"

SENDS = Source(
    name="sms_sends",
    doc="One row per text message that was handed to the gateway.",
    path="sms/sends/*.txt",
    format="fixed",
    key=("message_id",),
    columns={
        "message_id": Field("string", "The message.", width=16),
        "msisdn": Field("string", "The number, in the international form.", "personal", width=18, required=True),
        "sender": Field("string", "What the phone shows as its sender.", width=11),
        "campaign_code": Field("string", "The campaign.", width=12),
        "template": Field("string", "What it offered.", width=16),
        "parts": Field("int", "How many messages it took.", width=2),
        "sent_at": Field("timestamp", "When.", pattern="yyyyMMddHHmmss", width=14, required=True),
    },
    rules=(Between(column="parts", low=1, high=9), Matches(column="msisdn", pattern=NUMBER)),
    feeds=(
        touch(
            "sms",
            "sent",
            touch_id="concat('sms/sent/', message_id)",
            party_id="concat('sms/', msisdn)",
            message_id="concat('sms/', message_id)",
            campaign_id="campaign_code",
            offer_code="template",
            at="sent_at",
        ),
        party("concat('sms/', msisdn)", "sms", phone="msisdn"),
    ),
    timezone="Europe/London",
)

DELIVERIES = Source(
    name="sms_deliveries",
    doc="One row per receipt of a network operator. The files have no header.",
    path="sms/deliveries/*.psv",
    format="csv",
    options={"sep": "|", "header": "false", "quote": ""},
    key=("message_id",),
    columns={
        "message_id": Field("string", "The message."),
        "msisdn": Field("string", "The number.", "personal", required=True),
        "status": Field("string", "What the operator says.", required=True),
        "operator": Field("string", "The operator's number."),
        "delivered_at": Field("timestamp", "When.", pattern="yyyyMMddHHmmss", required=True),
    },
    rules=(OneOf(column="status", values=("DELIVRD", "EXPIRED", "UNDELIV")),),
    feeds=(
        touch(
            "sms",
            "delivered",
            touch_id="concat('sms/delivered/', message_id)",
            party_id="concat('sms/', msisdn)",
            message_id="concat('sms/', message_id)",
            at="delivered_at",
            where="status = 'DELIVRD'",
        ),
    ),
    timezone="Europe/London",
)

REPLIES = Source(
    name="sms_replies",
    doc="One row per text message that came back from a phone.",
    path="sms/replies/*.jsonl",
    format="jsonl",
    key=("reply_id",),
    columns={
        "reply_id": Field("string", "The reply.", path="id"),
        "msisdn": Field("string", "The number that wrote it.", "personal", path="from", required=True),
        "in_reply_to": Field("string", "The message that it answers."),
        "text": Field("string", "What it says.", "personal", path="body.text"),
        "received_at": Field("timestamp", "When.", required=True),
    },
    feeds=(
        touch(
            "sms",
            "replied",
            touch_id="concat('sms/replied/', reply_id)",
            party_id="concat('sms/', msisdn)",
            message_id="concat('sms/', in_reply_to)",
            at="received_at",
        ),
        party("concat('sms/', msisdn)", "sms", phone="msisdn"),
    ),
    fresh_within=timedelta(days=7),
)

OPT_OUTS = Source(
    name="sms_opt_outs",
    doc="One row per number that wants no more text messages.",
    path="sms/opt_outs/*.csv",
    format="csv",
    options={"sep": ";", "encoding": "cp1252"},
    key=("msisdn", "opted_out_at"),
    columns={
        "msisdn": Field("string", "The number.", "personal"),
        "keyword": Field("string", "What was written: STOP, HALT, GENUG, ...", "personal"),
        "opted_out_at": Field("timestamp", "When.", pattern="dd/MM/yyyy HH:mm", required=True),
    },
    rules=(Matches(column="msisdn", pattern=NUMBER),),
    feeds=(
        touch(
            "sms",
            "unsubscribed",
            touch_id="concat_ws('/', 'sms', 'unsubscribed', msisdn, unix_seconds(opted_out_at))",
            party_id="concat('sms/', msisdn)",
            at="opted_out_at",
        ),
        Feed(
            to="silver.consents",
            columns={
                "consent_id": "concat_ws('/', 'sms', 'unsubscribed', msisdn, unix_seconds(opted_out_at))",
                "party_id": "concat('sms/', msisdn)",
                "channel": "'sms'",
                "is_granted": "false",
                "changed_at": "opted_out_at",
                "reason": "keyword",
            },
        ),
        party("concat('sms/', msisdn)", "sms", phone="msisdn"),
    ),
    fresh_within=timedelta(days=40),
    timezone="Europe/London",
)
