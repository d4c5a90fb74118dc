"""What partners deliver: a data vendor, the statistical office, the marketplace and the recommendation programme.

Runbook. The vendor's demographics come once and then each January, all people that it knows; the areas of the
statistical office once a year, in fixed widths. The marketplace sends each day's orders as one JSON document, lines
within orders; it masks the buyer's address, the same way each time. Recommendations are CSV, by the month.
"""

from datetime import timedelta

from bronze.source import Feed, Field, Source
from bronze.sources.feeds import party, touch
from lakehouse.rules import Between, OneOf

DEMOGRAPHICS = Source(
    name="partners_demographics",
    doc="One row per adult that the vendor believes to live in our cities. What the newest file lacks is gone.",
    path="partners/demographics/*.csv",
    format="csv",
    options={"sep": ";", "encoding": "iso-8859-1", "null": "n/a"},
    key=("vendor_id",),
    columns={
        "vendor_id": Field("string", "The vendor's number of the person.", "pseudonymous"),
        "household_key": Field("string", "The vendor's number of the household.", "pseudonymous"),
        "name": Field("string", "Family name, given name.", "personal"),
        "address": Field("string", "Street and house.", "personal"),
        "postal_code": Field("string", "The postal code.", "personal"),
        "city": Field("string", "The city.", "personal"),
        "age_band": Field("string", "Age, in bands.", "personal"),
        "income_band": Field("string", "Yearly income of the household, in bands.", "sensitive"),
        "home_ownership": Field("string", "Whether the home is owned.", "personal"),
        "marital_status": Field("string", "Married or not.", "sensitive"),
        "household_size": Field("string", "How many live there; 5+ is the last band.", "personal"),
        "kids_count": Field("string", "How many children; 3+ is the last band.", "personal"),
    },
    rules=(OneOf(column="marital_status", values=("Married", "Unmarried"), severity="warning"),),
    feeds=(
        party(
            "concat('partners/', vendor_id)",
            "partners",
            full_name="name",
            street="address",
            city="city",
            postal_code="postal_code",
            household_no="household_key",
            age_band="age_band",
            income_band="income_band",
            home_ownership="home_ownership",
            marital_status="marital_status",
            household_size="household_size",
            kids_count="kids_count",
        ),
    ),
    fresh_within=timedelta(days=400),
    delivery="snapshot",
)

GEOGRAPHY = Source(
    name="partners_geography",
    doc="One row per area: the statistical office's numbers of a year. Bronze only: it is about areas.",
    path="partners/geography/*.txt",
    format="fixed",
    options={"encoding": "utf-8"},
    key=("area_code",),
    columns={
        "area_code": Field("string", "The area: country and number.", width=8),
        "name": Field("string", "The city.", width=24, required=True),
        "region": Field("string", "The state, county or land.", width=24),
        "country": Field("string", "The country.", width=2),
        "postal_prefix": Field("string", "What its postal codes begin with.", width=5),
        "inhabitants": Field("bigint", "How many live there.", width=11, thousands=","),
        "median_income": Field("int", "Yearly, in the country's currency.", width=9),
        "as_of": Field("date", "The day that the numbers are of.", width=10, required=True),
    },
    rules=(Between(column="inhabitants", low=0), OneOf(column="country", values=("US", "GB", "DE", "JP"))),
    fresh_within=timedelta(days=400),
    delivery="snapshot",
    snapshot_of="as_of",
)

MARKETPLACE_ORDERS = Source(
    name="partners_marketplace_orders",
    doc="One row per line of an order on the marketplace. The file holds orders, and lines within them.",
    path="partners/marketplace_orders/*.json",
    format="json",
    options={"records": "orders[].lines[]"},
    key=("order_no", "line_no"),
    columns={
        "order_no": Field("string", "The marketplace's order.", path="orders[].id"),
        "line_no": Field("int", "The line.", path="orders[].lines[].no"),
        "buyer_alias": Field(
            "string", "The masked address.", "pseudonymous", path="orders[].buyer.alias", required=True
        ),
        "ship_to": Field("string", "The name on the parcel.", "personal", path="orders[].buyer.ship_to"),
        "city": Field("string", "Where it goes.", "personal", path="orders[].buyer.city"),
        "sku": Field("string", "The product.", path="orders[].lines[].sku", required=True),
        "quantity": Field("int", "Units.", path="orders[].lines[].quantity", required=True),
        "unit_price": Field("decimal(10,2)", "The price of a unit.", path="orders[].lines[].price", required=True),
        "discount": Field("decimal(10,2)", "Off the whole line.", path="orders[].lines[].discount", required=True),
        "currency": Field("string", "The currency.", path="orders[].currency"),
        "ordered_at": Field("timestamp", "When.", path="orders[].placed", pattern="epoch_s", required=True),
    },
    rules=(Between(column="quantity", low=1), Between(column="unit_price", low=0), Between(column="discount", low=0)),
    feeds=(
        Feed(
            to="silver.order_lines",
            columns={
                "order_id": "concat('marketplace/', order_no)",
                "line_id": "cast(line_no as string)",
                "party_id": "concat('marketplace/', buyer_alias)",
                "product_id": "sku",
                "channel": "'marketplace'",
                "ordered_at": "ordered_at",
                "quantity": "quantity",
                "gross_amount": "quantity * unit_price",
                "discount_amount": "discount",
                "coupon_amount": "0",
                "net_amount": "quantity * unit_price - discount",
            },
        ),
        party("concat('marketplace/', buyer_alias)", "marketplace", full_name="ship_to", city="city"),
    ),
)

REFERRALS = Source(
    name="partners_referrals",
    doc="One row per recommendation: who recommended us to whom.",
    path="partners/referrals/*.csv",
    format="csv",
    key=("referral_id",),
    columns={
        "referral_id": Field("string", "The recommendation."),
        "referrer_email": Field("string", "Who recommends.", "personal", required=True),
        "referred_email": Field("string", "To whom.", "personal", required=True),
        "code": Field("string", "The code that the friend is given."),
        "referred_on": Field("date", "The day.", pattern="d/M/yy", from_year=2000, required=True),
    },
    feeds=(
        touch(
            "referral",
            "referred",
            touch_id="concat('partners/', referral_id)",
            party_id="concat('partners/email/', referrer_email)",
            offer_code="code",
            at="cast(referred_on as timestamp)",
        ),
        party("concat('partners/email/', referrer_email)", "partners", email="referrer_email"),
        party("concat('partners/email/', referred_email)", "partners", email="referred_email"),
    ),
    fresh_within=timedelta(days=40),
)
