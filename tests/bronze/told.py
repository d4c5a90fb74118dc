"""What records say, for tests to compare; and a file that cannot be opened, which root, too, must not open."""

import errno
import os
from collections.abc import Callable
from typing import Any

from bronze.records.content import open_file


def fields(found: list[dict], *columns: str) -> list[tuple]:
    """Position and values of the readable records."""
    return [(r["_position"], *(r[c] for c in columns or ("a", "b"))) for r in found if r["_error"] is None]


def refusals(found: list[dict]) -> list[tuple]:
    return [(r["_position"], r["_raw"], r["_error"]) for r in found if r["_error"] is not None]


def opened_unless(name: str) -> Callable[[str], Any]:
    """In place of `open_file`: all but the file that ends so. A mode of 000 does not bind root, this does."""

    def opened(path: str) -> Any:
        if path.endswith(name):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return open_file(path)

    return opened


def listed_unless(name: str) -> Callable[..., Any]:
    """In place of `os.scandir`, which `os.walk` lists folders by: all but the folder that ends so."""
    listed = os.scandir

    def listing(path: str) -> Any:
        if str(path).endswith(name):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return listed(path)

    return listing
