"""A table is declared once: grain, key, columns with types, meanings and privacy. All else is made from it."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from lakehouse.rules import Required, Rule
from lakehouse.types import data_type

Privacy = Literal["none", "pseudonymous", "personal", "sensitive"]


class ContractError(Exception):
    """Data that does not have the shape that was declared for it."""


@dataclass(frozen=True)
class Column:
    """`privacy`: none; pseudonymous (an id or a trait of one customer); personal (names a person); sensitive."""

    type: str
    doc: str
    privacy: Privacy = "none"


@dataclass(frozen=True)
class Table:
    """`name` is layer.table. `key` columns are never null and no two rows share them."""

    name: str
    doc: str
    grain: str
    key: tuple[str, ...]
    columns: Mapping[str, Column]
    rules: tuple[Rule, ...] = ()
    cluster_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = [
            f"{what} names {column}, which is not a column"
            for what, columns in (("key", self.key), ("cluster_by", self.cluster_by))
            for column in columns
            if column not in self.columns
        ]
        if self.name.count(".") != 1:
            problems.append("expected a name like layer.table")
        for name, column in self.columns.items():
            try:
                data_type(column.type)
            except ValueError as error:
                problems.append(f"{name}: {error}")
        if problems:
            raise ContractError(f"Cannot declare the table {self.name}:\n  " + "\n  ".join(problems))

    @property
    def layer(self) -> str:
        return self.name.split(".")[0]

    @property
    def schema(self) -> T.StructType:
        """What `conform` makes and Delta stores: every column nullable, its doc as comment."""
        return T.StructType(
            [T.StructField(name, data_type(c.type), True, {"comment": c.doc}) for name, c in self.columns.items()]
        )

    @property
    def all_rules(self) -> tuple[Rule, ...]:
        """The declared rules, and that no key column is null."""
        return tuple(Required(column=column) for column in self.key) + self.rules

    @property
    def fingerprint(self) -> str:
        """Changes whenever the declaration does."""
        return hashlib.sha256(repr(self).encode()).hexdigest()[:16]


def conform(df: DataFrame, table: Table) -> DataFrame:
    """Exactly the declared columns, in the declared order and types; anything else is a ContractError.

    Only widening that loses nothing is done for the caller (int to bigint, a decimal to a wider one, void to any type).
    """
    found = {field.name: field.dataType for field in df.schema.fields}
    problems = []
    for name, column in table.columns.items():
        if name not in found:
            problems.append(f"{name}: expected {column.type}, found no such column")
        elif not widens(found[name], data_type(column.type)):
            problems.append(f"{name}: expected {column.type}, found {found[name].simpleString()}")
    problems += [f"{name}: found, but not declared" for name in found if name not in table.columns]
    if problems:
        raise ContractError(
            f"Cannot write {table.name} ({table.grain}):\n  "
            + "\n  ".join(problems)
            + f"\nCorrect the transformation, or change the columns of {table.name}."
        )
    return df.selectExpr(*(f"CAST(`{name}` AS {column.type}) AS `{name}`" for name, column in table.columns.items()))


def widens(found: T.DataType, expected: T.DataType) -> bool:
    """Whether every value of `found` is a value of `expected`, unchanged."""
    if found.simpleString() == expected.simpleString() or isinstance(found, T.NullType):
        return True
    whole: list[T.DataType] = [T.ByteType(), T.ShortType(), T.IntegerType(), T.LongType()]
    if found in whole and expected in whole:
        return whole.index(found) <= whole.index(expected)
    if isinstance(found, T.DecimalType) and isinstance(expected, T.DecimalType):
        fits_before_the_point = found.precision - found.scale <= expected.precision - expected.scale
        return fits_before_the_point and found.scale <= expected.scale
    return isinstance(found, T.FloatType) and isinstance(expected, T.DoubleType)
