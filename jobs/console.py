"""What a person at a terminal sees of a job: a line per step, with its time."""

import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from time import monotonic

WIDTH = 46


def say(text: str = "") -> None:
    print(text, flush=True)


def did(what: str, result: str, seconds: float | None = None) -> None:
    """One step that is over."""
    took = f"{seconds:7.1f} s" if seconds is not None else ""
    say(f"  {what:<{WIDTH}} {result:<34} {took}".rstrip())


@contextmanager
def stage(title: str) -> Iterator[None]:
    """A part of the job, with the time that all of it took."""
    started = monotonic()
    say(f"\n{title}")
    yield
    say(f"  {'':<{WIDTH}} {'':<34} {monotonic() - started:7.1f} s in all")


@contextmanager
def step(what: str) -> Iterator[Callable[[str], None]]:
    """One step: shows what is being done on a terminal, then what came of it."""
    started = monotonic()
    result = "done"

    def came_of_it(text: str) -> None:
        nonlocal result
        result = text

    if sys.stdout.isatty():
        print(f"  {what} ...", end="\r", flush=True)
    yield came_of_it
    did(what, result, monotonic() - started)


def side_by_side(steps: Mapping[str, Callable[[], str]], at_a_time: int) -> None:
    """Steps that do not wait for each other: shows what came of each when it is over. The first that fails is told by
    its name, and those that have not begun are left."""

    def timed(work: Callable[[], str]) -> tuple[str, float]:
        started = monotonic()
        return work(), monotonic() - started

    with ThreadPoolExecutor(at_a_time) as pool:
        names = {pool.submit(timed, work): name for name, work in steps.items()}
        try:
            for each in as_completed(names):
                did(names[each], *each.result())
        except Exception as error:
            pool.shutdown(cancel_futures=True)
            error.add_note(f"It came from {names[each]}.")
            raise


def columns(rows: list[tuple[str, ...]], header: tuple[str, ...]) -> None:
    """A small table: the first column to the left, the others to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    for row in [header, *rows]:
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        say("  " + "  ".join(cells))
