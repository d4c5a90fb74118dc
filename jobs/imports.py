"""Packages that take seconds to import."""

from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from threading import Thread


def import_meanwhile(*modules: str) -> None:
    """Begin to import these, one after the other, while other things are waited for. Who needs one imports it as ever:
    that waits until it is there, and tells what is wrong with it."""
    Thread(target=import_all, args=(modules,), daemon=True).start()


def import_all(modules: Sequence[str]) -> None:
    for module in modules:
        with suppress(Exception):
            import_module(module)
