"""The carriers: parcels with the name, address and number on the label, and what becomes of them."""

import numpy as np
import pyarrow as pa

from simulator.feeds import names
from simulator.feeds.feed import Broken, ByteOrderMark, Late, RawFeed, Recorded, Resent
from simulator.feeds.formats import Csv, JsonLines, Xml
from simulator.feeds.seen import Seen
from simulator.feeds.shop import order_numbers
from simulator.feeds.spelling import dates, epoch_s, letter_ids, money, number_ids, picked, stamped, words
from simulator.feeds.texts import joined
from simulator.warts import NOT_JSON, TEXT, TOO_MANY
from simulator.world.randomness import Ints
from simulator.world.service import DELAYED, DELIVERED, IS_DAMAGED, IS_LOST, SHIPPED

CARRIERS = ("NorthPost", "Pelican", "Wheelworks")
LOS_ANGELES = "America/Los_Angeles"


def parcel_numbers(order_id: Ints) -> pa.Array:
    return joined(["1Z", pa.array(10**13 + number_ids(order_id, "parcel")).cast("string")], "")


def shipments(seen: Seen) -> Recorded:
    """A manifest of each parcel that was handed over, with what is in it."""
    sent = seen.events("shipments", status=SHIPPED)
    order_id, who, day = sent["order_id"], sent["person_id"], sent["day"]
    address = seen.address(who, day)
    items = 1 + seen.dice.below(3, "logistics: boxes", order_id) // 2
    both = parcel_json(seen, order_id, 0)
    second = pa.array(np.where(items > 1, 1, 0) > 0)
    parcels = joined(
        ["[", both, pa.compute.if_else(second, joined([",", parcel_json(seen, order_id, 1)], ""), ""), "]"], ""
    )
    columns = {
        "shipment": letter_ids(order_id, "shipment", "SH"),
        "order": order_numbers(order_id),
        "carrier": words(sent["carrier"], CARRIERS),
        "consignee.name": names.full_names(seen, "logistics", who, day),
        "consignee.street": address["line_1"],
        "consignee.city": address["city"],
        "consignee.postcode": address["postal_code"],
        "consignee.country": address["country"],
        "consignee.phone": names.phones(seen, "logistics", who, day, call_centre=0.05),
        "promised_on": dates(sent["promised_day"]),
        "shipped_at": epoch_s(sent["at"]),
        "parcels": parcels.cast(pa.binary()),
    }
    return Recorded(day, columns, record_id=columns["shipment"], person_id=who, holds=items)


def parcel_json(seen: Seen, order_id: Ints, number: int) -> pa.Array:
    tracking = parcel_numbers(order_id)
    grams = pa.array(200 + seen.dice.below(9_000, "logistics: weight", order_id, number)).cast("string")
    return joined(['{"tracking":"', tracking, f'-{number + 1}","grams":', grams, "}"], "")


def deliveries(seen: Seen) -> Recorded:
    came = seen.events("shipments", status=DELIVERED)
    order_id = came["order_id"]
    columns = {
        "tracking": joined([parcel_numbers(order_id), "-1"], ""),
        "carrier": words(came["carrier"], CARRIERS),
        "delivered_at": stamped(came["at"], "%m/%d/%Y %H:%M", LOS_ANGELES),
        "left_with": picked(seen.dice, ("recipient", "neighbour", "locker", "porch"), "logistics: left", order_id),
        "late": words(came["day"] > came["promised_day"], ("0", "1")),
        "photo": words(seen.dice.uniform("logistics: photo", order_id) < 0.5, ("0", "1")),
    }
    return Recorded(came["day"], columns)


def exceptions(seen: Seen) -> Recorded:
    failed = seen.events("shipments", status=(DELAYED, IS_DAMAGED, IS_LOST))
    order_id = failed["order_id"]
    columns = {
        "@id": letter_ids(order_id * 8 + failed["status"], "logistics exception", "EX"),
        "tracking": joined([parcel_numbers(order_id), "-1"], ""),
        "carrier": words(failed["carrier"], CARRIERS),
        "event.@code": words(failed["status"], ("", "DLY", "DMG", "", "LST")),
        "event.at": stamped(failed["at"], "%Y-%m-%dT%H:%M:%S", LOS_ANGELES),
        "claim": money(np.where(failed["status"] == DELAYED, 0, 2_500)),
    }
    return Recorded(failed["day"], columns)


FEEDS = (
    RawFeed(
        name="logistics_shipments",
        path="logistics/shipments/manifest_{at:%Y%m%d}.jsonl",
        form=JsonLines(),
        record=shipments,
        wrong=(Broken(10, ((NOT_JSON, "HTTP/1.1 502 Bad Gateway"),)), Resent(25)),
    ),
    RawFeed(
        name="logistics_deliveries",
        path="logistics/deliveries/pod_{at:%Y-%m-%d}.tsv",
        form=Csv(sep="\t"),
        record=deliveries,
        since={"photo": 30},
        wrong=(
            Broken(12, ((TOO_MANY, "1Z1\tNorthPost\t\t\t0\t\t\t"), (TEXT, "1Z2\tNorthPost\tyesterday\tporch\t0"))),
            ByteOrderMark(18),
            Late(22, by=7),
        ),
    ),
    RawFeed(
        name="logistics_exceptions",
        path="logistics/exceptions/exceptions_{at:%Y-%m-%d}.xml",
        form=Xml(root="exceptions", row="exception"),
        record=exceptions,
    ),
)
