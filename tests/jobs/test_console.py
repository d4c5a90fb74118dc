"""What a person at a terminal sees."""

from time import sleep

import pytest

from jobs.console import side_by_side


def test_steps_side_by_side_are_each_told_when_they_are_over(capsys):
    side_by_side({"silver.orders": lambda: "rebuilt", "silver.core_ids": lambda: "unchanged"}, at_a_time=2)

    said = capsys.readouterr().out.splitlines()
    assert {tuple(line.split()[:2]) for line in said} == {
        ("silver.orders", "rebuilt"),
        ("silver.core_ids", "unchanged"),
    }


def test_a_step_that_fails_is_named_and_those_that_have_not_begun_are_left():
    begun = []

    def fails() -> str:
        raise ValueError("no rows")

    def takes_a_while() -> str:  # it may begin before the failure is seen
        sleep(0.5)
        return "rebuilt"

    def later() -> str:
        begun.append("later")
        return "rebuilt"

    with pytest.raises(ValueError, match="no rows") as raised:
        side_by_side({"silver.orders": fails, "next": takes_a_while, "later": later}, at_a_time=1)

    assert raised.value.__notes__ == ["It came from silver.orders."]
    assert not begun
