"""The canonical tables: what every source is conformed to, whatever it is called there."""

from lakehouse.rules import Between, Holds, OneOf
from lakehouse.tables import Column, Table

MONEY = "decimal(18,2)"
MESSAGE_CHANNELS = ("email", "sms", "push", "onsite", "ads", "mail")

# What a touch can be: what the retailer did, what came back, and what customers do of themselves.
KINDS = (
    "sent", "delivered", "bounced", "shown",
    "opened", "clicked", "replied", "converted", "redeemed", "unsubscribed",
    "viewed", "searched", "visited", "put in cart", "wished for", "ordered", "installed", "earned points",
    "called", "chatted", "complained", "messaged", "mentioned", "followed", "referred", "reviewed", "answered",
)  # fmt: skip

LEARNED_AT = Column("timestamp", "When this version of the row arrived: features of a day before it do not know it.")

PARTIES = Table(
    name="silver.parties",
    doc="Who the sources know: every identity record, as its source last described it.",
    grain="one row per identity record of a source",
    key=("party_id",),
    columns={
        "party_id": Column("string", "The record: source/number there.", "pseudonymous"),
        "source": Column("string", "The system that knows the record."),
        "known_as": Column(
            "string",
            "The record or number by which the source says whose it is: the account that was logged in, the household.",
            "pseudonymous",
        ),
        "kind": Column("string", "customer, staff or test; none where nobody said."),
        "given_name": Column("string", "Given name, as it was recorded.", "personal"),
        "family_name": Column("string", "Family name, as it was recorded.", "personal"),
        "full_name": Column("string", "The name as one text, where its parts are not told apart.", "personal"),
        "born_on": Column("date", "Birthday, as it was given.", "personal"),
        "email": Column("string", "An address, as it was given.", "personal"),
        "phone": Column("string", "A number, as it was given.", "personal"),
        "street": Column("string", "Street and house.", "personal"),
        "city": Column("string", "The city.", "personal"),
        "postal_code": Column("string", "The postal code.", "personal"),
        "country": Column("string", "The country, in two letters.", "personal"),
        "household_no": Column("string", "A number of the household, as the source has it.", "pseudonymous"),
        "age_band": Column("string", "Age of the head of the household, in bands.", "personal"),
        "income_band": Column("string", "Yearly income of the household, in bands.", "sensitive"),
        "home_ownership": Column("string", "Whether the home is owned or rented.", "personal"),
        "marital_status": Column("string", "Marital status of the head of the household.", "sensitive"),
        "household_size": Column("string", "How many live there; 5+ is the last band.", "personal"),
        "household_composition": Column("string", "Adults and children in words.", "personal"),
        "kids_count": Column("string", "How many children; 3+ is the last band.", "personal"),
        "learned_at": LEARNED_AT,
    },
    rules=(OneOf(column="kind", values=("customer", "staff", "test")),),
)

STORES = Table(
    name="silver.stores",
    doc="Where the retailer sells in person.",
    grain="one row per store",
    key=("store_id",),
    columns={
        "store_id": Column("string", "The store."),
        "name": Column("string", "What it is called."),
        "city": Column("string", "Its city."),
        "region": Column("string", "Its state, county or land."),
        "country": Column("string", "Its country, in two letters."),
        "time_zone": Column("string", "The clock on its wall."),
        "square_metres": Column("int", "How large it is."),
        "opened_on": Column("date", "When it opened."),
        "learned_at": LEARNED_AT,
    },
)

PRODUCTS = Table(
    name="silver.products",
    doc="What is sold.",
    grain="one row per product",
    key=("product_id",),
    columns={
        "product_id": Column("string", "The product."),
        "department": Column("string", "The department that sells it."),
        "category": Column("string", "Its category."),
        "subcategory": Column("string", "The kind of thing within the category."),
        "brand_kind": Column("string", "National, or the retailer's own (Private)."),
        "manufacturer_id": Column("string", "Who makes it."),
        "package_size": Column("string", "Its size, as the supplier writes it."),
        "learned_at": LEARNED_AT,
    },
)

ORDER_LINES = Table(
    name="silver.order_lines",
    doc="What was bought: each product of each order, in any channel.",
    grain="one row per line of an order",
    key=("order_id", "line_id"),
    columns={
        "order_id": Column("string", "The order: a basket at the till, a web order."),
        "line_id": Column("string", "The line within the order."),
        "party_id": Column("string", "Who bought, as the source knows them.", "pseudonymous"),
        "product_id": Column("string", "The product."),
        "store_id": Column("string", "Where; none for a web order."),
        "channel": Column("string", "store, web, app or marketplace."),
        "ordered_at": Column("timestamp", "When it was bought (UTC)."),
        "quantity": Column("bigint", "How many units (of weighed goods: the source's own measure)."),
        "gross_amount": Column(MONEY, "The price before the retailer's discounts."),
        "discount_amount": Column(MONEY, "Discounts given by the retailer."),
        "coupon_amount": Column(MONEY, "Paid with manufacturers' coupons."),
        "net_amount": Column(MONEY, "What the retailer received: gross less discounts."),
        "learned_at": LEARNED_AT,
    },
    rules=(
        Between(column="quantity", low=0),
        Between(column="discount_amount", low=0),
        Between(column="coupon_amount", low=0),
        Holds(
            condition="net_amount = gross_amount - discount_amount",
            otherwise="net_amount is not gross less discounts",
        ),
    ),
    cluster_by=("ordered_at",),
)

ORDERS = Table(
    name="silver.orders",
    doc="Orders of all channels, with the sums of their lines.",
    grain="one row per order",
    key=("order_id",),
    columns={
        "order_id": Column("string", "The order: a basket at the till, a web order."),
        "party_id": Column("string", "Who bought, as the source knows them.", "pseudonymous"),
        "store_id": Column("string", "Where; none for a web order."),
        "channel": Column("string", "store, web, app or marketplace."),
        "ordered_at": Column("timestamp", "When it was placed (UTC)."),
        "ordered_on": Column("date", "The day it was placed (UTC)."),
        "lines": Column("bigint", "How many lines it has."),
        "units": Column("bigint", "How many units they sum to."),
        "gross_amount": Column(MONEY, "The price before the retailer's discounts."),
        "discount_amount": Column(MONEY, "Discounts given by the retailer."),
        "coupon_amount": Column(MONEY, "Paid with manufacturers' coupons."),
        "net_amount": Column(MONEY, "What the retailer received."),
        "learned_at": Column("timestamp", "When the newest of its lines arrived."),
    },
    rules=(Between(column="lines", low=1),),
    cluster_by=("ordered_on",),
)

RETURNS = Table(
    name="silver.returns",
    doc="What was brought or sent back: each return of a line of an order.",
    grain="one row per return of a line",
    key=("return_id",),
    columns={
        "return_id": Column("string", "The return."),
        "order_id": Column("string", "The order."),
        "line_id": Column("string", "The line within the order."),
        "product_id": Column("string", "The product."),
        "channel": Column("string", "store or web: where it came back."),
        "returned_at": Column("timestamp", "When (UTC)."),
        "quantity": Column("bigint", "How many units."),
        "refund_amount": Column(MONEY, "What was given back."),
        "reason": Column("string", "Why, in the source's words."),
        "learned_at": LEARNED_AT,
    },
    rules=(Between(column="refund_amount", low=0),),
    cluster_by=("returned_at",),
)

PAYMENTS = Table(
    name="silver.payments",
    doc="What orders were paid with: each means of payment of an order.",
    grain="one row per means by which an order was paid",
    key=("payment_id",),
    columns={
        "payment_id": Column("string", "The payment."),
        "order_id": Column("string", "The order."),
        "party_id": Column("string", "The card, as an identity record; none for cash and the like.", "pseudonymous"),
        "method": Column("string", "card, wallet, cash, gift_card or points."),
        "paid_at": Column("timestamp", "When (UTC)."),
        "amount": Column(MONEY, "What was paid."),
        "learned_at": LEARNED_AT,
    },
    rules=(
        Between(column="amount", low=0),
        OneOf(column="method", values=("card", "wallet", "cash", "gift_card", "points")),
    ),
    cluster_by=("paid_at",),
)

CONSENTS = Table(
    name="silver.consents",
    doc="What people allowed and forbade: each time that a consent was given or withdrawn. The newest of a party and "
    "channel holds.",
    grain="one row per consent given or withdrawn",
    key=("consent_id",),
    columns={
        "consent_id": Column("string", "The decision."),
        "party_id": Column("string", "Who, as the source knows them.", "pseudonymous"),
        "channel": Column("string", "What it is about: email, sms, push, onsite, ads or mail."),
        "is_granted": Column("boolean", "Given, or withdrawn."),
        "changed_at": Column("timestamp", "When (UTC)."),
        "reason": Column("string", "What was said or ticked.", "personal"),
        "learned_at": LEARNED_AT,
    },
    rules=(OneOf(column="channel", values=MESSAGE_CHANNELS),),
)

CAMPAIGNS = Table(
    name="silver.campaigns",
    doc="Marketing campaigns.",
    grain="one row per campaign",
    key=("campaign_id",),
    columns={
        "campaign_id": Column("string", "The campaign."),
        "kind": Column("string", "The retailer's type of campaign."),
        "starts_on": Column("date", "Its first day."),
        "ends_on": Column("date", "Its last day."),
        "learned_at": LEARNED_AT,
    },
    rules=(Holds(condition="starts_on <= ends_on", otherwise="the campaign ends before it starts"),),
)

OFFERS = Table(
    name="silver.offers",
    doc="What is offered: a product with a coupon of a campaign, or on display or in the mailer of a store.",
    grain="one row per offer of a product",
    key=("kind", "offer_code", "product_id", "campaign_id", "store_id"),
    columns={
        "kind": Column("string", "coupon, or promotion (display or mailer)."),
        "offer_code": Column("string", "The coupon's number; of a promotion, its week, display and mailer place."),
        "product_id": Column("string", "The product."),
        "campaign_id": Column("string", "The campaign of a coupon; empty for a promotion."),
        "store_id": Column("string", "The store of a promotion; empty where it holds in all."),
        "starts_on": Column("date", "The first day of a promotion; a coupon starts with its campaign."),
        "learned_at": LEARNED_AT,
    },
    rules=(OneOf(column="kind", values=("coupon", "promotion")),),
    cluster_by=("kind", "starts_on"),
)

INTERACTIONS = Table(
    name="silver.interactions",
    doc="Every touch in any channel: sent, delivered, seen, clicked, visited, called, redeemed.",
    grain="one row per touch",
    key=("interaction_id",),
    columns={
        "interaction_id": Column("string", "The touch."),
        "party_id": Column("string", "Who, as the source knows them.", "pseudonymous"),
        "channel": Column("string", "email, sms, push, mail, store, web, app, ads, phone, ..."),
        "kind": Column("string", "sent, opened, viewed, redeemed, called, ..."),
        "message_id": Column("string", "The message or advertisement that it is about: of a sent one, itself."),
        "campaign_id": Column("string", "The campaign it belongs to."),
        "offer_code": Column("string", "The offer that it is about, such as a coupon's number."),
        "product_id": Column("string", "The product that it is about."),
        "order_id": Column("string", "The order that it is about."),
        "score": Column("double", "What was ticked, in the source's own scale: stars, 0 to 10, -1 to 1."),
        "happened_at": Column("timestamp", "When (UTC)."),
        "learned_at": LEARNED_AT,
    },
    rules=(OneOf(column="kind", values=KINDS),),
    cluster_by=("happened_at",),
)

REVISIONS = Table(
    name="silver.revisions",
    doc="What silver said before: versions of rows that a later delivery changed, and rows that one says are gone. "
    "Features of a past day read them.",
    grain="one row per superseded version of a row",
    key=("table_name", "row_key", "learned_at"),
    columns={
        "table_name": Column("string", "The silver table."),
        "row_key": Column("string", "The key of the row, as JSON.", "pseudonymous"),
        "row": Column("string", "The row as it was, as JSON.", "personal"),
        "learned_at": Column("timestamp", "When this version arrived."),
        "superseded_at": Column("timestamp", "When the next version arrived, or the news that the row is gone."),
    },
)

CORE_IDS = Table(
    name="silver.core_ids",
    doc="Which customer each identity record is. The only place that knows; facts name parties.",
    grain="one row per identity record of a source",
    key=("party_id",),
    columns={
        "party_id": Column("string", "The identity record.", "pseudonymous"),
        "core_id": Column("string", "The customer: one lasting identity.", "pseudonymous"),
        "method": Column("string", "How it was decided."),
        "learned_at": Column("timestamp", "When the identity record was first known."),
    },
)

CUSTOMERS = Table(
    name="silver.customers",
    doc="The golden record: each customer as all of their identity records describe them together.",
    grain="one row per customer",
    key=("core_id",),
    columns={
        "core_id": Column("string", "The customer.", "pseudonymous"),
        "parties": Column("bigint", "How many identity records are this customer."),
        **{
            name: PARTIES.columns[name]
            for name in (
                "household_no",
                "age_band",
                "income_band",
                "home_ownership",
                "marital_status",
                "household_size",
                "household_composition",
                "kids_count",
            )
        },
        "learned_at": Column("timestamp", "When the customer was first known."),
    },
)

CONFORMED = (
    PARTIES, STORES, PRODUCTS, ORDER_LINES, RETURNS, PAYMENTS, CAMPAIGNS, OFFERS, INTERACTIONS, CONSENTS,
)  # fmt: skip

# What several feeds tell of a key adds up: what one leaves open keeps what another said.
TOLD_TOGETHER = (PARTIES,)
