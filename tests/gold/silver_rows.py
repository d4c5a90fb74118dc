"""Rows of silver as tests of gold need them: what differs is said, the rest is filled in.

Each customer of a test is one identity record, `party`, and has its name as core_id. Everything arrives at once, at
the moment at which it happens, unless the test says otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from functools import reduce
from itertools import count
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from lakehouse.tables import Table
from silver.conformed import revisions
from silver.tables import CORE_IDS, INTERACTIONS, ORDER_LINES, PRODUCTS, REVISIONS

AS_OF = date(2024, 6, 30)
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)

Values = Mapping[str, Any]
numbers = count()


def ago(days: int, at: str = "12:00:00") -> datetime:
    """That time of the day which is `days` before AS_OF."""
    return datetime.combine(AS_OF - timedelta(days=days), time.fromisoformat(at), tzinfo=UTC)


def line(
    ordered_at: datetime,
    *,
    party: str = "ann",
    order: str | None = None,
    product: str = "bread",
    store: str | None = "high street",
    net: str = "10.00",
    discount: str = "0.00",
    coupon: str = "0.00",
    quantity: int | None = 1,
    arrived: datetime | None = None,
    line_id: str | None = None,
) -> Values:
    return {
        "order_id": order or f"{party} {ordered_at}",
        "line_id": line_id or str(next(numbers)),
        "party_id": party,
        "product_id": product,
        "store_id": store,
        "channel": "store",
        "ordered_at": ordered_at,
        "quantity": quantity,
        "gross_amount": Decimal(net) + Decimal(discount),
        "discount_amount": Decimal(discount),
        "coupon_amount": Decimal(coupon),
        "net_amount": Decimal(net),
        "learned_at": arrived or ordered_at,
    }


def touch(
    kind: str,
    happened_at: datetime,
    *,
    party: str = "ann",
    campaign: str | None = "spring",
    arrived: datetime | None = None,
) -> Values:
    return {
        "interaction_id": str(next(numbers)),
        "party_id": party,
        "channel": "mail",
        "kind": kind,
        "message_id": None,
        "campaign_id": campaign,
        "offer_code": None,
        "product_id": None,
        "order_id": None,
        "score": None,
        "happened_at": happened_at,
        "learned_at": arrived or happened_at,
    }


def product(product_id: str, category: str | None, *, arrived: datetime = LONG_AGO) -> Values:
    return {
        **dict.fromkeys(PRODUCTS.columns),
        "product_id": product_id,
        "category": category,
        "learned_at": arrived,
    }


def party(party_id: str, core_id: str | None = None, *, met: datetime = LONG_AGO) -> Values:
    return {"party_id": party_id, "core_id": core_id or party_id, "method": "key", "learned_at": met}


@dataclass(frozen=True)
class Changed:
    """A row that a later delivery changed: silver has `now`, and its revisions what it said `before`."""

    before: Values
    now: Values


@dataclass
class Silver:
    """The tables of silver that gold reads."""

    lines: Sequence[Values | Changed] = ()
    touches: Sequence[Values | Changed] = ()
    products: Sequence[Values | Changed] = ()
    parties: Sequence[Values] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Whoever has done something is known, unless the test says who is."""
        named = {row["party_id"] for row in [*newest(self.lines), *newest(self.touches)]}
        self.parties = self.parties or [party(name) for name in sorted(named)]

    def frames(self, spark: SparkSession) -> dict[str, DataFrame]:
        return {
            "order_lines": frame(spark, newest(self.lines), ORDER_LINES),
            "interactions": frame(spark, newest(self.touches), INTERACTIONS),
            "products": frame(spark, newest(self.products), PRODUCTS),
            "core_ids": frame(spark, self.parties, CORE_IDS),
            "revisions": self.revisions(spark),
        }

    def revisions(self, spark: SparkSession) -> DataFrame:
        """As silver writes them."""
        tables = ((self.lines, ORDER_LINES), (self.touches, INTERACTIONS), (self.products, PRODUCTS))
        return reduce(
            DataFrame.unionByName,
            [
                revisions(superseded(spark, changed_of(rows), table), table)
                for rows, table in tables
                if changed_of(rows)
            ],
            frame(spark, [], REVISIONS),
        )


def newest(rows: Iterable[Values | Changed]) -> list[Values]:
    return [row.now if isinstance(row, Changed) else row for row in rows]


def changed_of(rows: Iterable[Values | Changed]) -> list[Changed]:
    return [row for row in rows if isinstance(row, Changed)]


def frame(spark: SparkSession, rows: Iterable[Values], table: Table) -> DataFrame:
    return spark.createDataFrame([tuple(row[name] for name in table.columns) for row in rows], table.schema)


def superseded(spark: SparkSession, changed: Iterable[Changed], table: Table) -> DataFrame:
    rows = [(*(each.before[name] for name in table.columns), False, each.now["learned_at"]) for each in changed]
    return spark.createDataFrame(rows, table.schema.add("_gone", "boolean").add("superseded_at", "timestamp"))
