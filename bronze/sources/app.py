"""The app's own analytics, and the service that keeps its push tokens.

Runbook. Installs are written each hour in which there was one. Events (Avro) and screens (JSON lines, one per session,
with an array of its screens) are written at 02:30 UTC of the day after. The token service writes a change log: a token
is inserted, updated, and deleted when the permission is withdrawn. Consents are not
fed from it: a change log keeps the last of each token, and nothing of a deleted one.
"""

from datetime import timedelta

from bronze.source import Changes, Feed, Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Matches, OneOf

INSTALLS = Source(
    name="app_installs",
    doc="One row per installation of the app on a device.",
    path="app/installs/*.jsonl",
    format="jsonl",
    key=("install_id",),
    columns={
        "install_id": Field("string", "The installation."),
        "device_id": Field(
            "string", "The device, as the app knows it.", "pseudonymous", path="device.id", required=True
        ),
        "platform": Field("string", "ios or android.", path="device.platform"),
        "model": Field("string", "The device's model.", path="device.model"),
        "app_version": Field("string", "The version that was installed."),
        "installed_at": Field("timestamp", "When.", required=True),
    },
    rules=(OneOf(column="platform", values=("ios", "android")),),
    feeds=(
        touch(
            "app",
            "installed",
            touch_id="concat('app/', install_id)",
            party_id="concat('app/', device_id)",
            at="installed_at",
        ),
        party("concat('app/', device_id)", "app"),
    ),
    fresh_within=timedelta(days=7),
)

EVENTS = Source(
    name="app_events",
    doc="One row per thing that somebody did in the app, beside looking at a screen.",
    path="app/events/*.avro",
    format="avro",
    key=("event_id",),
    columns={
        "event_id": Field("string", "The event."),
        "name": Field("string", "What was done.", required=True),
        "device_id": Field("string", "The device.", "pseudonymous", required=True),
        "customer_no": Field("string", "The shop's customer, once logged in.", "pseudonymous"),
        "session_id": Field("string", "The session.", "pseudonymous"),
        "sku": Field("string", "The product that it is about."),
        "occurred_at": Field("timestamp", "When.", pattern="epoch_ms", required=True),
    },
    rules=(OneOf(column="name", values=("add_to_cart", "wish", "search", "purchase")),),
    feeds=(
        Feed(
            to="silver.interactions",
            columns={
                "interaction_id": "concat('app/', event_id)",
                "party_id": "concat('app/', device_id)",
                "channel": "'app'",
                "kind": "CASE name WHEN 'add_to_cart' THEN 'put in cart' WHEN 'wish' THEN 'wished for' "
                "WHEN 'search' THEN 'searched' WHEN 'purchase' THEN 'ordered' END",
                "product_id": "sku",
                "happened_at": "occurred_at",
            },
        ),
        party("concat('app/', device_id)", "app", known_as="concat('shop/', customer_no)"),
    ),
    fresh_within=timedelta(hours=30),
    new_columns="evolve",  # each release of the app may tell more
)

SCREENS = Source(
    name="app_screens",
    doc="One row per screen that the app showed. A line of the file is a session, with its screens as an array.",
    path="app/screens/*.jsonl",
    format="jsonl",
    options={"records": "screens[]"},
    key=("session_id", "shown_at", "screen"),
    columns={
        "session_id": Field("string", "The session.", "pseudonymous", path="session"),
        "device_id": Field("string", "The device.", "pseudonymous", path="device", required=True),
        "customer_no": Field("string", "The shop's customer, once logged in.", "pseudonymous", path="customer"),
        "screen": Field("string", "Which screen.", path="screens[].name"),
        "sku": Field("string", "The product on it.", path="screens[].sku"),
        "shown_at": Field("timestamp", "When.", path="screens[].at", pattern="epoch_ms"),
    },
    feeds=(
        touch(
            "app",
            "viewed",
            touch_id="concat_ws('/', 'app', session_id, unix_millis(shown_at), screen)",
            party_id="concat('app/', device_id)",
            product_id="sku",
            at="shown_at",
        ),
        party("concat('app/', device_id)", "app", known_as="concat('shop/', customer_no)"),
    ),
    fresh_within=timedelta(hours=30),
)

PUSH_TOKENS = Source(
    name="app_push_tokens",
    doc="The tokens by which devices are sent notifications: a log of their changes.",
    path="app/push_tokens/*.csv",
    format="csv",
    key=("token",),
    columns={
        "op": Field("string", "I: inserted, U: updated, D: deleted."),
        "seq": Field("bigint", "Numbers the changes."),
        "token": Field("string", "The token.", "pseudonymous"),
        "device_id": Field("string", "The device that it reaches.", "pseudonymous", required=True),
        "platform": Field("string", "ios or android.", required=True),
        "is_allowed": Field("boolean", "Whether notifications may be shown.", truth=("1", "0")),
        "changed_at": Field("timestamp", "When.", pattern="epoch_s", required=True),
    },
    rules=(OneOf(column="op", values=("I", "U", "D")), Matches(column="token", pattern="[0-9a-f]{32}")),
    feeds=(party("concat('push/', token)", "push", known_as="concat('app/', device_id)"),),
    fresh_within=timedelta(days=7),
    delivery="changes",
    changes=Changes(operation="op", sequence="seq"),
)
