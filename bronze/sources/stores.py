"""The stores, as the real estate department keeps them.

Runbook. The list of stores comes each first of the month, in full. The hours of a year come with its first day, one
file a year, from a spreadsheet (UTF-16, tabs, `-` for nothing); it may be sent again. None of it is about customers.
"""

from datetime import timedelta

from bronze.source import Feed, Field, Source
from lakehouse.rules import Between, OneOf

STORES = Source(
    name="stores_stores",
    doc="One row per store. What the newest file lacks is closed for good.",
    path="stores/stores/*.json",
    format="json",
    options={"records": "stores"},
    key=("store_no",),
    columns={
        "store_no": Field("int", "The store."),
        "name": Field("string", "What it is called.", required=True),
        "city": Field("string", "The city."),
        "region": Field("string", "The state, county or land."),
        "country": Field("string", "The country."),
        "time_zone": Field("string", "The clock on its wall."),
        "phone": Field("string", "Its number."),
        "square_metres": Field("int", "How large it is."),
        "opened_on": Field("date", "When it opened.", pattern="dd/MM/yyyy"),
    },
    rules=(Between(column="square_metres", low=1), OneOf(column="country", values=("US", "GB", "DE", "JP"))),
    feeds=(
        Feed(
            to="silver.stores",
            columns={
                "store_id": "cast(store_no as string)",
                "name": "name",
                "city": "city",
                "region": "region",
                "country": "country",
                "time_zone": "time_zone",
                "square_metres": "square_metres",
                "opened_on": "opened_on",
            },
        ),
    ),
    fresh_within=timedelta(days=40),
    delivery="snapshot",
)

OPENING_HOURS = Source(
    name="stores_opening_hours",
    doc="One row per store, year and day of the week. Bronze only: silver has the stores, and not their hours.",
    path="stores/opening_hours/*.csv",
    format="csv",
    options={"sep": "\t", "encoding": "utf-16", "null": "-"},
    key=("number", "year", "weekday"),
    columns={
        "number": Field("int", "The store."),
        "year": Field("int", "The year."),
        "weekday": Field("string", "Mo to Su."),
        "opens": Field("string", "HH:mm on its own clock; none where it is closed."),
        "closes": Field("string", "HH:mm on its own clock; none where it is closed."),
        "closed": Field("boolean", "Whether it is closed all day.", truth=("yes", "no"), required=True),
    },
    rules=(OneOf(column="weekday", values=("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")),),
    fresh_within=timedelta(days=370),
)
