"""The tills (POS).

Runbook. The head office in Chicago gathers what the tills of all stores sold and exports each day's files at 09:00 UTC
of the day after, when the last store in the west has closed. Tickets, tenders and returns are on Chicago's clock;
ticket lines have seconds since 1970. A day that is sent again comes as `..._resend`; silver keeps each line once. The
stores' network writes who is there as it happens, one file an hour; the booking tool writes each minute's appointments
by itself. A till knows nobody but by the loyalty number that was shown and the provider's token of a bank card: a
ticket without a number is nobody's. The network's number of a phone is not the app's of the device.
"""

from datetime import timedelta

from bronze.source import Feed, Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Between, Holds, Matches, OneOf

MONEY = "decimal(12,2)"

TICKETS = Source(
    name="pos_tickets",
    doc="One row per ticket of a till.",
    path="pos/tickets/*.csv",
    format="csv",
    key=("ticket_no",),
    columns={
        "ticket_no": Field("bigint", "The ticket."),
        "store_no": Field("int", "The store.", required=True),
        "till": Field("int", "The till in the store."),
        "cashier": Field("string", "Who sat at it.", "pseudonymous"),
        "sold_at": Field("timestamp", "When it was paid.", pattern="MM/dd/yyyy hh:mm a", required=True),
        "loyalty_no": Field("bigint", "The loyalty number that was shown.", "pseudonymous"),
        "lines": Field("int", "How many lines it has.", required=True),
        "gross": Field(MONEY, "The price before discounts.", required=True),
        "discount": Field(MONEY, "Discounts of all kinds."),
        "total": Field(MONEY, "What was to be paid.", required=True),
        "offer": Field("string", "The offer that was redeemed."),
        "receipt": Field("string", "How the receipt was handed over."),
    },
    rules=(
        Between(column="lines", low=1),
        Holds(condition="total = gross - discount", otherwise="total is not gross less discount", severity="warning"),
    ),
    feeds=(
        party("concat('loyalty/', loyalty_no)", "loyalty", where="loyalty_no IS NOT NULL"),
        touch(
            "store",
            "redeemed",
            touch_id="concat('pos/redeemed/', ticket_no)",
            party_id="concat('loyalty/', loyalty_no)",
            offer_code="offer",
            order_id="concat('pos/', ticket_no)",
            at="sold_at",
            where="offer IS NOT NULL AND loyalty_no IS NOT NULL",
        ),
    ),
    timezone="America/Chicago",
)

TICKET_LINES = Source(
    name="pos_ticket_lines",
    doc="One row per product on a ticket.",
    path="pos/ticket_lines/*.csv.gz",
    format="csv",
    options={"sep": "|"},
    key=("ticket_no", "line_no"),
    columns={
        "ticket_no": Field("bigint", "The ticket."),
        "line_no": Field("int", "The line."),
        "store_no": Field("int", "The store."),
        "sold_at": Field("timestamp", "When it was paid.", pattern="epoch_s", required=True),
        "loyalty_no": Field("bigint", "The loyalty number that was shown.", "pseudonymous"),
        "sku": Field("string", "The product.", required=True),
        "qty": Field("int", "Units.", required=True),
        "unit_price": Field(MONEY, "The price of one unit.", required=True),
        "discount": Field(MONEY, "Price cut and offer together, for all units.", required=True),
        "coupon": Field("boolean", "Whether an offer was a part of it.", truth=("Y", "N")),
    },
    rules=(Between(column="qty", low=0), Between(column="discount", low=0)),
    feeds=(
        Feed(
            to="silver.order_lines",
            columns={
                "order_id": "concat('pos/', ticket_no)",
                "line_id": "cast(line_no as string)",
                "party_id": "coalesce(concat('loyalty/', loyalty_no), concat('pos/', ticket_no))",
                "product_id": "sku",
                "store_id": "cast(store_no as string)",
                "channel": "'store'",
                "ordered_at": "sold_at",
                "quantity": "qty",
                "gross_amount": "qty * unit_price",
                "discount_amount": "discount",
                "coupon_amount": "0",
                "net_amount": "qty * unit_price - discount",
            },
        ),
    ),
)

TENDERS = Source(
    name="pos_tenders",
    doc="One row per means by which a ticket was paid.",
    path="pos/tenders/*.txt",
    format="fixed",
    key=("ticket", "kind"),
    columns={
        "ticket": Field("bigint", "The ticket.", width=14),
        "store": Field("int", "The store.", width=4),
        "paid_at": Field("timestamp", "When.", pattern="yyyyMMddHHmmss", width=14, required=True),
        "kind": Field("string", "CARD, CASH, WALT (a wallet), GIFT or PNTS (points).", width=4),
        "amount": Field("bigint", "In cents.", width=12, required=True),
        "card_token": Field("string", "The provider's token of the card.", "pseudonymous", width=20),
        "last_four": Field("string", "The last digits of its number.", "personal", width=4),
    },
    rules=(OneOf(column="kind", values=("CARD", "CASH", "WALT", "GIFT", "PNTS")), Between(column="amount", low=0)),
    feeds=(
        Feed(
            to="silver.payments",
            columns={
                "payment_id": "concat_ws('/', 'pos', ticket, kind)",
                "order_id": "concat('pos/', ticket)",
                "party_id": "concat('card/', card_token)",
                "method": "CASE kind WHEN 'CARD' THEN 'card' WHEN 'CASH' THEN 'cash' WHEN 'WALT' THEN 'wallet' "
                "WHEN 'GIFT' THEN 'gift_card' WHEN 'PNTS' THEN 'points' END",
                "paid_at": "paid_at",
                "amount": "cast(amount as decimal(18,2)) / 100",
            },
        ),
        party("concat('card/', card_token)", "card", where="card_token IS NOT NULL"),
    ),
    timezone="America/Chicago",
)

RETURNS = Source(
    name="pos_returns",
    doc="One row per line of a ticket that was brought back.",
    path="pos/returns/*.xml",
    format="xml",
    options={"row": "return"},
    key=("return_id",),
    columns={
        "return_id": Field("string", "The return.", path="@id"),
        "ticket": Field("bigint", "The ticket.", path="@ticket", required=True),
        "line": Field("int", "Its line.", path="@line", required=True),
        "sku": Field("string", "The product."),
        "quantity": Field("int", "Units."),
        "currency": Field("string", "The currency of the refund.", path="refund.@currency"),
        "refund": Field(MONEY, "What was given back.", required=True),
        "reason": Field("string", "Why."),
        "returned_at": Field("timestamp", "When.", pattern="dd.MM.yyyy HH:mm:ss", required=True),
    },
    rules=(
        Between(column="refund", low=0),
        OneOf(column="reason", values=("unwanted", "damaged", "wrong item", "size"), severity="warning"),
    ),
    feeds=(
        Feed(
            to="silver.returns",
            columns={
                "return_id": "concat('pos/', return_id)",
                "order_id": "concat('pos/', ticket)",
                "line_id": "cast(line as string)",
                "product_id": "sku",
                "channel": "'store'",
                "returned_at": "returned_at",
                "quantity": "quantity",
                "refund_amount": "refund",
                "reason": "reason",
            },
        ),
    ),
    fresh_within=timedelta(days=7),
    timezone="America/Chicago",
)

STORE_VISITS = Source(
    name="pos_store_visits",
    doc="One row per phone that a store's network has seen.",
    path="pos/store_visits/*.jsonl",
    format="jsonl",
    key=("visit",),
    columns={
        "visit": Field("string", "The visit."),
        "store": Field("int", "The store.", required=True),
        "seen_at": Field("timestamp", "When it was first seen.", pattern="epoch_ms", required=True),
        "device": Field("string", "The phone, as the network knows it.", "pseudonymous", path="network.device"),
        "signal_dbm": Field("int", "How strong its signal was.", path="network.signal_dbm"),
        "minutes": Field("int", "For how long."),
    },
    rules=(Between(column="minutes", low=0, high=1440), Between(column="signal_dbm", high=0, severity="warning")),
    feeds=(
        touch(
            "store",
            "visited",
            touch_id="concat('pos/visited/', visit)",
            party_id="concat('store-network/', device)",
            at="seen_at",
        ),
        party("concat('store-network/', device)", "pos", where="device IS NOT NULL"),
    ),
)

APPOINTMENTS = Source(
    name="pos_appointments",
    doc="One row per appointment in a store, with a name and a number as they were heard on the telephone.",
    path="pos/appointments/*.jsonl",
    format="jsonl",
    key=("appointment",),
    columns={
        "appointment": Field("string", "The appointment."),
        "store": Field("int", "The store.", required=True),
        "starts_at": Field("timestamp", "When.", required=True),
        "name": Field("string", "Family name, given name.", "personal", path="customer.name"),
        "phone": Field("string", "A number; some are the call centre's own.", "personal", path="customer.phone"),
        "service": Field("string", "What for."),
    },
    rules=(Matches(column="phone", pattern=r"[+0][0-9 ]{6,20}", severity="warning"),),
    feeds=(
        touch(
            "store",
            "visited",
            touch_id="concat('pos/booked/', appointment)",
            party_id="concat('pos/', appointment)",
            at="starts_at",
        ),
        party("concat('pos/', appointment)", "pos", full_name="name", phone="phone"),
    ),
    fresh_within=timedelta(days=14),
)
