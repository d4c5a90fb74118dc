"""Customer care: the telephone system, the chat and the ticket tool.

Runbook. The telephone system in London writes fixed widths at 23:55 of its own clock; a call that is passed on shows
the call centre's number. Chats come as one JSON document for each hour that has one, each with its messages as an
array. Tickets are XML; a ticket comes again, on a later day, when it is closed.
"""

from datetime import timedelta

from bronze.source import Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Between, OneOf

CALLS = Source(
    name="care_calls",
    doc="One row per call that the call centre took.",
    path="care/calls/*.dat",
    format="fixed",
    options={"encoding": "latin-1", "null": "-"},
    key=("call_id",),
    columns={
        "call_id": Field("string", "The call.", width=12),
        "caller": Field("string", "The number shown; none where it is withheld.", "personal", width=18),
        "name_given": Field("string", "The name as the agent heard it.", "personal", width=32),
        "topic": Field("string", "What it was about.", width=20),
        "order_no": Field("string", "The order that was named.", width=16),
        "seconds": Field("int", "How long it took.", width=5),
        "satisfaction": Field("int", "What was pressed at the end, from 1 to 5.", width=1),
        "answered_at": Field("timestamp", "When.", pattern="yyyy-MM-dd HH.mm.ss", width=19, required=True),
    },
    rules=(Between(column="seconds", low=0), Between(column="satisfaction", low=1, high=5, severity="warning")),
    feeds=(
        touch(
            "phone",
            "called",
            touch_id="concat('care/call/', call_id)",
            party_id="concat('care/call/', call_id)",
            order_id="concat('shop/', order_no)",
            score="satisfaction",
            at="answered_at",
        ),
        party("concat('care/call/', call_id)", "care", full_name="name_given", phone="caller"),
    ),
    fresh_within=timedelta(days=3),
    timezone="Europe/London",
)

CHATS = Source(
    name="care_chats",
    doc="One row per chat on the site.",
    path="care/chats/*.json",
    format="json",
    options={"records": "chats"},
    key=("chat_id",),
    columns={
        "chat_id": Field("string", "The chat.", path="id"),
        "email": Field("string", "The address that was given before it.", "personal", path="visitor.email"),
        "customer_no": Field("string", "The shop's customer, if logged in.", "pseudonymous", path="visitor.customer"),
        "name_given": Field("string", "The name that was given.", "personal", path="visitor.name"),
        "topic": Field("string", "What it was about."),
        "order_no": Field("string", "The order that was named.", path="order"),
        "messages": Field("array<struct<by: string, text: string>>", "What was said.", "personal"),
        "seconds": Field("int", "How long it took."),
        "satisfaction": Field("int", "The stars that were given, from 1 to 5.", path="rating.stars"),
        "began_at": Field("timestamp", "When.", required=True),
    },
    rules=(Between(column="seconds", low=0), Between(column="satisfaction", low=1, high=5, severity="warning")),
    feeds=(
        touch(
            "chat",
            "chatted",
            touch_id="concat('care/chat/', chat_id)",
            party_id="concat('care/chat/', chat_id)",
            order_id="concat('shop/', order_no)",
            score="satisfaction",
            at="began_at",
        ),
        party(
            "concat('care/chat/', chat_id)",
            "care",
            known_as="concat('shop/', customer_no)",
            full_name="name_given",
            email="email",
        ),
    ),
    fresh_within=timedelta(days=3),
)

TICKETS = Source(
    name="care_tickets",
    doc="One row per version of a ticket: as it was opened, and as it was closed.",
    path="care/tickets/*.xml",
    format="xml",
    options={"row": "ticket"},
    key=("ticket_no",),
    newest_by="updated_at",
    columns={
        "ticket_no": Field("string", "The ticket.", path="@no"),
        "status": Field("string", "open or closed.", path="@status", required=True),
        "email": Field("string", "Who wrote.", "personal", path="requester.email"),
        "phone": Field("string", "Their number, if they said it.", "personal", path="requester.phone"),
        "name_given": Field("string", "Their name, as they wrote it.", "personal", path="requester.name"),
        "topic": Field("string", "What it is about."),
        "order_no": Field(
            "string",
            "The order that it is about.",
        ),
        "body": Field("string", "What they wrote.", "personal"),
        "satisfaction": Field("int", "What they ticked when it was closed, from 1 to 5."),
        "opened_at": Field("timestamp", "When it was opened.", required=True),
        "updated_at": Field("timestamp", "When it last changed.", required=True),
    },
    rules=(
        OneOf(column="status", values=("open", "closed")),
        Between(column="satisfaction", low=1, high=5, severity="warning"),
    ),
    feeds=(
        touch(
            "email",
            "complained",
            touch_id="concat('care/ticket/', ticket_no)",
            party_id="concat('care/ticket/', ticket_no)",
            order_id="concat('shop/', order_no)",
            score="satisfaction",
            at="opened_at",
        ),
        party(
            "concat('care/ticket/', ticket_no)",
            "care",
            full_name="name_given",
            email="email",
            phone="phone",
        ),
    ),
    fresh_within=timedelta(days=3),
)
