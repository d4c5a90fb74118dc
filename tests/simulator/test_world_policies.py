"""What two policies earned is read from the truths of copies of one world. The whole of it is in test_readme.py."""

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from simulator.world.config import Config
from simulator.world.households import block_count
from simulator.world.policies import compare
from simulator.world.profit import EARNED
from simulator.world.run import world_path
from simulator.world.world import World
from tests.simulator.worlds import lived, on

CONFIG = Config(people=700, seed=31, campaigns=False, households_per_block=150)


def told(config: Config, landing: Path, until: date) -> Path:
    world = World(config, world_path(landing))
    lived(world, until, is_watched=False)
    world.save()
    return landing


def test_a_message_to_everybody_costs_and_moves_only_those_whom_it_can(tmp_path):
    landings = [tmp_path / "a/landing", tmp_path / "b/landing"]
    alone = World(CONFIG, world_path(landings[0]))
    lived(alone, on(13), is_watched=False)
    acted = alone.copied(world_path(landings[1]))
    same = {"on": on(15), "channel": "mail", "offer": "message"}
    people = np.arange(CONFIG.people)
    acted.act(pa.table({"person_id": people} | {name: [value] * len(people) for name, value in same.items()}))
    for world in (alone, acted):
        lived(world, on(34), is_watched=False)
        world.save()
    nobody, everybody = compare(landings, on(14))
    weekly = [
        np.concatenate([world.lived(block).weekly for block in range(block_count(CONFIG))], axis=1)
        for world in (alone, acted)
    ]
    earned = [each[EARNED, :, 2:5].sum(axis=1) / 100 for each in weekly]

    assert (nobody.weeks, nobody.actions, everybody.actions) == (3, 0, 700)
    assert (nobody.more, nobody.give_or_take) == (0, 0)
    assert everybody.profit == pytest.approx(earned[1].sum())
    assert everybody.more == pytest.approx((earned[1] - earned[0]).sum())
    assert everybody.give_or_take == pytest.approx(2 * (earned[1] - earned[0]).std() * np.sqrt(700))
    assert everybody.more < -0.5 * 65 * 700  # whoever is no customer costs it, too
    assert 0 < everybody.give_or_take < abs(everybody.profit)


def test_worlds_that_are_no_copies_are_not_compared(tmp_path):
    other = Config(people=700, seed=32, campaigns=False, households_per_block=150)
    one = told(CONFIG, tmp_path / "one/landing", on(6))
    two = told(other, tmp_path / "two/landing", on(6))
    further = told(CONFIG, tmp_path / "further/landing", on(13))

    with pytest.raises(ValueError, match="two/landing: expected a world of the same seed and people as"):
        compare([one, two], on(0))
    with pytest.raises(ValueError, match="further/landing: expected days up to 2024-01-07; found 2024-01-14"):
        compare([one, further], on(0))
    with pytest.raises(ValueError, match="none/landing: expected a world; found none"):
        compare([one, tmp_path / "none/landing"], on(0))
    with pytest.raises(ValueError, match="expected a week that begins on 2024-01-08 or later and is over; found none"):
        compare([one, one], on(7))
