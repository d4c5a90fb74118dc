"""The carriers, by way of the logistics hub in Los Angeles.

Runbook. The hub hands over a manifest of each day's parcels (a shipment may have two), the proofs of delivery and what
went wrong. Proofs and exceptions are on Los Angeles' clock, manifests have seconds since 1970. All of it is there at
09:00 UTC of the day after; a day of proofs has come a week late before. Labels name people with
errors of the label printer's own. An order of an account and of a guest look the same to the hub: a shipment is a party
that names no other.
"""

from datetime import timedelta

from bronze.source import Field, Source
from bronze.sources.feeds import party
from lakehouse.rules import Between, OneOf

CARRIERS = ("NorthPost", "Pelican", "Wheelworks")
LOS_ANGELES = "America/Los_Angeles"

SHIPMENTS = Source(
    name="logistics_shipments",
    doc="One row per parcel that was handed to a carrier, with what the label says.",
    path="logistics/shipments/*.jsonl",
    format="jsonl",
    options={"records": "parcels[]"},
    key=("tracking",),
    columns={
        "shipment": Field("string", "The shipment.", required=True),
        "order": Field("string", "The order; a marketplace's has a number of ours as well."),
        "carrier": Field("string", "Who takes it."),
        "name": Field("string", "To whom.", "personal", path="consignee.name"),
        "street": Field("string", "Street and house.", "personal", path="consignee.street"),
        "city": Field("string", "The city.", "personal", path="consignee.city"),
        "postcode": Field("string", "The postal code.", "personal", path="consignee.postcode"),
        "country": Field("string", "The country.", "personal", path="consignee.country"),
        "phone": Field("string", "For the driver; some are the call centre's own.", "personal", path="consignee.phone"),
        "promised_on": Field("date", "The day that was promised.", required=True),
        "shipped_at": Field("timestamp", "When it was handed over.", pattern="epoch_s", required=True),
        "tracking": Field("string", "The parcel.", path="parcels[].tracking"),
        "grams": Field("int", "Its weight.", path="parcels[].grams"),
    },
    rules=(OneOf(column="carrier", values=CARRIERS), Between(column="grams", low=1, severity="warning")),
    feeds=(
        party(
            "concat('logistics/', shipment)",
            "logistics",
            full_name="name",
            phone="phone",
            street="street",
            city="city",
            postal_code="postcode",
            country="country",
        ),
    ),
)

DELIVERIES = Source(
    name="logistics_deliveries",
    doc="One row per proof of delivery. Bronze only: it is about a parcel, and names nobody.",
    path="logistics/deliveries/*.tsv",
    format="csv",
    options={"sep": "\t"},
    key=("tracking",),
    columns={
        "tracking": Field("string", "The parcel."),
        "carrier": Field("string", "Who brought it."),
        "delivered_at": Field("timestamp", "When.", pattern="MM/dd/yyyy HH:mm", required=True),
        "left_with": Field("string", "Who took it.", "personal"),
        "late": Field("boolean", "After the day that was promised.", truth=("1", "0"), required=True),
    },
    rules=(
        OneOf(column="carrier", values=CARRIERS),
        OneOf(column="left_with", values=("recipient", "neighbour", "locker", "porch"), severity="warning"),
    ),
    timezone=LOS_ANGELES,
)

EXCEPTIONS = Source(
    name="logistics_exceptions",
    doc="One row per parcel that was late, damaged or lost. Bronze only: it is about a parcel, and names nobody.",
    path="logistics/exceptions/*.xml",
    format="xml",
    options={"row": "exception"},
    key=("exception_id",),
    columns={
        "exception_id": Field("string", "The entry.", path="@id"),
        "tracking": Field("string", "The parcel.", required=True),
        "carrier": Field("string", "Who had it."),
        "code": Field("string", "DLY, DMG or LST.", path="event.@code"),
        "happened_at": Field("timestamp", "When.", path="event.at", required=True),
        "claim": Field("decimal(10,2)", "What is claimed from the carrier."),
    },
    rules=(OneOf(column="code", values=("DLY", "DMG", "LST")), OneOf(column="carrier", values=CARRIERS)),
    fresh_within=timedelta(days=7),
    timezone=LOS_ANGELES,
)
