"""Records that hold what no column declares, where their source refuses them."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa

NOT_DECLARED = "not declared: "  # so begins why they are refused
DEEPEST = 20  # names within each other that are told
LONGEST = 1000  # characters


def not_declared(paths: Sequence[str]) -> str:
    return f"{NOT_DECLARED}{', '.join(dict.fromkeys(paths))}"[:LONGEST]


def with_undeclared(errors: pa.Array, rescued: pa.Array) -> pa.Array:
    """Why each record is refused: what was wrong with it before, or that something of it was rescued."""
    if rescued.null_count == len(rescued):
        return errors
    told = [
        why or (rest and not_declared([*paths_in(in_texts(rest))]))
        for why, rest in zip(errors.to_pylist(), rescued.to_pylist(), strict=True)
    ]
    return pa.array(told, pa.string())


def in_texts(rest: str) -> Any:
    """The object, with its numbers as texts: Python takes none of more than some thousand digits."""
    return json.loads(rest, parse_int=str, parse_float=str, parse_constant=str)


def paths_in(value: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """Where values stand, as a declaration writes paths.

    >>> [*paths_in({"till": 7, "who": {"id": 7, "tags": ["a"]}, "lines": [{"till": 9}, None]})]
    ['till', 'who.id', 'who.tags', 'lines[].till']
    """
    inner = [each for each in value if isinstance(each, dict | list)] if isinstance(value, list) else []
    if isinstance(value, dict) and value and depth < DEEPEST:
        for name, each in value.items():
            yield from paths_in(each, f"{path}.{name}" if path else name, depth + 1)
    elif inner and depth < DEEPEST:
        for each in inner:
            yield from paths_in(each, f"{path}[]", depth + 1)
    else:
        yield path
