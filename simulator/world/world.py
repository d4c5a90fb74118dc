"""The world: it lives through days, answers actions, and can be put down and taken up again.

world = World(Config(people=2_000, seed=1))
for batch in world.advance(date(2025, 12, 31)):
    batch.tables["orders"]  # of the people of one block in some weeks, as columns
world.act(actions)  # what the platform decided; it is answered in the days that follow
for batch in world.advance(date(2026, 1, 1)): ...
"""

import json
import shutil
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from datetime import date
from functools import lru_cache, partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa

from simulator.world.actions import Actions
from simulator.world.config import NEVER, Config, as_date, day_number
from simulator.world.events import Tables, in_days, joined
from simulator.world.households import block_count, block_starts
from simulator.world.processes import pool_of
from simulator.world.profit import weekly
from simulator.world.randomness import Array, Ints
from simulator.world.state import Lived, at_the_beginning
from simulator.world.traits import Traits, traits
from simulator.world.week import live

SPAN_WEEKS = 4  # what one batch covers at most
STRETCH_SPANS = 14  # what a block lives through before the next one does: who its people are is made out once for all
AT_HAND = 2  # blocks of which a process knows who the people are
BEFORE_ALL = -(2**31)  # with the first day comes what the systems knew before


@dataclass(frozen=True)
class Batch:
    """What happened to the people of a block from one local day to another, both included.

    account_day, loyalty_day: since when each of them is known to the shop and to the loyalty programme.
    """

    config: Config
    block: int
    first_day: int
    last_day: int
    tables: Tables
    account_day: Ints
    loyalty_day: Ints


@dataclass(frozen=True)
class Stretch:
    """A block and the days that it is to live through: all that a process needs to know."""

    config: Config
    block: int
    before: Path | None  # where it is kept what became of all blocks: None at the beginning
    after: Path
    actions: Actions
    emitted_day: int  # the last day whose rows are out
    last_days: tuple[int, ...]  # of each span
    is_watched: bool


@lru_cache(maxsize=AT_HAND)
def traits_of(config: Config, block: int) -> Traits:
    return traits(config, block)


def path_of(folder: Path, block: int) -> Path:
    return folder / f"{block:05}.npz"


def unchanged(batch: Batch) -> Batch:
    return batch


def live_through(stretch: Stretch, then: Callable[[Batch], Any] = unchanged) -> list[Any]:
    """What is made of the batch of each span. What becomes of the block is kept."""
    config, of_block = stretch.config, traits_of(stretch.config, stretch.block)
    if stretch.before is None:
        lived = Lived(at_the_beginning(config, of_block), np.zeros((3, len(of_block), 0), dtype=np.int32))
    else:
        lived = Lived.read(path_of(stretch.before, stretch.block))
    emitted_day, results = stretch.emitted_day, []
    for last_day in stretch.last_days:
        lived, batch = span(stretch, of_block, lived, emitted_day, last_day)
        results.append(then(batch))
        emitted_day = last_day
    lived.write(path_of(stretch.after, stretch.block))
    return results


def span(stretch: Stretch, of_block: Traits, lived: Lived, emitted_day: int, last_day: int) -> tuple[Lived, Batch]:
    """Simulate whole weeks, and let out the days that are wanted. A week that is not over is lived again next time."""
    config, people = stretch.config, of_block.people.person_id
    first_day = max(emitted_day + 1, config.first_day)
    first_week, last_week = config.week_of(first_day), config.week_of(last_day)
    state = after = lived.state
    found = []
    for number in range(first_week, last_week + 1):
        monday = config.monday(number)
        actions = stretch.actions.within(people[0], people[-1], monday, monday + 6)
        after, tables = live(config, of_block, state, number, actions, is_watched=stretch.is_watched)
        found.append(in_days(tables, emitted_day + 1, last_day))
        if last_day >= monday + 6:
            state = after
    tables = joined(found)
    of_weeks = weekly(config, people, tables, first_week, last_week + 1 - first_week)
    batch = Batch(config, stretch.block, first_day, last_day, tables, after.account_day, after.loyalty_day)
    return Lived(state, added(lived.weekly, of_weeks, first_week)), batch


def added(before: Array, span: Array, first_week: int) -> Array:
    """The weeks up to now and those of a span, of which the first may be there in part."""
    total = np.zeros((*span.shape[:2], first_week + span.shape[2]), dtype=span.dtype)
    total[:, :, : before.shape[2]] = before
    total[:, :, first_week:] += span
    return total


class World:
    """Its people are kept on disk, a block to a file: how many there are is of no matter to memory.

    In its folder, `world.npz` says up to which day the world has come, and has the actions; what had become of the
    blocks by then is in a folder of that day. So a world is as it was saved, whatever has been written since.
    """

    def __init__(self, config: Config, folder: Path | None = None) -> None:
        """A world without a folder has a temporary one."""
        if folder is None:
            self.temporary = TemporaryDirectory()
            folder = Path(self.temporary.name)
        self.config, self.folder = config, folder
        self.kept: Path | None = None  # the blocks, as they are at the end of the last day
        self.emitted_day = BEFORE_ALL
        self.actions = Actions.none()

    @property
    def until(self) -> date | None:
        """The last day that has been lived through."""
        return None if self.emitted_day == BEFORE_ALL else as_date(self.emitted_day)

    @property
    def next_day(self) -> int:
        return max(self.emitted_day + 1, self.config.first_day)

    def act(self, actions: pa.Table) -> None:
        """Put offers to people: columns person_id, on (a date that is to come), channel and offer.

        What was put to them before is not put again: the same actions given twice are the same world.
        """
        decided = Actions.of(actions).without(self.actions)
        problems = []
        if (past := np.flatnonzero(decided.day < self.next_day)).size:
            last = as_date(int(decided.day[past].max()))
            problems.append(f"on: expected {as_date(self.next_day)} or later; found {len(past):,} up to {last}")
        if (odd := (decided.person_id < 0) | (decided.person_id >= self.config.people)).any():
            expected = f"expected 0 to {self.config.people - 1:,}"
            problems.append(f"person_id: {expected}; found {odd.sum():,} others, as {decided.person_id[odd][0]}")
        if problems:
            raise ValueError("\n  ".join(["Cannot act on the world:", *problems]) + "\nCorrect the actions.")
        self.actions = self.actions.and_then(decided)

    def advance(
        self, until: date, *, processes: int = 1, then: Callable[[Batch], Any] = unchanged, is_watched: bool = True
    ) -> Iterator[Any]:
        """Live through the days up to and including `until`; the batches of a block come in the order of their days,
        a stretch of one block after that of another.

        `then` makes of each batch what is wanted, in the process that simulated it: what to spread over processes.
        Time moves on when all blocks of a stretch are through: left before, the same batches come again. What is put
        to people meanwhile is not seen. Unwatched, only what the future depends on is told.
        """
        work = partial(live_through, then=then)
        began = self.kept
        with pool_of(processes) if processes > 1 else NoPool() as pool:
            stretches = self.stretches(day_number(until), is_watched=is_watched)
            for stretch, results in in_order(pool, work, stretches, most=2 * processes - 1):
                while results:
                    yield results.pop(0)
                if stretch.block == block_count(self.config) - 1:
                    if self.kept and self.kept != began:
                        shutil.rmtree(self.kept)
                    self.kept, self.emitted_day = stretch.after, stretch.last_days[-1]

    def stretches(self, last_day: int, *, is_watched: bool) -> Iterator[Stretch]:
        """What each block is to live through, some spans of a few weeks at a time."""
        config, emitted_day, before = self.config, self.emitted_day, self.kept
        spans = STRETCH_SPANS if block_count(config) > AT_HAND else 1
        starts = block_starts(config.seed, config.people, config.households_per_block)
        while emitted_day < last_day:
            first_week = config.week_of(max(emitted_day + 1, config.first_day))
            ends = (config.monday(first_week + (at + 1) * SPAN_WEEKS) - 1 for at in range(spans))
            last_days = tuple(dict.fromkeys(min(last_day, end) for end in ends))
            after = self.folder / f"{last_days[-1]:06}"
            for block in range(block_count(config)):
                first, last = starts[block], starts[block + 1] - 1
                ahead = self.actions.within(first, last, config.monday(first_week), NEVER)
                yield Stretch(config, block, before, after, ahead, emitted_day, last_days, is_watched)
            emitted_day, before = last_days[-1], after

    def lived(self, block: int) -> Lived:
        """What has become of the people of a block."""
        assert self.kept is not None
        return Lived.read(path_of(self.kept, block))

    def copied(self, folder: Path | None = None) -> "World":
        """Another world with the same past: what happens to it is another matter."""
        other = World(self.config, folder)
        other.emitted_day, other.actions = self.emitted_day, self.actions
        if self.kept:
            other.kept = other.folder / self.kept.name
            shutil.copytree(self.kept, other.kept, dirs_exist_ok=True)
        return other

    def blocks(self) -> Iterator[Traits]:
        """The people of one block after the other."""
        for block in range(block_count(self.config)):
            yield traits_of(self.config, block)

    def save(self) -> None:
        """To be taken up on another day."""
        columns: dict[str, Array] = {f"actions/{at}": column for at, column in enumerate(self.actions.columns)}
        about = asdict(self.config) | {"begins_on": str(self.config.begins_on), "emitted_day": self.emitted_day}
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = self.folder / ".world.npz.unfinished"
        with unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, about=np.array(json.dumps(about)), **columns)
        unfinished.replace(self.folder / "world.npz")
        for folder in self.folder.glob("[0-9]*"):  # of days before, and of a run that was killed
            if folder != self.kept:
                shutil.rmtree(folder)

    @classmethod
    def load(cls, folder: Path) -> "World":
        with np.load(folder / "world.npz", allow_pickle=False) as columns:
            about = json.loads(str(columns["about"]))
            emitted_day = about.pop("emitted_day")
            world = cls(Config(**about | {"begins_on": date.fromisoformat(about["begins_on"])}), folder)
            world.actions = Actions(*(columns[f"actions/{at}"] for at in range(4)))
        if emitted_day != BEFORE_ALL:
            world.kept, world.emitted_day = folder / f"{emitted_day:06}", emitted_day
        return world


class NoPool:
    """This process does the work itself, when it is asked for it."""

    def __enter__(self) -> "NoPool":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., Any], *arguments: Any) -> "Future[Any]":
        future: Future[Any] = Future()
        future.set_result(work(*arguments))
        return future


def in_order(
    pool: ProcessPoolExecutor | NoPool, work: Callable[[Stretch], list[Any]], stretches: Iterable[Stretch], most: int
) -> Iterator[tuple[Stretch, list[Any]]]:
    """The results in the order of the stretches, with no more than `most` of them under way or waiting. A block goes on
    from where it came with its stretch before, while whoever asks is still at work on what came of that."""
    waiting: deque[tuple[Stretch, Future[list[Any]]]] = deque()

    def oldest() -> tuple[Stretch, list[Any]]:
        stretch, future = waiting.popleft()
        return stretch, future.result()

    for stretch in stretches:
        wait([future for before, future in waiting if before.block == stretch.block])
        waiting.append((stretch, pool.submit(work, stretch)))
        if len(waiting) >= most:
            yield oldest()
    while waiting:
        yield oldest()
