"""Names, addresses and numbers as a system has them: with the errors that it made when it wrote them down.

A system makes an error with a person once: all its records of them agree, and another system makes others.
"""

from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds.seen import Seen, known_of
from simulator.world.config import Config
from simulator.world.names import ASCII, SWAPPED
from simulator.world.randomness import Array, Dice, Ints

TYPO, NICKNAME, SWAP, SWAP_ABROAD, NATIVE, OLD_NAME, CAPITALS, PLAIN = 0.03, 0.25, 0.01, 0.12, 0.35, 0.4, 0.04, 0.3
UNKNOWN_EMAIL = "unknown@example.com"
CALL_CENTRE = "+18005550100"
NEIGHBOURS = dict(zip("qwertyuiopasdfghjklzxcvbnm", "wertyuioopsdfghjkklxcvbnmm", strict=True))


def names(seen: Seen, system: str, person_id: Ints, day: Ints) -> tuple[pa.Array, pa.Array]:
    """Given and family name. Who changed theirs has the new one from then on, where the system was told."""
    given, family, birth_family, keeps = recorded(seen.config, seen.batch.block, system)
    place = seen.place(person_id)
    is_old = (seen.known.name_changed_day[place] > day) & (seen.known.name_changed_day[place] < 2**30)
    is_old |= keeps[place] & (seen.known.name_changed_day[place] < 2**30)
    is_swapped = swapped(seen, system)[place]
    at = pa.array(place)
    last = pc.if_else(pa.array(is_old), birth_family.take(at), family.take(at))
    first = given.take(at)
    return pc.if_else(pa.array(is_swapped), last, first), pc.if_else(pa.array(is_swapped), first, last)


def full_names(seen: Seen, system: str, person_id: Ints, day: Ints, *, last_first: bool = False) -> pa.Array:
    """In one field. A system that knows other scripts has some names in them."""
    given, family = names(seen, system, person_id, day)
    latin = pc.binary_join_element_wise(*((family, given, ", ") if last_first else (given, family, " ")))
    in_script = seen.person("name_in_script", person_id)
    is_native = seen.dice.uniform(f"{system}: script", person_id) < NATIVE
    return pc.if_else(pc.and_(pa.array(is_native), pc.is_valid(in_script)), in_script, latin)


@lru_cache(maxsize=32)  # the systems of a block
def recorded(config: Config, block: int, system: str) -> tuple[pa.Array, pa.Array, pa.Array, Array]:
    """Given, family and birth name of the people of a block, and who never told of a new name."""
    known, dice = known_of(config, block), Dice(config.seed)
    person = known.traits.people.person_id
    given = np.array(known.people["given_name"].to_pylist(), dtype=object)
    nickname = np.array(known.people["nickname"].to_pylist(), dtype=object)
    uses = (dice.uniform(f"{system}: nickname", person) < NICKNAME) & (nickname != None)  # noqa: E711
    given = np.where(uses, nickname, given)
    family, birth = (np.array(known.people[n].to_pylist(), dtype=object) for n in ("family_name", "birth_family_name"))
    for which, column in enumerate((given, family)):
        for at in np.flatnonzero(dice.uniform(f"{system}: typo", person, which) < TYPO).tolist():
            column[at] = mistyped(column[at], int(dice.bits(f"{system}: which typo", int(person[at]), which)[0] >> 8))
        for at in np.flatnonzero(dice.uniform(f"{system}: plain", person) < PLAIN).tolist():
            column[at] = column[at].translate(ASCII)
        for at in np.flatnonzero(dice.uniform(f"{system}: capitals", person) < CAPITALS).tolist():
            column[at] = column[at].upper()
    keeps = dice.uniform(f"{system}: old name", person) < OLD_NAME
    return (*(pa.array(column.tolist(), pa.string()) for column in (given, family, birth)), keeps)


def swapped(seen: Seen, system: str) -> Array:
    """Whose names stand in each other's field: more often where the family name comes first."""
    culture = pc.is_in(seen.known.people["culture"], pa.array(SWAPPED)).to_numpy(zero_copy_only=False)
    chance = np.where(culture, SWAP_ABROAD, SWAP)
    return seen.dice.uniform(f"{system}: swapped", seen.traits.people.person_id) < chance


def mistyped(name: str, number: int) -> str:
    """A letter lost, doubled, exchanged with the next, or missed by one key.

    >>> [mistyped("Martin", number) for number in (0, 1, 2, 3)]
    ['Mrtin', 'Maartin', 'Mratin', 'Msrtin']
    """
    if len(name) < 3:
        return name
    at = 1 + number // 4 % (len(name) - 2)
    before, sign, after = name[:at], name[at], name[at + 1 :]
    kind = number % 4
    if kind == 0:
        return before + after
    if kind == 1:
        return before + sign + sign + after
    if kind == 2:
        return before + after[0] + sign + after[1:]
    return before + NEIGHBOURS.get(sign.lower(), sign) + after


def emails(seen: Seen, system: str, person_id: Ints, slot: Array | int, unknown: float = 0.01) -> pa.Array:
    """As typed into the system: some in capitals, some with a typo in the host, some that stand for none."""
    address = seen.email(person_id, slot)
    chance = seen.dice.uniform(f"{system}: e-mail", person_id)
    address = pc.if_else(pa.array(chance < 0.04), pc.utf8_upper(address), address)
    mistaken = pc.replace_substring(address, "mail", "mial")
    address = pc.if_else(pa.array((chance >= 0.04) & (chance < 0.05)), mistaken, address)
    return pc.if_else(pa.array(chance > 1 - unknown), UNKNOWN_EMAIL, address)


def phones(seen: Seen, system: str, person_id: Ints, day: Ints, call_centre: float = 0.01) -> pa.Array:
    """Mobile or landline, in one of three spellings; of who has none to give, the call centre's own."""
    mobile, landline = seen.mobile(person_id, day), seen.landline(person_id)
    uses = pa.array(seen.dice.uniform(f"{system}: which phone", person_id) < 0.2)
    number = pc.coalesce(pc.if_else(uses, landline, None), mobile)
    style = seen.dice.uniform(f"{system}: phone style", person_id)
    spaced = pc.replace_substring_regex(number, r"^(\+\d+)(\d{3})(\d{4})$", r"\1 \2 \3")
    doubled = pc.replace_substring_regex(number, r"^\+", "00")
    number = pc.if_else(pa.array(style < 0.3), spaced, pc.if_else(pa.array(style > 0.9), doubled, number))
    is_centre = seen.dice.uniform(f"{system}: call centre", person_id) < call_centre
    return pc.if_else(pa.array(is_centre), CALL_CENTRE, number)
