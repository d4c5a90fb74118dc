"""The web shop, which the app sells through as well: accounts, orders of accounts and of guests, what they become."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds import names
from simulator.feeds.changes import DELETE, profile_changes
from simulator.feeds.feed import Broken, ByteOrderMark, Empty, Late, NoFinalNewline, RawFeed, Recorded, Resent
from simulator.feeds.formats import Avro, Csv, JsonLines, Parquet, Xml
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import (
    campaign_codes,
    card_tokens,
    epoch_ms,
    hex_ids,
    letter_ids,
    moments,
    money,
    none_where,
    number_ids,
    picked,
    skus,
    stamped,
    uuids,
    with_comma,
    words,
)
from simulator.feeds.texts import joined
from simulator.warts import NOT_JSON, TOO_FEW, TOO_MANY, TORN_JSON
from simulator.world.config import APP, NEVER, STORE, WEB
from simulator.world.randomness import Array, Ints

BERLIN = "Europe/Berlin"  # the shop's servers are there
SECOND_ACCOUNT = 0.06  # of the accounts: opened again with another address
LIKES = (
    "Great, would buy again.",
    "Does what it should.",
    'Nice; the box was "open" though.',
    "Good value\nfor money.",
)
DISLIKES = ("Broke after a week.", "Not as described; sent it back.", "Too small.\nToo dear, too.")


def order_numbers(order_id: Ints) -> pa.Array:
    return letter_ids(order_id, "shop order", "SO-")


def customer_numbers(person_id: Ints, account: Array | int = 0) -> Ints:
    return number_ids(person_id * 4 + account, "shop customer")


def customers(seen: Seen) -> Recorded:
    person = seen.traits.people.person_id
    first = seen.batch.account_day
    second = np.where(
        (first < NEVER) & (seen.dice.uniform("shop: second account", person) < SECOND_ACCOUNT),
        first + 90 + seen.dice.below(200, "shop: second account on", person),
        NEVER,
    )
    found = [profile_changes(seen, "shop", first, 0.02), profile_changes(seen, "shop, second", second, 0.01)]
    who, day, file_day, at, kind = (
        np.concatenate([getattr(each, name) for each in found])
        for name in ("person_id", "day", "file_day", "at", "kind")
    )
    account = np.repeat([0, 1], [len(each.at) for each in found])
    order = np.lexsort([who, at])
    who, day, file_day, at, kind, account = (c[order] for c in (who, day, file_day, at, kind, account))
    given, family = names.names(seen, "shop", who, day)
    is_gone = kind == DELETE
    number = customer_numbers(who, account)
    address = seen.address(who, day)
    after = {
        "email": names.emails(seen, "shop", who, account, unknown=0.0),
        "first_name": given,
        "last_name": family,
        "phone": none_where(seen.dice.uniform("shop: phone", who) < 0.4, names.phones(seen, "shop", who, day)),
        "address.street": address["line_1"],
        "address.city": address["city"],
        "address.zip": address["postal_code"],
        "address.country": address["country"],
    }
    columns = {"op": words(kind, ("c", "u", "d")), "lsn": at // 1_000, "key.id": number, "ts_ms": epoch_ms(at)}
    columns |= {f"after.{name}": none_where(is_gone, value) for name, value in after.items()}
    record_id = none_where(kind != 0, pa.array(number).cast("string"))
    return Recorded(file_day, columns, record_id=record_id, person_id=who)


def customer_of_order(orders: dict[str, Array]) -> pa.Array:
    return pa.array(customer_numbers(orders["person_id"]), mask=orders["is_guest"])


def orders(seen: Seen) -> Recorded:
    """An order of a guest has the name and address that was typed for it: a record of its own."""
    sold = seen.events("orders", channel=(WEB, APP))
    order_id, person, day = sold["order_id"], sold["person_id"], sold["day"]
    given, family = names.names(seen, "shop", person, day)
    address = seen.address(person, day)
    number = order_numbers(order_id)
    columns = {
        "Bestellnummer": number,
        "Kundennummer": customer_of_order(sold),
        "Kanal": words(sold["channel"], ("", "Web", "App", "")),
        "Bestelldatum": stamped(sold["at"], "%d.%m.%Y %H:%M:%S", BERLIN),
        "Email": names.emails(seen, "shop checkout", person, sold["email_slot"]),
        "Vorname": given,
        "Nachname": family,
        "Strasse": address["line_1"],
        "Ort": address["city"],
        "PLZ": address["postal_code"],
        "Land": address["country"],
        "Telefon": none_where(seen.dice.uniform("shop: phone", person) < 0.4, names.phones(seen, "shop", person, day)),
        "Warenwert": with_comma(money(sold["gross_cents"]), "."),
        "Rabatt": with_comma(money(sold["discount_cents"]), "."),
        "Versand": with_comma(money(sold["shipping_cents"]), "."),
        "Gesamt": with_comma(money(sold["total_cents"]), "."),
        "Aktion": none_where(sold["offer"] == 0, campaign_codes(sold["campaign_id"])),
        "Sitzung": hex_ids(sold["visit_id"], "shop session"),
        "Affiliate": none_where(seen.dice.uniform("shop: affiliate", order_id) < 0.9, pa.array(["aff"] * len(day))),
    }
    return Recorded(day, columns, record_id=number, person_id=person)


def order_lines(seen: Seen) -> Recorded:
    lines, sold = seen.of_orders("order_lines", WEB, APP)
    columns = {
        "order_no": order_numbers(lines["order_id"]),
        "position": pa.array(lines["line"]),
        "customer_no": customer_of_order(sold),
        "ordered_at": pa.array(lines["at"]).cast(pa.timestamp("us", "UTC")),
        "channel": words(sold["channel"], ("store", "web", "app", "marketplace")),
        "sku": skus(lines["product_id"]),
        "units": pa.array(lines["quantity"]),
        "unit_price": money(lines["unit_price_cents"]),
        "discount": money(lines["discount_cents"]),
        "is_coupon": pa.array(lines["is_coupon"]),
    }
    return Recorded(lines["day"], columns)


def payments(seen: Seen) -> Recorded:
    paid, _ = seen.of_orders("payments", WEB, APP)
    key = paid["order_id"] * 8 + paid["tender"]
    columns = {
        "id": uuids(key, "shop payment"),
        "order": order_numbers(paid["order_id"]),
        "method": words(paid["tender"], ("card", "cash", "wallet", "gift_card", "points")),
        "amount.value": pa.array(paid["amount_cents"]),
        "amount.currency": pa.array(["USD"] * len(key), pa.string()),
        "card.token": card_tokens(paid["person_id"], paid["card_slot"]),
        "created": epoch_ms(paid["at"]),
        "risk_score": seen.dice.below(100, "shop: risk", key),
    }
    return Recorded(paid["day"], columns, record_id=columns["card.token"], person_id=paid["person_id"])


def refunds(seen: Seen) -> Recorded:
    back = seen.batch.tables["returns"]
    back = {name: values[np.isin(seen.sales_channel(back["order_id"]), (WEB, APP))] for name, values in back.items()}
    columns = {
        "@id": letter_ids(back["order_id"] * 256 + back["line"], "shop refund", "RF"),
        "order": order_numbers(back["order_id"]),
        "position": pa.array(back["line"]),
        "sku": skus(back["product_id"]),
        "units": pa.array(back["quantity"]),
        "amount": money(back["amount_cents"]),
        "reason": words(back["reason"], ("UNWANTED", "DAMAGED", "WRONG_ITEM", "SIZE")),
        "refunded_at": moments(back["at"]),
    }
    return Recorded(back["day"], columns)


def carts(seen: Seen) -> Recorded:
    """What was put into the cart of a visit, as one cart with its items."""
    put = seen.batch.tables["carts"]
    order = np.lexsort([put["at"], put["visit_id"], put["day"]])
    put = {name: values[order] for name, values in put.items()}
    first = np.flatnonzero(np.diff(put["visit_id"], prepend=-1))
    items = joined(
        ['{"sku":"', skus(put["product_id"]), '","qty":', pa.array(put["quantity"]).cast("string"), ',"added":',
         epoch_ms(put["at"]).cast("string"), "}"], "",
    )  # fmt: skip
    offsets = pa.array([*first.tolist(), len(items)], pa.int32())
    of_cart = pa.ListArray.from_arrays(offsets, items)
    one = {name: values[first] for name, values in put.items()}
    units = np.diff([*first.tolist(), len(items)])
    columns = {
        "cart": uuids(one["visit_id"], "shop cart"),
        "session": hex_ids(one["visit_id"], "shop session"),
        "status": words(one["status"], ("ordered", "abandoned")),
        "updated": moments(one["at"], "ms"),
        "item_count": units,
        "items": joined(["[", pc.binary_join(of_cart, ","), "]"], "").cast(pa.binary()),
    }
    return Recorded(one["day"], columns, record_id=columns["session"], person_id=one["person_id"], holds=units)


def wishlists(seen: Seen) -> Recorded:
    wished = seen.batch.tables["wishlists"]
    columns = {
        "wish_id": hex_ids(wished["visit_id"] << 12 | wished["product_id"], "shop wish"),
        "session": hex_ids(wished["visit_id"], "shop session"),
        "customer_no": pa.array(
            customer_numbers(wished["person_id"]),
            mask=seen.batch.account_day[seen.place(wished["person_id"])] > wished["day"],
        ),
        "sku": skus(wished["product_id"]),
        "added_at": pa.array(wished["at"]).cast(pa.timestamp("us", "UTC")),
    }
    return Recorded(wished["day"], columns, record_id=columns["session"], person_id=wished["person_id"])


def reviews(seen: Seen) -> Recorded:
    said = seen.events("surveys", kind=2)
    key, person, day = said["survey_id"], said["person_id"], said["day"]
    given, family = names.names(seen, "shop", person, day)
    text = pc.if_else(
        pa.array(said["score"] > 3), picked(seen.dice, LIKES, "shop: review", key),
        picked(seen.dice, DISLIKES, "shop: review", key),
    )  # fmt: skip
    columns = {
        "review_id": letter_ids(key, "shop review"),
        "order_no": order_numbers(said["order_id"]),
        "sku": skus(said["product_id"]),
        "stars": pa.array(said["score"]),
        "author": joined([given, " ", pc.utf8_slice_codeunits(family, 0, 1), "."], ""),
        "text": text,
        "written_at": stamped(said["at"], "%Y-%m-%d %H:%M:%S", BERLIN),
    }
    return Recorded(day, columns, record_id=columns["review_id"], person_id=person)


def gift_cards(seen: Seen) -> Recorded:
    """A gift card that was paid with, in the shop or at a till: the shop keeps the balances."""
    used, _ = seen.of_orders("payments", STORE, WEB, APP)
    used = {name: values[used["tender"] == 3] for name, values in used.items()}
    key = used["order_id"]
    left = seen.dice.below(5, "shop: gift card", key) * 1_000
    columns = {
        "card_no": number_ids(key, "gift card"),
        "used_at": used["at"] // 1_000_000,
        "amount": money(used["amount_cents"]),
        "balance": money(left),
        "currency": pa.array(["USD"] * len(key), pa.string()),
        "bought_by": none_where(
            seen.dice.uniform("shop: giver known", key) < 0.5, names.emails(seen, "gift card", used["person_id"], 0)
        ),
    }
    return Recorded(used["day"], columns)


FEEDS = (
    RawFeed(
        name="shop_customers",
        path="shop/customers/customers_{at:%Y-%m-%d}.jsonl",
        form=JsonLines(),
        record=customers,
        wrong=(Broken(0, ((NOT_JSON, "-- snapshot complete --"),)), Resent(5)),
    ),
    RawFeed(
        name="shop_orders",
        path="shop/orders/Bestellungen_{at:%d-%m-%Y}.csv",
        form=Csv(sep=";", encoding="cp1252", newline="\r\n"),
        record=orders,
        since={"Affiliate": 35},
        wrong=(
            Broken(9, ((TOO_FEW, "SO-0000000000001;;Web;09.01.2024"), (TOO_MANY, "SO-0000000000002;" + ";" * 24))),
            Late(21, by=5),
        ),
    ),
    RawFeed(
        name="shop_order_lines",
        path="shop/order_lines/lines_{at:%Y%m%d}.parquet",
        form=Parquet(),
        record=order_lines,
        wrong=(Resent(14),),
    ),
    RawFeed(
        name="shop_payments",
        path="shop/payments/payments_{at:%Y-%m-%d}.jsonl.gz",
        form=JsonLines(skip_null=True),
        record=payments,
        since={"risk_score": 50},
        wrong=(Broken(11, ((TORN_JSON, '{"id":"0f0e-4d'),)),),
    ),
    RawFeed(
        name="shop_refunds",
        path="shop/refunds/refunds_{at:%Y-%m-%d}.xml",
        form=Xml(root="refunds", row="refund"),
        record=refunds,
    ),
    RawFeed(
        name="shop_carts",
        path="shop/carts/carts_{at:%Y-%m-%d}.jsonl",
        form=JsonLines(),
        record=carts,
    ),
    RawFeed(
        name="shop_wishlists",
        path="shop/wishlists/wishlists_{at:%Y-%m-%d}.avro",
        form=Avro("Wish"),
        record=wishlists,
    ),
    RawFeed(
        name="shop_reviews",
        path="shop/reviews/reviews_{at:%Y-%m}.csv",
        form=Csv(quote_all=True),
        record=reviews,
        every="month",
        wrong=(ByteOrderMark(0),),
    ),
    RawFeed(
        name="shop_gift_cards",
        path="shop/gift_cards/gift_cards_{at:%Y-%m-%d}.psv",
        form=Csv(sep="|", null="NULL"),
        record=gift_cards,
        wrong=(NoFinalNewline(17), Empty(18)),
    ),
)
