"""Finance: the payment provider, the bank behind the store's card, and accounting.

Runbook. The provider settles each day, in a zipped CSV with amounts in cents and milliseconds since 1970; disputes
follow once a month. The bank sends the day's credit applications as Avro: it asks most and makes the fewest errors.
Accounting writes an XML file of the month's invoices to who ordered with an address at work.
"""

from datetime import timedelta

from bronze.source import Field, Source
from bronze.sources.feeds import party
from lakehouse.rules import Between, Holds, Matches, OneOf

MONEY = "decimal(12,2)"

CARD_TRANSACTIONS = Source(
    name="finance_card_transactions",
    doc="One row per payment by card, at a till or in the shop. The payments themselves are told by those.",
    path="finance/card_transactions/*.csv.gz",
    format="csv",
    key=("txn",),
    columns={
        "txn": Field("bigint", "The transaction."),
        "token": Field("string", "The provider's token of the card.", "pseudonymous", required=True),
        "scheme": Field("string", "VISA, MC, AMEX or JCB."),
        "holder": Field("string", "The name on the card, in capitals.", "personal"),
        "amount_minor": Field("bigint", "In cents.", required=True),
        "currency": Field("string", "The currency."),
        "receipt": Field("string", "The till's ticket or the shop's order."),
        "authorised_at": Field("timestamp", "When.", pattern="epoch_ms", required=True),
        "entry": Field("string", "chip or ecom."),
    },
    rules=(
        Between(column="amount_minor", low=0),
        OneOf(column="scheme", values=("VISA", "MC", "AMEX", "JCB")),
        OneOf(column="entry", values=("chip", "ecom"), severity="warning"),
    ),
    feeds=(party("concat('card/', token)", "card", full_name="holder"),),
)

CREDIT_APPLICATIONS = Source(
    name="finance_credit_applications",
    doc="One row per application for the store's card.",
    path="finance/credit_applications/*.avro",
    format="avro",
    key=("application_id",),
    columns={
        "application_id": Field("string", "The application.", "pseudonymous"),
        "first_name": Field("string", "Given name.", "personal"),
        "last_name": Field("string", "Family name.", "personal"),
        "birth_date": Field("date", "Birthday.", "personal", required=True),
        "email": Field("string", "An address.", "personal"),
        "phone": Field("string", "A number.", "personal"),
        "street": Field("string", "Street and house.", "personal"),
        "city": Field("string", "The city.", "personal"),
        "postal_code": Field("string", "The postal code.", "personal"),
        "country": Field("string", "The country.", "personal"),
        "income_band": Field("string", "Yearly income, in bands.", "sensitive"),
        "marital_status": Field("string", "Married or not.", "sensitive"),
        "home": Field("string", "Own or Rent.", "personal"),
        "decision": Field("string", "approved or declined.", "sensitive"),
        "applied_at": Field("timestamp", "When.", required=True),
    },
    rules=(
        OneOf(column="decision", values=("approved", "declined")),
        OneOf(column="marital_status", values=("Married", "Unmarried"), severity="warning"),
        Matches(column="email", pattern=r"[^@\s]+@[^@\s]+\.[^@\s]+", severity="warning"),
    ),
    feeds=(
        party(
            "concat('bank/', application_id)",
            "finance",
            given_name="first_name",
            family_name="last_name",
            born_on="birth_date",
            email="email",
            phone="phone",
            street="street",
            city="city",
            postal_code="postal_code",
            country="country",
            income_band="income_band",
            marital_status="marital_status",
            home_ownership="home",
        ),
    ),
    fresh_within=timedelta(days=14),
    new_columns="quarantine",  # what else the bank tells of a person is looked at before it is in a table
)

CHARGEBACKS = Source(
    name="finance_chargebacks",
    doc="One row per payment that a cardholder disputes. Bronze only: a dispute is no return.",
    path="finance/chargebacks/*.csv",
    format="csv",
    options={"sep": ";", "encoding": "latin-1"},
    key=("case",),
    columns={
        "case": Field("string", "The dispute."),
        "txn": Field("bigint", "The transaction.", required=True),
        "amount": Field(MONEY, "What is disputed.", decimal=",", required=True),
        "reason": Field("string", "The scheme's code."),
        "opened": Field("date", "When.", pattern="dd-MM-yyyy", required=True),
        "status": Field("string", "open, lost or won."),
    },
    rules=(Between(column="amount", low=0), OneOf(column="status", values=("open", "lost", "won"))),
    fresh_within=timedelta(days=40),
)

INVOICES = Source(
    name="finance_invoices",
    doc="One row per invoice to who ordered with an address at work.",
    path="finance/invoices/*.xml",
    format="xml",
    options={"row": "invoice"},
    key=("invoice_no",),
    columns={
        "invoice_no": Field("string", "The invoice.", path="@no"),
        "order": Field("string", "The order.", required=True),
        "company": Field("string", "The company.", path="customer.company"),
        "email": Field("string", "Where it was sent.", "personal", path="customer.email"),
        "net": Field(MONEY, "Without tax.", path="amounts.net", required=True),
        "tax": Field(MONEY, "The tax.", path="amounts.tax"),
        "gross": Field(MONEY, "What is to be paid.", path="amounts.gross", required=True),
        "issued": Field("date", "When.", pattern="dd.MM.yyyy", required=True),
    },
    rules=(Holds(condition="gross = net + tax", otherwise="gross is not net and tax together"),),
    feeds=(party("concat('invoice/', invoice_no)", "finance", email="email"),),
    fresh_within=timedelta(days=40),
)
