"""The web shop, which the app sells through as well.

Runbook. The shop runs in Berlin. Its database tells every change of an account as one line (`lsn` numbers them), and
the order desk still exports a German spreadsheet: semicolons, Windows-1252, decimal commas, Berlin's clock; names in
other scripts arrive as question marks. Order lines come from its warehouse as Parquet, payments from its payment
service as zipped JSON lines. A guest's order has the name and address that was typed for it: it is an identity record
of its own. A review names an order and not whose it is: it is one as well. So is a visit (Sitzung), of which the order
says whose it was. All of a day's files are there at 09:00 UTC of the day after; reviews once a month.
"""

from datetime import timedelta

from bronze.source import Changes, Feed, Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Between, Holds, Matches, OneOf

MONEY = "decimal(12,2)"
ADDRESS = r"[^@\s]+@[^@\s]+\.[^@\s]+"
PARTY = "coalesce(concat('shop/', {customer}), concat('shop/guest/', {order}))"

CUSTOMERS = Source(
    name="shop_customers",
    doc="One row per change of an account: made (c), changed (u), deleted on request (d).",
    path="shop/customers/*.jsonl",
    format="jsonl",
    key=("id",),
    columns={
        "op": Field("string", "c, u or d."),
        "lsn": Field("bigint", "The number of the change."),
        "id": Field("bigint", "The account.", "pseudonymous", path="key.id"),
        "ts_ms": Field("timestamp", "When it was changed.", pattern="epoch_ms", required=True),
        "email": Field("string", "Its address.", "personal", path="after.email"),
        "first_name": Field("string", "Given name, as typed.", "personal", path="after.first_name"),
        "last_name": Field("string", "Family name, as typed.", "personal", path="after.last_name"),
        "phone": Field("string", "A number; most give none.", "personal", path="after.phone"),
        "street": Field("string", "Street and house.", "personal", path="after.address.street"),
        "city": Field("string", "The city.", "personal", path="after.address.city"),
        "zip": Field("string", "The postal code.", "personal", path="after.address.zip"),
        "country": Field("string", "The country.", "personal", path="after.address.country"),
    },
    rules=(OneOf(column="op", values=("c", "u", "d")), Matches(column="email", pattern=ADDRESS, severity="warning")),
    feeds=(
        party(
            "concat('shop/', id)",
            "shop",
            given_name="first_name",
            family_name="last_name",
            email="email",
            phone="phone",
            street="street",
            city="city",
            postal_code="zip",
            country="country",
        ),
    ),
    delivery="changes",
    changes=Changes(operation="op", sequence="lsn", deletes=("d",)),
)

ORDERS = Source(
    name="shop_orders",
    doc="One row per order, with who ordered as they typed it. A guest has no Kundennummer.",
    path="shop/orders/*.csv",
    format="csv",
    options={"sep": ";", "encoding": "cp1252"},
    key=("Bestellnummer",),
    columns={
        "Bestellnummer": Field("string", "The order."),
        "Kundennummer": Field("bigint", "The account; none for a guest.", "pseudonymous"),
        "Kanal": Field("string", "Web or App.", required=True),
        "Bestelldatum": Field("timestamp", "When it was placed.", pattern="dd.MM.yyyy HH:mm:ss", required=True),
        "Email": Field("string", "The address for the confirmation.", "personal"),
        "Vorname": Field("string", "Given name.", "personal"),
        "Nachname": Field("string", "Family name.", "personal"),
        "Strasse": Field("string", "Street and house.", "personal"),
        "Ort": Field("string", "The city.", "personal"),
        "PLZ": Field("string", "The postal code.", "personal"),
        "Land": Field("string", "The country.", "personal"),
        "Telefon": Field("string", "A number; most give none.", "personal"),
        "Warenwert": Field(MONEY, "The price before discounts.", decimal=",", thousands=".", required=True),
        "Rabatt": Field(MONEY, "Discounts of all kinds.", decimal=",", thousands="."),
        "Versand": Field(MONEY, "What was asked for shipping.", decimal=",", thousands="."),
        "Gesamt": Field(MONEY, "What was to be paid.", decimal=",", thousands=".", required=True),
        "Aktion": Field("string", "The campaign whose offer was redeemed; NBA is the platform's."),
        "Sitzung": Field("string", "The visit in which it was placed.", "pseudonymous"),
    },
    rules=(
        OneOf(column="Kanal", values=("Web", "App")),
        Holds(condition="Gesamt = Warenwert - Rabatt + Versand", otherwise="Gesamt is not the sum of its parts"),
        Matches(column="Email", pattern=ADDRESS, severity="warning"),
    ),
    feeds=(
        party(
            PARTY.format(customer="Kundennummer", order="Bestellnummer"),
            "shop",
            given_name="Vorname",
            family_name="Nachname",
            email="Email",
            phone="Telefon",
            street="Strasse",
            city="Ort",
            postal_code="PLZ",
            country="Land",
        ),
        party(
            "concat('shop/session/', Sitzung)",
            "shop",
            known_as=PARTY.format(customer="Kundennummer", order="Bestellnummer"),
            where="Sitzung IS NOT NULL",
        ),
        Feed(
            to="silver.interactions",
            columns={
                "interaction_id": "concat('shop/redeemed/', Bestellnummer)",
                "party_id": PARTY.format(customer="Kundennummer", order="Bestellnummer"),
                "channel": "lower(Kanal)",
                "kind": "'redeemed'",
                "campaign_id": "Aktion",
                "order_id": "concat('shop/', Bestellnummer)",
                "happened_at": "Bestelldatum",
            },
            where="Aktion IS NOT NULL",
        ),
    ),
    timezone="Europe/Berlin",
)

ORDER_LINES = Source(
    name="shop_order_lines",
    doc="One row per line of an order.",
    path="shop/order_lines/*.parquet",
    format="parquet",
    key=("order_no", "position"),
    columns={
        "order_no": Field("string", "The order."),
        "position": Field("smallint", "The line."),
        "customer_no": Field("bigint", "The account; none for a guest.", "pseudonymous"),
        "ordered_at": Field("timestamp", "When the order was placed.", required=True),
        "channel": Field("string", "web or app."),
        "sku": Field("string", "The product.", required=True),
        "units": Field("smallint", "Units.", required=True),
        "unit_price": Field("decimal(18,2)", "The price of one unit.", required=True),
        "discount": Field("decimal(18,2)", "Price cut and offer together, for all units.", required=True),
        "is_coupon": Field("boolean", "Whether an offer was a part of it."),
    },
    rules=(Between(column="units", low=1), OneOf(column="channel", values=("web", "app"))),
    feeds=(
        Feed(
            to="silver.order_lines",
            columns={
                "order_id": "concat('shop/', order_no)",
                "line_id": "cast(position as string)",
                "party_id": PARTY.format(customer="customer_no", order="order_no"),
                "product_id": "sku",
                "channel": "channel",
                "ordered_at": "ordered_at",
                "quantity": "units",
                "gross_amount": "units * unit_price",
                "discount_amount": "discount",
                "coupon_amount": "0",
                "net_amount": "units * unit_price - discount",
            },
        ),
    ),
)

PAYMENTS = Source(
    name="shop_payments",
    doc="One row per means by which an order was paid.",
    path="shop/payments/*.jsonl.gz",
    format="jsonl",
    key=("id",),
    columns={
        "id": Field("string", "The payment."),
        "order": Field("string", "The order.", required=True),
        "method": Field("string", "card, wallet, gift_card or points."),
        "amount": Field("bigint", "In cents.", path="amount.value", required=True),
        "currency": Field("string", "The currency.", path="amount.currency"),
        "card_token": Field("string", "The provider's token of the card.", "pseudonymous", path="card.token"),
        "created": Field("timestamp", "When.", pattern="epoch_ms", required=True),
    },
    rules=(
        Between(column="amount", low=0),
        OneOf(column="method", values=("card", "wallet", "gift_card", "points"), severity="warning"),
    ),
    feeds=(
        Feed(
            to="silver.payments",
            columns={
                "payment_id": "concat('shop/', id)",
                "order_id": "concat('shop/', `order`)",
                "party_id": "concat('card/', card_token)",
                "method": "method",
                "paid_at": "created",
                "amount": "cast(amount as decimal(18,2)) / 100",
            },
        ),
        party("concat('card/', card_token)", "card", where="card_token IS NOT NULL"),
    ),
)

REFUNDS = Source(
    name="shop_refunds",
    doc="One row per line of an order that was sent back.",
    path="shop/refunds/*.xml",
    format="xml",
    options={"row": "refund"},
    key=("refund_id",),
    columns={
        "refund_id": Field("string", "The refund.", path="@id"),
        "order": Field("string", "The order.", required=True),
        "position": Field("int", "Its line.", required=True),
        "sku": Field("string", "The product."),
        "units": Field("int", "Units."),
        "amount": Field(MONEY, "What was given back.", required=True),
        "reason": Field("string", "Why."),
        "refunded_at": Field("timestamp", "When.", required=True),
    },
    rules=(Between(column="amount", low=0),),
    feeds=(
        Feed(
            to="silver.returns",
            columns={
                "return_id": "concat('shop/', refund_id)",
                "order_id": "concat('shop/', `order`)",
                "line_id": "cast(position as string)",
                "product_id": "sku",
                "channel": "'web'",
                "returned_at": "refunded_at",
                "quantity": "units",
                "refund_amount": "amount",
                "reason": "reason",
            },
        ),
    ),
    fresh_within=timedelta(days=7),
)

CARTS = Source(
    name="shop_carts",
    doc="One row per product that was put into a cart, ordered in the end or not.",
    path="shop/carts/*.jsonl",
    format="jsonl",
    options={"records": "items[]"},
    key=("cart", "sku"),
    columns={
        "cart": Field("string", "The cart."),
        "session": Field("string", "The visit.", "pseudonymous"),
        "status": Field("string", "ordered or abandoned.", required=True),
        "updated": Field("timestamp", "When the cart was last changed."),
        "item_count": Field("int", "How many products are in it."),
        "sku": Field("string", "The product.", path="items[].sku"),
        "qty": Field("int", "Units.", path="items[].qty", required=True),
        "added_at": Field("timestamp", "When it was put in.", path="items[].added", pattern="epoch_ms", required=True),
    },
    newest_by="added_at",
    rules=(Between(column="qty", low=1), OneOf(column="status", values=("ordered", "abandoned"))),
    feeds=(
        touch(
            "web",
            "put in cart",
            touch_id="concat_ws('/', 'shop/cart', cart, sku)",
            party_id="concat('shop/session/', session)",
            product_id="sku",
            at="added_at",
        ),
        party("concat('shop/session/', session)", "shop", where="session IS NOT NULL"),
    ),
)

WISHLISTS = Source(
    name="shop_wishlists",
    doc="One row per product that was put on a wish list.",
    path="shop/wishlists/*.avro",
    format="avro",
    key=("wish_id",),
    columns={
        "wish_id": Field("string", "The wish."),
        "session": Field("string", "The visit.", "pseudonymous"),
        "customer_no": Field("bigint", "The account, of who has one.", "pseudonymous"),
        "sku": Field("string", "The product.", required=True),
        "added_at": Field("timestamp", "When.", required=True),
    },
    feeds=(
        touch(
            "web",
            "wished for",
            touch_id="concat('shop/wished/', wish_id)",
            party_id="coalesce(concat('shop/session/', session), concat('shop/', customer_no))",
            product_id="sku",
            at="added_at",
        ),
        party(
            "concat('shop/session/', session)",
            "shop",
            known_as="concat('shop/', customer_no)",
            where="session IS NOT NULL",
        ),
    ),
    fresh_within=timedelta(days=7),
)

REVIEWS = Source(
    name="shop_reviews",
    doc="One row per review of a product, in lines as it was typed.",
    path="shop/reviews/*.csv",
    format="csv",
    options={"multiline": "true"},
    key=("review_id",),
    columns={
        "review_id": Field("string", "The review."),
        "order_no": Field("string", "The order.", required=True),
        "sku": Field("string", "The product."),
        "stars": Field("int", "From 1 to 5.", required=True),
        "author": Field("string", "Given name and initial.", "personal"),
        "text": Field("string", "What they say.", "personal"),
        "written_at": Field("timestamp", "When.", required=True),
    },
    rules=(Between(column="stars", low=1, high=5),),
    feeds=(
        touch(
            "web",
            "reviewed",
            touch_id="concat('shop/reviewed/', review_id)",
            party_id="concat('shop/review/', review_id)",
            product_id="sku",
            order_id="concat('shop/', order_no)",
            score="stars",
            at="written_at",
        ),
        party("concat('shop/review/', review_id)", "shop", full_name="author"),
    ),
    fresh_within=timedelta(days=40),
    timezone="Europe/Berlin",
)

GIFT_CARDS = Source(
    name="shop_gift_cards",
    doc="One row per use of a gift card, in the shop or at a till. Bronze only: what it paid is among the payments.",
    path="shop/gift_cards/*.psv",
    format="csv",
    options={"sep": "|", "null": "NULL"},
    key=("card_no", "used_at"),
    columns={
        "card_no": Field("bigint", "The gift card.", "pseudonymous"),
        "used_at": Field("timestamp", "When.", pattern="epoch_s"),
        "amount": Field(MONEY, "What it paid.", required=True),
        "balance": Field(MONEY, "What is left on it."),
        "currency": Field("string", "The currency."),
        "bought_by": Field("string", "The address of who bought it, where they gave one.", "personal"),
    },
    rules=(Between(column="amount", low=0), Between(column="balance", low=0)),
    fresh_within=timedelta(days=14),
)
