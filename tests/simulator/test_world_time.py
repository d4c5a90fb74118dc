"""The same seed is the same world: in one go or day by day, in one process or in two."""

import gc
import weakref
from datetime import date

import numpy as np
import pytest

import simulator.world.world as module
from simulator.world.config import Config, day_number
from simulator.world.events import EVENTS, EVERY
from simulator.world.households import block_count
from simulator.world.state import State
from simulator.world.world import World
from tests.simulator.worlds import BEGINS, assert_same, in_person_order, lived, of_days, on, year_of_800

CONFIG = Config(people=600, seed=7, households_per_block=80)


@pytest.fixture(scope="module")
def in_one_go():
    return lived(World(CONFIG), on(60))


def test_days_added_one_at_a_time_end_where_all_at_once_does(in_one_go):
    world = World(CONFIG)
    parts = [lived(world, on(days)) for days in (*range(5), 19, 33, 34, 60)]
    together = {name: {c: np.concatenate([part[name][c] for part in parts]) for c in part[name]}
                for part in parts[:1] for name in part}  # fmt: skip

    assert_same(in_one_go, in_person_order(together))


def test_a_longer_world_has_the_same_past(in_one_go):
    longer = lived(World(CONFIG), on(80))

    assert len(longer["orders"]["at"]) > len(in_one_go["orders"]["at"])
    assert_same(in_one_go, of_days(longer, day_number(on(60))))


def test_two_processes_make_the_same_batches_in_the_same_order():
    alone = list(World(CONFIG).advance(on(40)))
    together = list(World(CONFIG).advance(on(40), processes=2))

    assert [(batch.block, batch.first_day) for batch in together] == [(batch.block, batch.first_day) for batch in alone]
    for one, other in zip(alone, together, strict=True):
        assert_same(one.tables, other.tables)


def test_a_block_alone_goes_on_while_what_came_of_it_is_worked_on():
    config = Config(people=300, seed=7)  # one block: it waits for itself
    alone, together = World(config), World(config)
    batches = list(alone.advance(on(80)))

    for one, other in zip(batches, together.advance(on(80), processes=2), strict=True):
        assert_same(one.tables, other.tables)
    assert together.until == alone.until
    assert np.array_equal(together.lived(0).weekly, alone.lived(0).weekly)
    assert lived(together, on(90)).keys() == lived(alone, on(90)).keys()


def test_of_what_has_become_of_people_nothing_is_held():
    def states() -> int:
        return sum(isinstance(each, State) for each in gc.get_objects())

    before = states()
    held = [states() - before for _ in World(CONFIG).advance(on(20))]

    assert held == [0] * block_count(CONFIG)


def test_a_batch_that_was_taken_is_not_held():
    batches = World(Config(people=600, seed=7, households_per_block=20)).advance(on(20))
    first = weakref.ref(next(batches))
    next(batches)

    assert first() is None


def test_a_copy_goes_on_from_where_it_was_copied_whatever_becomes_of_the_first(in_one_go, tmp_path):
    world = World(CONFIG, tmp_path)
    lived(world, on(20))
    copy = world.copied()
    lived(world, on(40))
    world.save()

    second = lived(copy, on(60))
    assert_same({name: {c: v[columns["day"] > day_number(on(20))] for c, v in columns.items()}
                 for name, columns in in_one_go.items()}, second)  # fmt: skip


def test_a_world_is_put_down_and_taken_up_again(in_one_go, tmp_path):
    world = World(CONFIG, tmp_path)
    first = lived(world, on(37))
    world.save()
    again = World.load(tmp_path)
    second = lived(again, on(60))

    assert again.until == on(60)
    assert_same(in_one_go, in_person_order(
        {name: {c: np.concatenate([first[name][c], second[name][c]]) for c in first[name]} for name in first}
    ))  # fmt: skip


def test_another_seed_is_another_world(in_one_go):
    other = lived(World(Config(people=600, seed=8, households_per_block=80)), on(60))

    assert not np.array_equal(other["orders"]["order_id"], in_one_go["orders"]["order_id"])


def test_no_more_of_a_world_is_in_hand_than_was_asked_for(monkeypatch):
    """A batch is simulated when it is taken: memory does not grow with the number of blocks."""
    begun = []

    def counted(stretch, then):
        begun.append(stretch.block)
        return live_through(stretch, then)

    live_through = module.live_through
    monkeypatch.setattr(module, "live_through", counted)
    batches = World(Config(people=600, seed=7, households_per_block=20)).advance(on(20))
    next(batches)
    next(batches)

    assert begun == [0, 1]  # nothing is simulated before it is asked for
    assert len(list(batches)) == 10


def test_a_world_that_is_left_halfway_begins_the_same_days_again(in_one_go):
    world = World(CONFIG)
    next(world.advance(on(60)))

    assert_same(in_one_go, lived(world, on(60)))


def test_rows_have_the_declared_columns_and_their_local_day():
    _, tables = year_of_800()

    for name, columns in tables.items():
        assert list(columns) == list(EVERY | EVENTS[name]), name
        assert len(columns["at"]), name
        hours = columns["at"] / 3.6e9 - columns["day"] * 24.0  # Tokyo is 9 hours ahead of UTC, California 8 behind
        assert hours.min() >= -9.0, name
        assert hours.max() < 24 + 8, name


@pytest.mark.parametrize("people, begins_on, expected", [(0, BEGINS, "people"), (1, date(2024, 1, 2), "Tuesday")])
def test_a_world_that_cannot_be_says_why(people, begins_on, expected):
    with pytest.raises(ValueError, match=expected):
        Config(people=people, begins_on=begins_on)
