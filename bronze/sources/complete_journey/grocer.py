"""The Complete Journey: one year of a grocer's 2,469 households, as its systems would deliver it.

Runbook. The till's file of a day lands at 03:10 UTC of the next day; a day that is sent again comes as
`..._resend.csv`, and silver keeps each line once. From September 2017 on the till adds a column `till_id`, which is
kept in `_rescued`. Promotions land weekly, redemptions monthly, mailings and coupons with their campaign. The vendor of
the demographics writes ISO-8859-1, semicolons and `n/a`.
"""

from datetime import timedelta

from bronze.source import Feed, Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Between, Holds, OneOf

MONEY = "decimal(10,2)"

POS_TRANSACTIONS = Source(
    name="pos_transactions",
    doc="One row per product in a basket, from the tills.",
    path="pos/transactions/*.csv",
    format="csv",
    key=("basket_id", "product_id"),
    columns={
        "household_id": Field("bigint", "Who bought, by loyalty card.", "pseudonymous", required=True),
        "store_id": Field("bigint", "The store."),
        "basket_id": Field("bigint", "The basket."),
        "product_id": Field("bigint", "The product."),
        "quantity": Field("bigint", "Units; of fuel and weighed goods, the till's own measure.", required=True),
        "sales_value": Field(MONEY, "What the retailer received for the line.", required=True),
        "retail_disc": Field(MONEY, "Loyalty card discount."),
        "coupon_disc": Field(MONEY, "Paid by a manufacturer's coupon."),
        "coupon_match_disc": Field(MONEY, "The retailer's match of that coupon."),
        "week": Field("int", "The retailer's week, from 1."),
        "transaction_timestamp": Field("timestamp", "When the basket was paid.", required=True),
    },
    rules=(
        Between(column="quantity", low=0),
        Between(column="sales_value", low=0),
        Between(column="retail_disc", low=0),
        Between(column="coupon_disc", low=0),
        Between(column="coupon_match_disc", low=0),
    ),
    feeds=(
        Feed(
            to="silver.order_lines",
            columns={
                "order_id": "concat('pos/', basket_id)",
                "line_id": "cast(product_id as string)",
                "party_id": "concat('pos/', household_id)",
                "product_id": "cast(product_id as string)",
                "store_id": "cast(store_id as string)",
                "channel": "'store'",
                "ordered_at": "transaction_timestamp",
                "quantity": "quantity",
                "gross_amount": "sales_value + retail_disc + coupon_match_disc",
                "discount_amount": "retail_disc + coupon_match_disc",
                "coupon_amount": "coupon_disc",
                "net_amount": "sales_value",
            },
        ),
        party(
            "concat('pos/', household_id)",
            "pos",
            known_as="concat('household/', household_id)",
            household_no="cast(household_id as string)",
        ),
    ),
)

PROMOTIONS = Source(
    name="promotions",
    doc="One row per product on display or in the mailer of a store in a week.",
    path="merchandising/promotions/*.parquet",
    format="parquet",
    key=("product_id", "store_id", "week", "display_location", "mailer_location"),
    columns={
        "product_id": Field("bigint", "The product."),
        "store_id": Field("bigint", "The store."),
        "display_location": Field("string", "Where it is displayed: 0 is nowhere, 1-9 and A are places."),
        "mailer_location": Field("string", "Where it is in the mailer: 0 is nowhere, letters are pages."),
        "week": Field("bigint", "The retailer's week, from 1."),
    },
    rules=(Between(column="week", low=1, high=53),),
    feeds=(
        Feed(
            to="silver.offers",
            columns={
                "kind": "'promotion'",
                "offer_code": "concat(week, '/', display_location, '/', mailer_location)",
                "product_id": "cast(product_id as string)",
                "campaign_id": "''",
                "store_id": "cast(store_id as string)",
                "starts_on": "date_add(DATE'2016-12-26', cast((week - 1) * 7 as int))",
            },
        ),
    ),
    fresh_within=timedelta(days=8),
)

COUPON_REDEMPTIONS = Source(
    name="coupon_redemptions",
    doc="One row per coupon that a household handed in.",
    path="coupons/redemptions/*.jsonl",
    format="jsonl",
    key=("household_id", "coupon_upc", "campaign_id", "redemption_date"),
    columns={
        "household_id": Field("bigint", "Who redeemed it.", "pseudonymous", path="household.id"),
        "coupon_upc": Field("string", "The coupon.", path="coupon.upc"),
        "campaign_id": Field("bigint", "The campaign that it belongs to.", path="coupon.campaign"),
        "redemption_date": Field("date", "When.", path="redeemed_on"),
    },
    feeds=(
        touch(
            "store",
            "redeemed",
            touch_id="concat_ws('/', 'redeemed', household_id, coupon_upc, campaign_id, redemption_date)",
            party_id="concat('coupons/', household_id)",
            at="cast(redemption_date as timestamp)",
            campaign_id="cast(campaign_id as string)",
            offer_code="coupon_upc",
        ),
        party(
            "concat('coupons/', household_id)",
            "coupons",
            known_as="concat('household/', household_id)",
            household_no="cast(household_id as string)",
        ),
    ),
    fresh_within=timedelta(days=32),
)

COUPONS = Source(
    name="coupons",
    doc="One row per product that a coupon of a campaign is good for.",
    path="coupons/coupons/*.csv.gz",
    format="csv",
    options={"sep": "\t"},
    key=("coupon_upc", "product_id", "campaign_id"),
    columns={
        "coupon_upc": Field("string", "The coupon."),
        "product_id": Field("bigint", "The product."),
        "campaign_id": Field("bigint", "The campaign."),
    },
    feeds=(
        Feed(
            to="silver.offers",
            columns={
                "kind": "'coupon'",
                "offer_code": "coupon_upc",
                "product_id": "cast(product_id as string)",
                "campaign_id": "cast(campaign_id as string)",
                "store_id": "''",
            },
        ),
    ),
    fresh_within=timedelta(days=60),
)

DEMOGRAPHICS = Source(
    name="demographics",
    doc="One row per household that a vendor knows: bands of age and income, who lives there.",
    path="crm/demographics/*.csv",
    format="csv",
    options={"sep": ";", "encoding": "iso-8859-1", "null": "n/a"},
    key=("household_id",),
    columns={
        "household_id": Field("bigint", "The household.", "pseudonymous"),
        "age": Field("string", "Age of its head, in bands.", "personal"),
        "income": Field("string", "Yearly income, in bands.", "sensitive"),
        "home_ownership": Field("string", "Whether the home is owned.", "personal"),
        "marital_status": Field("string", "Married or not.", "sensitive"),
        "household_size": Field("string", "How many live there; 5+ is the last band.", "personal"),
        "household_comp": Field("string", "Adults and children in words.", "personal"),
        "kids_count": Field("string", "How many children; 3+ is the last band.", "personal"),
    },
    rules=(OneOf(column="marital_status", values=("Married", "Unmarried"), severity="warning"),),
    feeds=(
        party(
            "concat('demographics/', household_id)",
            "demographics",
            known_as="concat('household/', household_id)",
            household_no="cast(household_id as string)",
            age_band="age",
            income_band="income",
            home_ownership="home_ownership",
            marital_status="marital_status",
            household_size="household_size",
            household_composition="household_comp",
            kids_count="kids_count",
        ),
    ),
    fresh_within=timedelta(days=366),
)

PRODUCTS = Source(
    name="products",
    doc="One row per product, from the product catalogue's export.",
    path="catalog/products/*.json",
    format="json",
    options={"records": "products"},
    key=("product_id",),
    columns={
        "product_id": Field("bigint", "The product."),
        "manufacturer_id": Field("bigint", "Who makes it."),
        "department": Field("string", "The department that sells it."),
        "brand": Field("string", "National, or the retailer's own (Private)."),
        "product_category": Field("string", "Its category.", path="category.name"),
        "product_type": Field("string", "The kind of thing.", path="category.type"),
        "package_size": Field("string", "Its size, as the supplier writes it."),
    },
    rules=(OneOf(column="brand", values=("National", "Private"), severity="warning"),),
    feeds=(
        Feed(
            to="silver.products",
            columns={
                "product_id": "cast(product_id as string)",
                "department": "department",
                "category": "product_category",
                "subcategory": "product_type",
                "brand_kind": "brand",
                "manufacturer_id": "cast(manufacturer_id as string)",
                "package_size": "package_size",
            },
        ),
    ),
    fresh_within=timedelta(days=366),
)

CAMPAIGNS = Source(
    name="campaigns",
    doc="One row per marketing campaign.",
    path="marketing/campaigns/*.csv",
    format="csv",
    key=("campaign_id",),
    columns={
        "campaign_id": Field("bigint", "The campaign."),
        "campaign_type": Field("string", "Type A, B or C."),
        "start_date": Field("date", "Its first day.", pattern="dd/MM/yyyy", required=True),
        "end_date": Field("date", "Its last day.", pattern="dd/MM/yyyy", required=True),
    },
    rules=(
        OneOf(column="campaign_type", values=("Type A", "Type B", "Type C")),
        Holds(condition="start_date <= end_date", otherwise="the campaign ends before it starts"),
    ),
    feeds=(
        Feed(
            to="silver.campaigns",
            columns={
                "campaign_id": "cast(campaign_id as string)",
                "kind": "campaign_type",
                "starts_on": "start_date",
                "ends_on": "end_date",
            },
        ),
    ),
    fresh_within=timedelta(days=60),
)

MAILINGS = Source(
    name="mailings",
    doc="One row per household that a campaign was mailed to. The file's name says when.",
    path="marketing/mailings/*.jsonl.gz",
    format="jsonl",
    key=("campaign_id", "household_id"),
    columns={
        "campaign_id": Field("bigint", "The campaign."),
        "household_id": Field("bigint", "Who was mailed.", "pseudonymous"),
    },
    feeds=(
        touch(
            "mail",
            "sent",
            touch_id="concat_ws('/', 'sent', campaign_id, household_id)",
            party_id="concat('mailings/', household_id)",
            at=r"try_cast(regexp_extract(_file, 'mailing_(\\d{4}-\\d{2}-\\d{2})', 1) as timestamp)",
            campaign_id="cast(campaign_id as string)",
        ),
        party(
            "concat('mailings/', household_id)",
            "mailings",
            known_as="concat('household/', household_id)",
            household_no="cast(household_id as string)",
        ),
    ),
    fresh_within=timedelta(days=60),
)
