"""The canonical tables: what every source is conformed to, whatever it is called there."""

from lakehouse.rules import Between, Holds, OneOf
from lakehouse.tables import Column, Table

MONEY = "decimal(18,2)"

LEARNED_AT = Column("timestamp", "When this version of the row arrived: features of a day before it do not know it.")

PARTIES = Table(
    name="silver.parties",
    doc="Who the sources know: every identity record, as its source last described it.",
    grain="one row per identity record of a source",
    key=("party_id",),
    columns={
        "party_id": Column("string", "The record: source/number there.", "pseudonymous"),
        "source": Column("string", "The source that knows the record."),
        "household_no": Column("string", "The retailer's number of the household.", "pseudonymous"),
        "age_band": Column("string", "Age of the head of the household, in bands.", "personal"),
        "income_band": Column("string", "Yearly income of the household, in bands.", "sensitive"),
        "home_ownership": Column("string", "Whether the home is owned or rented.", "personal"),
        "marital_status": Column("string", "Marital status of the head of the household.", "sensitive"),
        "household_size": Column("string", "How many live there; 5+ is the last band.", "personal"),
        "household_composition": Column("string", "Adults and children in words.", "personal"),
        "kids_count": Column("string", "How many children; 3+ is the last band.", "personal"),
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
        "channel": Column("string", "store or web."),
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
        "channel": Column("string", "store or web."),
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
        "channel": Column("string", "mail, store, ..."),
        "kind": Column("string", "sent, redeemed, ..."),
        "campaign_id": Column("string", "The campaign it belongs to."),
        "offer_code": Column("string", "The offer that it is about, such as a coupon's number."),
        "happened_at": Column("timestamp", "When (UTC)."),
        "learned_at": LEARNED_AT,
    },
    rules=(OneOf(column="kind", values=("sent", "redeemed")),),
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

CONFORMED = (PARTIES, PRODUCTS, ORDER_LINES, CAMPAIGNS, OFFERS, INTERACTIONS)
