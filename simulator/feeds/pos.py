"""The tills: tickets and their lines, what they were paid with, what came back; who came in, and who booked a visit.

A till knows nobody. It knows a loyalty number when the card is shown, and the payment provider's token of a bank card.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds import names
from simulator.feeds.feed import Broken, ByteOrderMark, Empty, Late, NoFinalNewline, RawFeed, Recorded, Resent
from simulator.feeds.formats import Csv, FixedWidth, JsonLines, Xml
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import (
    card_tokens,
    epoch_s,
    hex_ids,
    letter_ids,
    moments,
    money,
    none_where,
    number_ids,
    picked,
    skus,
    stamped,
    store_numbers,
    words,
)
from simulator.warts import NEGATIVE, NO_HOUSEHOLD, TEXT, TOO_FEW, TOO_MANY, TORN_JSON
from simulator.world.config import OFFERS, STORE
from simulator.world.events import Columns
from simulator.world.randomness import Array, Ints

CHICAGO = "America/Chicago"  # the clock of the head office, which the tills' exports are on
TILLS, CASHIERS = 9, 40


def ticket_numbers(order_id: Ints) -> Ints:
    return number_ids(order_id, "pos ticket")


def loyalty_numbers(seen: Seen, columns: Columns) -> pa.Array:
    """Of who showed the card."""
    return none_where(~columns["is_member"], seen.person("loyalty_number", columns["person_id"]))


def tickets(seen: Seen) -> Recorded:
    sold = seen.events("orders", channel=STORE)
    order_id, person = sold["order_id"], sold["person_id"]
    offer = none_where(sold["offer"] == 0, words(sold["offer"], ("none", *(name.upper() for name in OFFERS))))
    columns = {
        "ticket_no": ticket_numbers(order_id),
        "store_no": store_numbers(sold["store_id"]),
        "till": 1 + seen.dice.below(TILLS, "pos: till", order_id),
        "cashier": picked(seen.dice, tuple(f"E{1000 + number}" for number in range(CASHIERS)), "pos: who", order_id),
        "sold_at": stamped(sold["at"], "%m/%d/%Y %I:%M %p", CHICAGO),
        "loyalty_no": loyalty_numbers(seen, sold),
        "lines": pa.array(sold["lines"]),
        "gross": money(sold["gross_cents"]),
        "discount": money(sold["discount_cents"]),
        "total": money(sold["total_cents"]),
        "offer": offer,
        "receipt": words(seen.dice.uniform("pos: receipt", order_id) < 0.3, ("paper", "e-mail")),
    }
    is_shown = pa.array(sold["is_member"])
    record_id = pc.if_else(is_shown, columns["loyalty_no"].cast("string"), None)
    return Recorded(sold["day"], columns, record_id=record_id, person_id=person)


def ticket_lines(seen: Seen) -> Recorded:
    lines, sold = seen.of_orders("order_lines", STORE)
    columns = {
        "ticket_no": ticket_numbers(lines["order_id"]),
        "line_no": pa.array(lines["line"]),
        "store_no": store_numbers(sold["store_id"]),
        "sold_at": epoch_s(lines["at"]),
        "loyalty_no": loyalty_numbers(seen, sold),
        "sku": skus(lines["product_id"]),
        "qty": pa.array(lines["quantity"]),
        "unit_price": money(lines["unit_price_cents"]),
        "discount": money(lines["discount_cents"]),
        "coupon": words(lines["is_coupon"], ("N", "Y")),
        "till_id": 1 + seen.dice.below(TILLS, "pos: till", lines["order_id"]),
    }
    return Recorded(lines["day"], columns)


def tenders(seen: Seen) -> Recorded:
    paid, sold = seen.of_orders("payments", STORE)
    is_card = paid["card_slot"] >= 0
    columns = {
        "ticket": ticket_numbers(paid["order_id"]),
        "store": store_numbers(sold["store_id"]),
        "paid_at": stamped(paid["at"], "%Y%m%d%H%M%S", CHICAGO),
        "kind": words(paid["tender"], ("CARD", "CASH", "WALT", "GIFT", "PNTS")),
        "amount": pa.array(paid["amount_cents"]),
        "card_token": card_tokens(paid["person_id"], paid["card_slot"]),
        "last_four": none_where(~is_card, four_digits(paid["person_id"] * 4 + paid["card_slot"], seen)),
    }
    return Recorded(paid["day"], columns, record_id=columns["card_token"], person_id=paid["person_id"])


def four_digits(numbers: Ints, seen: Seen) -> pa.Array:
    digits = pa.array(10_000 + seen.dice.below(10_000, "card: last four", numbers)).cast("string")
    return pc.utf8_slice_codeunits(digits, 1, 5)


def returns(seen: Seen) -> Recorded:
    back = seen.batch.tables["returns"]
    back = {name: values[seen.is_store_order(back["order_id"])] for name, values in back.items()}
    no = letter_ids(back["order_id"] * 256 + back["line"], "pos return", "R")
    columns = {
        "@id": no,
        "@ticket": ticket_numbers(back["order_id"]),
        "@line": pa.array(back["line"]),
        "sku": skus(back["product_id"]),
        "quantity": pa.array(back["quantity"]),
        "refund.@currency": pa.array(["USD"] * len(no), pa.string()),
        "refund.#text": money(back["amount_cents"]),
        "reason": words(back["reason"], ("unwanted", "damaged", "wrong item", "size")),
        "returned_at": stamped(back["at"], "%d.%m.%Y %H:%M:%S", CHICAGO),
    }
    return Recorded(back["day"], columns)


def store_visits(seen: Seen) -> Recorded:
    """Phones that the store's network knows: the device of who was there."""
    came = seen.events("store_visits", kind=0)
    key = came["person_id"] * 8
    columns = {
        "visit": hex_ids(came["person_id"] << 20 | came["day"], "store visit"),
        "store": store_numbers(came["store_id"]),
        "seen_at": came["at"] // 1_000,
        "network.device": hex_ids(key, "store network"),
        "network.signal_dbm": -90 + seen.dice.below(50, "pos: signal", key, came["day"]),
        "minutes": 2 + seen.dice.below(38, "pos: minutes", key, came["day"]),
    }
    minute = seen.minute(came)
    record_id = pc.if_else(no_doubles(columns["network.device"]), columns["network.device"], None)
    return Recorded(came["day"], columns, minute, record_id, came["person_id"])


def no_doubles(texts: pa.Array) -> pa.Array:
    """Whether each is the first of its kind."""
    encoded = texts.dictionary_encode().indices.to_numpy()
    first: Array = np.zeros(len(texts), dtype=bool)
    first[np.unique(encoded, return_index=True)[1]] = True
    return pa.array(first)


def appointments(seen: Seen) -> Recorded:
    """Booked by telephone: a name and a number as they were heard."""
    came = seen.events("store_visits", kind=1)
    person, day = came["person_id"], came["day"]
    columns = {
        "appointment": hex_ids(person << 20 | day, "appointment", "apt-"),
        "store": store_numbers(came["store_id"]),
        "starts_at": moments(came["at"]),
        "customer.name": names.full_names(seen, "pos", person, day, last_first=True),
        "customer.phone": names.phones(seen, "pos", person, day, call_centre=0.03),
        "service": picked(seen.dice, ("fitting", "advice", "repair", "collection"), "pos: service", person, day),
    }
    return Recorded(day, columns, seen.minute(came), columns["appointment"], person)


FEEDS = (
    RawFeed(
        name="pos_tickets",
        path="pos/tickets/tickets_{at:%Y-%m-%d}.csv",
        form=Csv(newline="\r\n"),
        record=tickets,
        wrong=(
            Broken(
                8, ((TOO_FEW, "9204415,118,4"), (TEXT, "9204416,118,4,E1003,01/09/2024 02:11 PM,,two,1.00,0,1.00,,"))
            ),
            ByteOrderMark(16),
            Resent(23),
            Late(37),
        ),
    ),
    RawFeed(
        name="pos_ticket_lines",
        path="pos/ticket_lines/ticket_lines_{at:%Y%m%d}.csv.gz",
        form=Csv(sep="|"),
        record=ticket_lines,
        since={"till_id": 45},
        wrong=(
            Broken(
                12,
                (
                    (TOO_MANY, "9204420|1|118|1705070000||P100001|1|2.09|0.00|N|||"),
                    (NEGATIVE, "9204420|2|118|1705070000||P100002|-2|2.09|0.00|N"),
                    (NO_HOUSEHOLD, "|3|118|1705070000||P100002|2|2.09|0.00|N"),
                ),
            ),
            Resent(30, after=6),
            Empty(41),
        ),
    ),
    RawFeed(
        name="pos_tenders",
        path="pos/tenders/TENDER.D{at:%y%j}.txt",
        form=FixedWidth(
            {"ticket": 14, "store": 4, "paid_at": 14, "kind": 4, "amount": 12, "card_token": 20, "last_four": 4}
        ),
        record=tenders,
        wrong=(Broken(19, ((TOO_FEW, "      99204433 118"),)), NoFinalNewline(26)),
    ),
    RawFeed(
        name="pos_returns",
        path="pos/returns/returns_{at:%Y-%m-%d}.xml",
        form=Xml(root="returns", row="return", encoding="iso-8859-1"),
        record=returns,
        wrong=(Resent(33, after=2),),
    ),
    RawFeed(
        name="pos_store_visits",
        path="pos/store_visits/visits_{at:%Y%m%dT%H}.jsonl",
        form=JsonLines(),
        record=store_visits,
        every="hour",
        wrong=(Broken(15, ((TORN_JSON, '{"visit":"0a77be21","store":11'),)),),
    ),
    RawFeed(
        name="pos_appointments",
        path="pos/appointments/appointments_{at:%Y%m%dT%H%M}.jsonl",
        form=JsonLines(),
        record=appointments,
        every="minute",
    ),
)
