"""The world: it lives through days, answers actions, and can be put down and taken up again.

world = World(Config(people=2_000, seed=1))
for batch in world.advance(date(2025, 12, 31)):
    batch.tables["orders"]  # of the people of one block in some weeks, as columns
world.act(actions)  # what the platform decided; it is answered in the days that follow
for batch in world.advance(date(2026, 1, 1)): ...
"""

import json
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from simulator.world.actions import Actions
from simulator.world.config import Config, as_date, day_number
from simulator.world.events import EVENTS, Tables, in_days, joined
from simulator.world.households import block_count
from simulator.world.profit import weekly
from simulator.world.randomness import Array, Ints
from simulator.world.state import State, at_the_beginning
from simulator.world.traits import Traits, traits
from simulator.world.week import live

SPAN_WEEKS = 4  # what one batch covers at most
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
class Span:
    """A block and the days that it is to live through: all that a process needs to know."""

    config: Config
    block: int
    state: State | None  # None at the beginning
    actions: Actions
    first_week: int  # whose start the state is of
    emitted_day: int  # the last day whose rows are out
    last_day: int
    is_watched: bool


@dataclass(frozen=True)
class Lived:
    state: State  # at the start of the week of the first day that is still to come
    weekly: Array  # of the weeks of the span: see profit.py
    result: Any


@lru_cache(maxsize=48)
def traits_of(config: Config, block: int) -> Traits:
    return traits(config, block)


def unchanged(batch: Batch) -> Batch:
    return batch


def live_through(span: Span, then: Callable[[Batch], Any] = unchanged) -> Lived:
    """Simulate whole weeks, and let out the days that are wanted. A week that is not over is lived again next time."""
    config, of_block = span.config, traits_of(span.config, span.block)
    state = after = span.state or at_the_beginning(config, of_block)
    found = []
    for number in range(span.first_week, config.week_of(span.last_day) + 1):
        monday = config.monday(number)
        people = of_block.people.person_id
        actions = span.actions.within(people[0], people[-1], monday, monday + 6)
        after, tables = live(config, of_block, state, number, actions, is_watched=span.is_watched)
        found.append(in_days(tables, span.emitted_day + 1, span.last_day))
        if span.last_day >= monday + 6:
            state = after
    tables = joined(found)
    first_day = max(span.emitted_day + 1, config.first_day)
    batch = Batch(config, span.block, first_day, span.last_day, tables, after.account_day, after.loyalty_day)
    weeks = config.week_of(span.last_day) - span.first_week + 1
    of_weeks = weekly(config, of_block.people.person_id, tables, span.first_week, weeks)
    return Lived(state, of_weeks, then(batch))


def added(before: Array | None, span: Array, first_week: int) -> Array:
    """The weeks up to now and those of a span, of which the first may be there in part."""
    weeks = first_week + span.shape[2]
    total = np.zeros((*span.shape[:2], weeks), dtype=span.dtype)
    if before is not None:
        total[:, :, : before.shape[2]] = before
    total[:, :, first_week:] += span
    return total


class World:
    def __init__(self, config: Config) -> None:
        self.config = config
        self.states: list[State | None] = [None] * block_count(config)
        self.emitted_day = BEFORE_ALL
        self.actions = Actions.none()
        self.weekly: list[Array | None] = [None] * len(self.states)  # what came of each week: see profit.py

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
        """Live through the days up to and including `until`; batches come in the order of their days, then of blocks.

        `then` makes of each batch what is wanted, in the process that simulated it: what to spread over processes.
        Time moves on when all blocks of a span are through: left before, the same batches come again. What is put to
        people meanwhile is not seen. Unwatched, only what the future depends on is told.
        """
        work = partial(live_through, then=then)
        of_blocks: list[tuple[State, Array]] = []
        with ProcessPoolExecutor(processes, get_context("spawn")) if processes > 1 else NoPool() as pool:
            spans = self.spans(day_number(until), is_watched=is_watched)
            for span, lived in in_order(pool, work, spans, most=2 * processes - 1):
                of_blocks.append((lived.state, lived.weekly))
                yield lived.result
                if len(of_blocks) == len(self.states):
                    self.states = [state for state, _ in of_blocks]
                    self.weekly = [
                        added(before, of_span, span.first_week)
                        for before, (_, of_span) in zip(self.weekly, of_blocks, strict=True)
                    ]
                    self.emitted_day = span.last_day
                    of_blocks = []

    def spans(self, last_day: int, *, is_watched: bool) -> Iterator[Span]:
        """What each block is to live through, a few weeks of all of them at a time; of later weeks without the state,
        which comes of those before."""
        emitted_day, states = self.emitted_day, list(self.states)
        while emitted_day < last_day:
            first_week = self.config.week_of(max(emitted_day + 1, self.config.first_day))
            span_end = min(last_day, self.config.monday(first_week + SPAN_WEEKS) - 1)
            ahead = self.actions.where(self.actions.day >= self.config.monday(first_week))
            for block, state in enumerate(states):
                yield Span(self.config, block, state, ahead, first_week, emitted_day, span_end, is_watched)
            emitted_day, states = span_end, [None] * len(states)

    def copied(self) -> "World":
        """Another world with the same past: what happens to it is another matter."""
        other = World(self.config)
        other.states, other.weekly = list(self.states), list(self.weekly)
        other.emitted_day, other.actions = self.emitted_day, self.actions
        return other

    def blocks(self) -> Iterator[Traits]:
        """The people of one block after the other."""
        for block in range(len(self.states)):
            yield traits_of(self.config, block)

    def save(self, path: Path) -> None:
        """All of it in one file, to be taken up on another day."""
        columns: dict[str, Array] = {f"actions/{at}": column for at, column in enumerate(self.actions.columns)}
        for block, (state, of_weeks) in enumerate(zip(self.states, self.weekly, strict=True)):
            if state is not None and of_weeks is not None:
                columns[f"{block}/weekly"] = of_weeks
                columns |= {f"{block}/{f.name}": getattr(state, f.name) for f in fields(state) if f.name != "pending"}
                for table, rows in state.pending.items():
                    columns |= {f"{block}/pending/{table}/{name}": values for name, values in rows.items()}
        about = asdict(self.config) | {"begins_on": str(self.config.begins_on), "emitted_day": self.emitted_day}
        columns["about"] = np.array(json.dumps(about))
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.unfinished")
        with unfinished.open("wb") as file:
            np.savez(file, allow_pickle=False, **columns)
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> "World":
        with np.load(path, allow_pickle=False) as columns:
            about = json.loads(str(columns["about"]))
            emitted_day = about.pop("emitted_day")
            world = cls(Config(**about | {"begins_on": date.fromisoformat(about["begins_on"])}))
            world.emitted_day = emitted_day
            world.actions = Actions(*(columns[f"actions/{at}"] for at in range(4)))
            kept = [f.name for f in fields(State) if f.name != "pending"]
            for block in range(len(world.states)):
                if f"{block}/{kept[0]}" not in columns:
                    continue
                pending: Tables = {table: {} for table in EVENTS if f"{block}/pending/{table}/at" in columns}
                for name in columns.files:
                    if name.startswith(f"{block}/pending/"):
                        _, _, table, column = name.split("/")
                        pending[table][column] = columns[name]
                world.weekly[block] = columns[f"{block}/weekly"]
                world.states[block] = State(**{name: columns[f"{block}/{name}"] for name in kept}, pending=pending)
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
    pool: ProcessPoolExecutor | NoPool, work: Callable[[Span], Lived], spans: Iterable[Span], most: int
) -> Iterator[tuple[Span, Lived]]:
    """The results in the order of the spans, with no more than `most` of them under way or waiting. A block goes on
    from where it was with its span before, while whoever asks is still at work on what came of that."""
    waiting: deque[tuple[Span, Future[Lived]]] = deque()
    under_way: dict[int, Future[Lived]] = {}
    reached: dict[int, State] = {}

    def oldest() -> tuple[Span, Lived]:
        span, future = waiting.popleft()
        lived = future.result()
        reached[span.block] = lived.state
        if under_way[span.block] is future:  # or else what came of it would be held
            del under_way[span.block]
        return span, lived

    for span in spans:
        if span.block in under_way:
            span = replace(span, state=under_way[span.block].result().state)
        elif span.block in reached:
            span = replace(span, state=reached[span.block])
        future = under_way[span.block] = pool.submit(work, span)
        waiting.append((span, future))
        if len(waiting) >= most:
            yield oldest()
    while waiting:
        yield oldest()
