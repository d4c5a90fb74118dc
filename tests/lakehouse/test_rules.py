"""Rules as conditions: what a good row meets, and what a refused one says."""

import pytest

from lakehouse.rules import Between, Holds, Matches, OneOf, Required, Rule, quoted


@pytest.mark.parametrize(
    ("rule", "sql", "name"),
    [
        (Required(column="sku"), "`sku` IS NOT NULL", "sku is missing"),
        (Between(column="age", low=0, high=120), "`age` >= 0 AND `age` <= 120", "age is not between 0 and 120"),
        (Between(column="age", low=18), "`age` >= 18", "age is below 18"),
        (Between(column="age", high=120), "`age` <= 120", "age is above 120"),
        (OneOf(column="kind", values=("a", "b")), "`kind` IN ('a', 'b')", "kind is not one of a, b"),
        (Matches(column="zip", pattern=r"\d{5}"), r"`zip` RLIKE '^(?:\\d{5})$'", r"zip does not match \d{5}"),
        (Holds(condition="a < b", otherwise="a is late"), "a < b", "a is late"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Rule) else "",
)
def test_a_rule_says_what_a_good_row_meets_and_what_a_refused_row_says(rule, sql, name):
    assert (rule.sql, rule.name) == (sql, name)


def test_a_rule_refuses_rows_unless_it_is_declared_as_a_warning():
    assert Required(column="sku").severity == "error"
    assert Required(column="sku", severity="warning").severity == "warning"


def test_a_range_without_bounds_is_no_rule():
    with pytest.raises(ValueError, match=r"Between\('age'\) needs low, high or both\."):
        Between(column="age")


def test_a_value_with_quotes_and_backslashes_stays_one_literal(spark):
    value = 'O\'Neil \\ "Sons"'

    assert spark.sql(f"SELECT {quoted(value)}").first()[0] == value


@pytest.mark.parametrize(
    ("rule", "good", "bad"),
    [
        (Required(column="v"), ["", "x"], [None]),
        (Between(column="v", low=0, high=10), ["0", "10", "5", None], ["-1", "11"]),
        (OneOf(column="v", values=("on", "it's off")), ["on", "it's off", None], ["ON", "", "it"]),
        (Matches(column="v", pattern=r"\d{2}|x"), ["12", "x", None], ["123", "x1", "1x", ""]),
        (Holds(condition="length(v) < 3", otherwise="long"), ["ab", None], ["abc"]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Rule) else "",
)
def test_bounds_are_included_patterns_match_the_whole_value_and_only_required_minds_a_missing_one(
    spark, rule, good, bad
):
    rows = spark.createDataFrame([(v,) for v in good + bad], "v string")

    met = [row[0] for row in rows.selectExpr(f"coalesce(({rule.sql}), true)").collect()]
    assert met == [True] * len(good) + [False] * len(bad)
