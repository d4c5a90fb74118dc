"""What becomes of a record of a person: made, changed when they move or change their name, deleted on request."""

from dataclasses import dataclass

import numpy as np

from simulator.feeds.seen import Seen
from simulator.world.config import NEVER
from simulator.world.places import DAY_US, HOUR_US, utc
from simulator.world.randomness import Array, Ints

INSERT, UPDATE, DELETE = range(3)


@dataclass(frozen=True)
class Changes:
    """One row per change within the batch. `day` is the day of the change, `file_day` that of the file it comes in."""

    person_id: Ints
    day: Ints
    file_day: Ints
    at: Ints
    kind: Array


def profile_changes(seen: Seen, system: str, since: Ints, deleted: float = 0.0) -> Changes:
    """Of records that a system has of the people of the block, by their place, since a day (NEVER: it has none).

    A share of them is deleted some time after; what changes before that is told some days late.
    """
    dice, known, person = seen.dice, seen.known, seen.traits.people.person_id
    gone = since + 60 + dice.below(900, f"{system}: deleted on", person)
    gone = np.where(dice.uniform(f"{system}: deleted", person) < deleted, gone, NEVER)
    found = [(np.arange(len(person)), since, INSERT), (np.flatnonzero(gone < NEVER), gone, DELETE)]
    for number, changed in enumerate((known.moved_day[known.home], known.name_changed_day, known.mobile_from[0])):
        told = changed + dice.below(10, f"{system}: told", person, number)
        found.append((np.flatnonzero((changed > since) & (told < gone) & (changed < NEVER)), told, UPDATE))
    places, days, kinds = [], [], []
    for place, day, kind in found:
        file_day = seen.file_day(day[place])
        here = place[(file_day >= seen.batch.first_day) & (file_day <= seen.batch.last_day) & (since[place] < NEVER)]
        places.append(here)
        days.append(day[here])
        kinds.append(np.full(len(here), kind))
    place, day, kind = (np.concatenate(parts) for parts in (places, days, kinds))
    local = day * DAY_US + 8 * HOUR_US + dice.below(13 * HOUR_US, f"{system}: changed at", person[place], day, kind)
    at = utc(known.zone[place], local)
    order = np.lexsort([place, at])
    of_file = seen.file_day(day)
    return Changes(*(column[order] for column in (person[place], day, of_file, at, kind)))
