"""What a person is told of an error."""

from jobs.cli import explained
from lakehouse.tables import ContractError


class FromJavaError(Exception):
    """As Spark's: with the exception of Java's that it is made from."""

    class _Cause:
        def __init__(self, message: str, cause: "FromJavaError._Cause | None" = None) -> None:
            self.getMessage, self.getCause = lambda: message, lambda: cause

    _origin = _Cause("Task failed", _Cause("/lake/warehouse/x (Read-only file system)\n\tat java.io"))


def test_an_error_of_ours_is_told_with_its_notes():
    error = ContractError("Cannot write gold.spend.")
    error.add_note("No room is left in /lake.")

    assert explained(error) == "Cannot write gold.spend.\nNo room is left in /lake."


def test_another_error_is_told_with_its_kind_and_what_it_came_from():
    assert explained(FromJavaError("Task failed\n\tat org.apache.spark")) == (
        "FromJavaError: Task failed\n"
        "It came from: /lake/warehouse/x (Read-only file system)\n"
        "Run the command with --traceback for more."
    )
