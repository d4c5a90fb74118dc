"""A world in a folder: begun or taken up, lived through, and put down with its truth beside the landing folder."""

from collections import Counter
from dataclasses import asdict
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow.parquet as pq

from simulator.feeds import write_feeds
from simulator.feeds.landing import Landing, unfinished_path
from simulator.world.actions import with_people
from simulator.world.config import Config
from simulator.world.truth import HORIZONS, truth_path, write_truth
from simulator.world.world import World


def world_path(landing: Path) -> Path:
    return truth_path(landing) / "world"


def simulate(
    landing: Path,
    config: Config,
    until: date,
    *,
    actions: Path | None = None,
    processes: int = 1,
    foresee_weeks: int = max(HORIZONS),
) -> Counter[str]:
    """Land the files of the days that are still to come up to `until`; `actions` are put to the people first.

    Killed anywhere, it is run again and begins where the last whole run ended.
    """
    world, truth = opened(landing, config), truth_path(landing)
    if actions is not None:
        world.act(with_people(pq.read_table(actions), truth))
    rows: Counter[str] = Counter()
    if world.until is None or world.until < until:
        files = Landing(landing, config, truth, world.next_day)
        render = partial(write_feeds, unfinished=unfinished_path(landing))
        for written in world.advance(until, processes=processes, then=render):
            rows.update(written.rows)
            files.add(written)
        files.finish()
        write_truth(truth, world, foresee_weeks=foresee_weeks, processes=processes)
        world.save()
        files.forget()
    else:
        world.save()
    return rows


def kept(landing: Path) -> World | None:
    """The world of a landing folder, as it was put down."""
    earlier = truth_path(landing) / "world.npz"
    if earlier.exists():
        raise ValueError(
            f"Cannot go on with the world of {landing}: expected it in {world_path(landing)}; found that of an earlier"
            f" version, {earlier}.\nRemove the folder {landing.absolute().parent}, and simulate it anew."
        )
    path = world_path(landing)
    return World.load(path) if (path / "world.npz").exists() else None


def opened(landing: Path, config: Config) -> World:
    """One landing folder has one world."""
    world = kept(landing)
    if world is None:
        return World(config, world_path(landing))
    if world.config != config:
        before, now = asdict(world.config), asdict(config)
        changed = [f"  {name}: expected {before[name]}; found {now[name]}" for name in now if now[name] != before[name]]
        raise ValueError(
            "\n".join(
                [f"Cannot go on with the world of {landing}:", *changed, "Choose another folder, or empty this one."]
            )
        )
    return world
