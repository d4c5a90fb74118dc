"""A lakehouse of four customers, from which every mart has something to say."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from pyspark.sql import DataFrame

from gold.customer_features import CUSTOMER_FEATURES
from lakehouse.delta import Lakehouse
from lakehouse.tables import Table
from ml.tables import CHURN_SCORES
from silver.tables import CAMPAIGNS, CORE_IDS, CUSTOMERS, INTERACTIONS, OFFERS, ORDER_LINES, ORDERS, PRODUCTS

AS_OF = date(2017, 12, 31)


def write(lake: Lakehouse, table: Table, *rows: Mapping[str, Any]) -> None:
    """Make the table of these rows. In one commit, where the lakehouse takes four: many tests wait for this."""
    lake.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {table.layer}")
    frame(lake, table, *rows).writeTo(table.name).using("delta").createOrReplace()


def frame(lake: Lakehouse, table: Table, *rows: Mapping[str, Any]) -> DataFrame:
    """Rows of the table; what a row leaves out is null, and of a key empty."""
    blank = {name: "" if name in table.key else None for name in table.columns}
    return lake.spark.createDataFrame(
        [tuple({**blank, **row}[name] for name in table.columns) for row in rows], table.schema
    )


def at_noon(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 12)


def order(number: int, party_id: str, day: date, amount: str, product_id: str, store_id: str | None) -> dict[str, Any]:
    """An order of one line."""
    return {
        "order_id": str(number),
        "line_id": "1",
        "party_id": party_id,
        "product_id": product_id,
        "store_id": store_id,
        "channel": "store" if store_id else "web",
        "ordered_at": at_noon(day),
        "ordered_on": day,
        "lines": 1,
        "net_amount": Decimal(amount),
    }


def touch(number: int, party_id: str, kind: str, campaign_id: str, day: date) -> dict[str, Any]:
    return {
        "interaction_id": str(number),
        "party_id": party_id,
        "kind": kind,
        "campaign_id": campaign_id,
        "happened_at": at_noon(day),
    }


def features(core_id: str, *, recency: int | None, tenure: int | None, orders: int, amount: str) -> dict[str, Any]:
    return {
        "as_of": AS_OF,
        "core_id": core_id,
        "recency_days": recency,
        "tenure_days": tenure,
        "orders_total": orders,
        "orders_52w": orders,
        "net_amount_total": Decimal(amount),
        "net_amount_52w": Decimal(amount),
    }


def score(core_id: str, probability: float, *reasons: str, as_of: date = AS_OF) -> dict[str, Any]:
    return {
        "as_of": as_of,
        "core_id": core_id,
        "model": "churn",
        "model_version": "1",
        "churn_probability": probability,
        "is_active": True,
        "is_at_risk": probability >= 0.5,
        "risk_decile": 1 + int((1 - probability) * 9),
        "reasons": list(reasons),
    }


def fill(lake: Lakehouse) -> None:
    """Ann has two identity records and buys weekly; Bob is leaving; Cy once bought on the web; Dee never did."""
    write(
        lake,
        CUSTOMERS,
        {"core_id": "ann", "parties": 2, "age_band": "35-44"},
        {"core_id": "bob", "parties": 1, "age_band": "65+"},
        {"core_id": "cy", "parties": 1},
        {"core_id": "dee", "parties": 1},
    )
    write(
        lake,
        CORE_IDS,
        {"party_id": "loyalty/1", "core_id": "ann"},
        {"party_id": "web/1", "core_id": "ann"},
        {"party_id": "loyalty/2", "core_id": "bob"},
        {"party_id": "web/3", "core_id": "cy"},
        {"party_id": "loyalty/4", "core_id": "dee"},
    )
    write(
        lake,
        PRODUCTS,
        {"product_id": "1", "category": "tea"},
        {"product_id": "2", "category": "bread"},
    )
    orders = [
        order(1, "loyalty/1", date(2017, 3, 3), "20.00", "1", "s1"),
        order(2, "loyalty/1", date(2017, 5, 6), "10.00", "2", "s1"),
        order(3, "web/1", date(2017, 5, 8), "15.00", "2", None),
        order(4, "loyalty/1", date(2017, 12, 29), "5.00", "2", "s2"),
        order(5, "loyalty/2", date(2017, 5, 7), "40.00", "1", "s2"),
        order(6, "loyalty/2", date(2017, 5, 9), "30.00", "1", "s2"),
        order(7, "web/3", date(2017, 11, 30), "9.50", "1", None),
    ]
    for table in (ORDERS, ORDER_LINES):
        write(lake, table, *({name: row[name] for name in row if name in table.columns} for row in orders))
    write(
        lake,
        CAMPAIGNS,
        {"campaign_id": "8", "kind": "TypeA", "starts_on": date(2017, 5, 8), "ends_on": date(2017, 5, 9)},
        {"campaign_id": "27", "kind": "TypeB", "starts_on": date(2017, 12, 30), "ends_on": date(2018, 2, 1)},
    )
    write(
        lake,
        OFFERS,
        {"kind": "coupon", "campaign_id": "8", "offer_code": "100", "product_id": "1", "starts_on": date(2017, 5, 1)},
        {"kind": "coupon", "campaign_id": "8", "offer_code": "100", "product_id": "2", "starts_on": date(2017, 5, 1)},
    )
    write(
        lake,
        INTERACTIONS,
        touch(1, "loyalty/1", "sent", "8", date(2017, 5, 8)),
        touch(2, "web/1", "redeemed", "8", date(2017, 5, 8)),
        touch(3, "loyalty/1", "sent", "27", date(2017, 12, 30)),
    )
    write(
        lake,
        CUSTOMER_FEATURES,
        features("ann", recency=2, tenure=303, orders=4, amount="50.00"),
        features("bob", recency=236, tenure=238, orders=2, amount="70.00"),
        features("cy", recency=31, tenure=31, orders=1, amount="9.50"),
        features("dee", recency=None, tenure=None, orders=0, amount="0.00"),
    )
    write(
        lake,
        CHURN_SCORES,
        score("ann", 0.1),
        score("bob", 0.9, "no order for 236 days", "fewer orders than usual"),
        score("cy", 0.6, "one order only"),
        score("cy", 0.99, "an older score", as_of=date(2017, 12, 24)),
    )
