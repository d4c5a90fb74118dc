"""What a good row is: rules that become column conditions (quarantine), table constraints and expectations."""

from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Rule:
    """One promise about a row. `error` refuses the row or stops the run; `warning` is counted and reported.

    A condition that is null (its column has no value) is kept: only `Required` is about missing values.
    """

    severity: Severity = "error"

    @property
    def sql(self) -> str:
        """The condition that a good row meets, in Spark SQL."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """What a refused row says of itself."""
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Required(Rule):
    """`unless` is a condition under which it may be missing."""

    column: str
    unless: str | None = None

    @property
    def sql(self) -> str:
        is_there = f"`{self.column}` IS NOT NULL"
        return f"{is_there} OR coalesce({self.unless}, false)" if self.unless else is_there

    @property
    def name(self) -> str:
        return f"{self.column} is missing"


@dataclass(frozen=True, kw_only=True)
class Between(Rule):
    """`low` and `high` are included; leave one out for a bound on one side."""

    column: str
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        if self.low is None and self.high is None:
            raise ValueError(f"Between({self.column!r}) needs low, high or both.")

    @property
    def sql(self) -> str:
        bounds = []
        if self.low is not None:
            bounds.append(f"`{self.column}` >= {self.low}")
        if self.high is not None:
            bounds.append(f"`{self.column}` <= {self.high}")
        return " AND ".join(bounds)

    @property
    def name(self) -> str:
        if self.high is None:
            return f"{self.column} is below {self.low}"
        if self.low is None:
            return f"{self.column} is above {self.high}"
        return f"{self.column} is not between {self.low} and {self.high}"


@dataclass(frozen=True, kw_only=True)
class OneOf(Rule):
    column: str
    values: tuple[str, ...]

    @property
    def sql(self) -> str:
        listed = ", ".join(quoted(value) for value in self.values)
        return f"`{self.column}` IN ({listed})"

    @property
    def name(self) -> str:
        return f"{self.column} is not one of {', '.join(self.values)}"


@dataclass(frozen=True, kw_only=True)
class Matches(Rule):
    """`pattern` is a regular expression (Java's) that the whole value must match."""

    column: str
    pattern: str

    @property
    def sql(self) -> str:
        return f"`{self.column}` RLIKE {quoted(f'^(?:{self.pattern})$')}"

    @property
    def name(self) -> str:
        return f"{self.column} does not match {self.pattern}"


@dataclass(frozen=True, kw_only=True)
class Holds(Rule):
    """Any condition over one row, for what the other rules cannot say. `otherwise` is what a broken row says."""

    condition: str
    otherwise: str

    @property
    def sql(self) -> str:
        return self.condition

    @property
    def name(self) -> str:
        return self.otherwise


def quoted(value: str) -> str:
    """`value` as a SQL string literal.

    >>> quoted("it's")
    "'it\\\\'s'"
    """
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
