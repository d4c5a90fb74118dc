"""What records say, for tests to compare."""


def fields(found: list[dict], *columns: str) -> list[tuple]:
    """Position and values of the readable records."""
    return [(r["_position"], *(r[c] for c in columns or ("a", "b"))) for r in found if r["_error"] is None]


def refusals(found: list[dict]) -> list[tuple]:
    return [(r["_position"], r["_raw"], r["_error"]) for r in found if r["_error"] is not None]
