"""Finance: the payment provider's transactions and disputes, the bank's credit applications, invoices to businesses."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds import names
from simulator.feeds.feed import Broken, Late, NoFinalNewline, RawFeed, Recorded, Resent
from simulator.feeds.formats import Avro, Csv, Xml
from simulator.feeds.loyalty import receipts
from simulator.feeds.seen import Seen
from simulator.feeds.shop import order_numbers
from simulator.feeds.spelling import (
    card_tokens,
    dates,
    letter_ids,
    money,
    number_ids,
    picked,
    stamped,
    with_comma,
    words,
)
from simulator.feeds.texts import joined
from simulator.warts import NEGATIVE, TEXT, TOO_FEW, TOO_MANY
from simulator.world.config import APP, STORE, WEB
from simulator.world.randomness import Ints

CARD = 0
DENVER = "America/Denver"
SCHEMES = ("VISA", "MC", "AMEX", "JCB")
INCOMES = ("<25k", "25-50k", "50-75k", "75-100k", "100k+")


def transaction_numbers(order_id: Ints) -> Ints:
    return number_ids(order_id, "card transaction")


def card_transactions(seen: Seen) -> Recorded:
    """What was paid by card, in any channel but marketplaces. The provider knows a token, and the name on the card."""
    paid, _ = seen.of_orders("payments", STORE, WEB, APP)
    paid = {name: values[paid["tender"] == CARD] for name, values in paid.items()}
    order_id, who, day = paid["order_id"], paid["person_id"], paid["day"]
    key = who * 4 + paid["card_slot"]
    given, family = names.names(seen, "card", who, day)
    columns = {
        "txn": transaction_numbers(order_id),
        "token": card_tokens(who, paid["card_slot"]),
        "scheme": picked(seen.dice, SCHEMES, "card: scheme", key),
        "holder": pc.utf8_upper(joined([given, " ", family], "")),
        "amount_minor": pa.array(paid["amount_cents"]),
        "currency": words(day * 0, ("USD",)),
        "receipt": receipts(seen, order_id),
        "authorised_at": paid["at"] // 1_000,
        "entry": words(seen.is_store_order(order_id), ("ecom", "chip")),
        "3ds": words(seen.dice.uniform("card: 3ds", order_id) < 0.4, ("N", "Y")),
    }
    return Recorded(day, columns, record_id=columns["token"], person_id=who)


def credit_applications(seen: Seen) -> Recorded:
    """Who applied for the store's card: the bank asks more than any other system, and writes it down with more care."""
    asked = seen.events("signups", kind=4)
    who, day = asked["person_id"], asked["day"]
    given, family = names.names(seen, "bank", who, day)
    address = seen.address(who, day)
    key = who << 16 | 1
    is_married = (seen.person("role", who).to_numpy(zero_copy_only=False) == "partner") | (
        seen.dice.uniform("bank: married", who) < 0.3
    )
    columns = {
        "application_id": letter_ids(key, "credit application", "CA"),
        "first_name": given,
        "last_name": family,
        "birth_date": dates(seen.known.born_day[seen.place(who)]),
        "email": names.emails(seen, "bank", who, asked["email_slot"], unknown=0.0),
        "phone": names.phones(seen, "bank", who, day, call_centre=0.0),
        "street": address["line_1"],
        "city": address["city"],
        "postal_code": address["postal_code"],
        "country": address["country"],
        "income_band": picked(seen.dice, INCOMES, "bank: income", who),
        "marital_status": words(is_married, ("Unmarried", "Married")),
        "home": words(seen.dice.uniform("bank: home", who) < 0.55, ("Rent", "Own")),
        "decision": words(seen.dice.uniform("bank: decision", who) < 0.7, ("declined", "approved")),
        "applied_at": pa.array(asked["at"]).cast(pa.timestamp("us", "UTC")),
    }
    return Recorded(seen.file_day(day), columns, record_id=columns["application_id"], person_id=who)


def chargebacks(seen: Seen) -> Recorded:
    disputed = seen.batch.tables["chargebacks"]
    order_id = disputed["order_id"]
    columns = {
        "case": letter_ids(order_id, "chargeback", "CB"),
        "txn": transaction_numbers(order_id),
        "amount": with_comma(money(disputed["amount_cents"])),
        "reason": picked(seen.dice, ("10.4", "13.1", "13.3", "12.6"), "card: dispute", order_id),
        "opened": stamped(disputed["at"], "%d-%m-%Y", "UTC"),
        "status": picked(seen.dice, ("open", "lost", "won"), "card: outcome", order_id),
    }
    return Recorded(disputed["day"], columns)


def invoices(seen: Seen) -> Recorded:
    """To who ordered with an address at work, with the company that it is of."""
    sold = seen.events("orders", channel=(WEB, APP), email_slot=2)
    order_id, who = sold["order_id"], sold["person_id"]
    email = seen.email(who, 2)
    net = np.round(sold["total_cents"] / 1.19).astype(np.int64)
    columns = {
        "@no": joined(["RE-", pa.array(number_ids(order_id, "invoice")).cast("string")], ""),
        "order": order_numbers(order_id),
        "customer.company": pc.utf8_capitalize(pc.replace_substring_regex(email, r"^.*@([^.]*)\..*$", r"\1")),
        "customer.email": email,
        "amounts.net": money(net),
        "amounts.tax": money(sold["total_cents"] - net),
        "amounts.gross": money(sold["total_cents"]),
        "issued": stamped(sold["at"], "%d.%m.%Y", "Europe/Berlin"),
    }
    return Recorded(sold["day"], columns, record_id=columns["@no"], person_id=who)


FEEDS = (
    RawFeed(
        name="finance_card_transactions",
        path="finance/card_transactions/settlement_{at:%Y%m%d}.csv.gz",
        form=Csv(sep=",", encoding="utf-8"),
        record=card_transactions,
        since={"3ds": 25},
        wrong=(
            Broken(
                6,
                (
                    (TOO_FEW, "TRAILER,1204"),
                    (NEGATIVE, "1,tok_0,VISA,NO NAME,-100,USD,,1704600000000,ecom"),
                    (TEXT, "2,tok_0,VISA,NO NAME,12 dollars,USD,,1704600000000,ecom"),
                ),
            ),
            Resent(28),
        ),
    ),
    RawFeed(
        name="finance_credit_applications",
        path="finance/credit_applications/applications_{at:%Y-%m-%d}.avro",
        form=Avro("Application"),
        record=credit_applications,
        wrong=(Resent(0, after=2),),
    ),
    RawFeed(
        name="finance_chargebacks",
        path="finance/chargebacks/chargebacks_{at:%Y-%m}.csv",
        form=Csv(sep=";", encoding="latin-1", newline="\r\n"),
        record=chargebacks,
        every="month",
        wrong=(Broken(31, ((TOO_MANY, "CB0;1;1,00;10.4;01-02-2024;open;;"),)), NoFinalNewline(31)),
    ),
    RawFeed(
        name="finance_invoices",
        path="finance/invoices/invoices_{at:%Y-%m}.xml",
        form=Xml(root="invoices", row="invoice", encoding="iso-8859-1"),
        record=invoices,
        every="month",
        wrong=(Late(0, by=4),),
    ),
)
