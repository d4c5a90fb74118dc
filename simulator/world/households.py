"""Who lives with whom: households, the people in them, and the changes of their lives that have a date.

People are numbered household by household. All of it is columns of numbers; identities.py makes names and addresses
of them.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from simulator.world import names
from simulator.world.config import NEVER, Config
from simulator.world.names import BY_COUNTRY, CULTURES
from simulator.world.places import CITY_COUNTRY, COUNTRIES, home_city
from simulator.world.randomness import Dice, Floats, Ints

KINDS = ("single", "couple", "couple with children", "single parent", "three generations")
KIND_SHARES = (0.30, 0.27, 0.28, 0.07, 0.08)
ADULTS = np.array([1, 2, 2, 1, 3])
MOST_CHILDREN = np.array([0, 0, 4, 2, 2])
ROLES = ("head", "partner", "grandparent", "child")
HEAD, PARTNER, GRANDPARENT, CHILD = range(4)
FEMALE, MALE = 0, 1

TWINS = 0.04  # of the children who are not the eldest: born with the one before
NAMED_AFTER_FATHER = 0.08  # of the eldest sons who have a father in the household
TAKES_THE_NAME = 0.70  # of the partners
NOT_YET_MARRIED = 0.15  # of the couples: they marry some day
STAFF = 0.01
TEST_ACCOUNTS = 0.002
MOVES_PER_YEAR = 0.09
JOBS_LOST_PER_YEAR = 0.03
ADULT_AGE = 16
YEAR = 365.25


@dataclass(frozen=True)
class Members:
    """The people of some households, as columns. Names are places in the lists of their culture."""

    person_id: Ints
    household_id: Ints
    role: Ints
    city: Ints
    new_city: Ints  # where the household lives from `moved_day`
    culture: Ints
    sex: Ints
    born_day: Ints
    given: Ints
    family: Ints
    birth_family: Ints  # the family name at birth: a maiden name where it differs
    is_twin: np.ndarray
    is_named_after_father: np.ndarray
    is_staff: np.ndarray
    is_test: np.ndarray
    moved_day: Ints
    married_day: Ints
    child_born_day: Ints
    job_lost_day: Ints

    def __len__(self) -> int:
        return len(self.person_id)

    @property
    def country(self) -> np.ndarray:
        return CITY_COUNTRY[self.city]

    def household_start(self) -> Ints:
        """The place of the first member of each person's household."""
        return np.searchsorted(self.household_id, self.household_id)


def sizes(dice: Dice, households: Ints) -> tuple[Ints, Ints]:
    kind = dice.choice(KIND_SHARES, "household kind", households)
    children = 1 + dice.below(MOST_CHILDREN[kind], "children", households)
    return kind, ADULTS[kind] + np.where(MOST_CHILDREN[kind] > 0, children, 0)


@lru_cache(maxsize=4)
def block_starts(seed: int, people: int, households_per_block: int) -> Ints:
    """The number of the first person of each block of households, and after the last block the number of people."""
    dice, starts = Dice(seed), [0]
    while starts[-1] < people:
        households = (len(starts) - 1) * households_per_block + np.arange(households_per_block)
        starts.append(starts[-1] + int(sizes(dice, households)[1].sum()))
    return np.minimum(starts, people)


def block_count(config: Config) -> int:
    return len(block_starts(config.seed, config.people, config.households_per_block)) - 1


def members(config: Config, block: int) -> Members:
    """The people of one block of households."""
    dice = Dice(config.seed)
    first, stop = block_starts(config.seed, config.people, config.households_per_block)[block : block + 2]
    households = block * config.households_per_block + np.arange(config.households_per_block)
    kind, size = sizes(dice, households)
    firsts = np.concatenate([[first], first + np.cumsum(size)])
    is_there = firsts[:-1] < stop
    households, kind = households[is_there], kind[is_there]
    size = np.diff(np.minimum(firsts, stop))[is_there]  # the last household may be cut short
    home = np.repeat(np.arange(len(households)), size)
    position = np.arange(len(home)) - np.repeat(np.cumsum(size) - size, size)
    person = np.arange(first, stop)
    household = households[home]
    role = roles(kind[home], position)
    nth_child = position - ADULTS[kind[home]]

    city = home_city(dice, "city", household)
    country = CITY_COUNTRY[city].astype(np.int64)
    culture = cultures(dice, household, country)
    sex = sexes(dice, household, person, role)
    is_twin = (role == CHILD) & (nth_child > 0) & (dice.uniform("twin", person) < TWINS)
    born = birthdays(config, dice, household, kind[home], role, nth_child, is_twin)

    has_partner = (role == PARTNER) & (kind[home] != 0)
    not_yet = dice.uniform("not yet married", household) < NOT_YET_MARRIED
    is_couple = ADULTS[kind[home]] >= 2
    wedding = config.first_day + dice.below(3 * YEAR, "wedding", household)
    married = np.where(not_yet & is_couple & (role <= PARTNER), wedding, NEVER)
    takes = has_partner & (dice.uniform("takes the name", household) < TAKES_THE_NAME)
    own_family = place_in("family", dice.uniform("family name", person) ** 1.7, culture)
    of_household = place_in("family", dice.uniform("family name", household) ** 1.7, culture)
    birth_family = np.where(has_partner, own_family, of_household)
    given = given_names(dice, person, culture, sex)
    after_father = named_after_father(dice, home, role, nth_child, sex, takes, household)
    father = np.searchsorted(home, home) + np.where(sex[np.searchsorted(home, home)] == MALE, 0, 1)
    given = np.where(after_father, given[np.minimum(father, len(given) - 1)], given)

    return Members(
        person_id=person,
        household_id=household,
        role=role,
        city=city,
        new_city=home_city(dice, "new city", household, country),
        culture=culture,
        sex=sex,
        born_day=born,
        given=given,
        family=np.where(takes, of_household, birth_family),
        birth_family=birth_family,
        is_twin=is_twin,
        is_named_after_father=after_father,
        is_staff=(role != CHILD) & (dice.uniform("staff", person) < STAFF),
        is_test=(role != CHILD) & (dice.uniform("test account", person) < TEST_ACCOUNTS),
        moved_day=first_day_of(config, dice, "move", household, MOVES_PER_YEAR),
        married_day=married,
        child_born_day=next_birth(config, home, role, born),
        job_lost_day=np.where(role <= PARTNER, first_day_of(config, dice, "job", person, JOBS_LOST_PER_YEAR), NEVER),
    )


def roles(kind: Ints, position: Ints) -> Ints:
    adults = np.array([[HEAD, CHILD, CHILD], [HEAD, PARTNER, CHILD], [HEAD, PARTNER, GRANDPARENT]])
    return np.where(position < 3, adults[ADULTS[kind] - 1, np.minimum(position, 2)], CHILD)


def cultures(dice: Dice, household: Ints, country: Ints) -> Ints:
    shares = np.cumsum([BY_COUNTRY[code] for code in COUNTRIES], axis=1) / 100
    return np.minimum((dice.uniform("culture", household)[:, None] > shares[country]).sum(axis=1), len(CULTURES) - 1)


def sexes(dice: Dice, household: Ints, person: Ints, role: Ints) -> Ints:
    heads = np.where(dice.uniform("sex of head", household) < 0.6, MALE, FEMALE)
    partners = np.where(dice.uniform("same sex", household) < 0.04, heads, 1 - heads)
    own = np.where(dice.uniform("sex", person) < 0.5, MALE, FEMALE)
    return np.select([role == HEAD, role == PARTNER], [heads, partners], own)


def birthdays(
    config: Config, dice: Dice, household: Ints, kind: Ints, role: Ints, nth_child: Ints, is_twin: np.ndarray
) -> Ints:
    """Partners are of like age, children at least 20 years younger, and some are born while the world goes on."""
    youngest, oldest = np.array([[19, 22, 24, 24, 30], [84, 84, 56, 52, 56]])[:, kind]
    head_age = youngest + (oldest - youngest) * dice.uniform("age", household)
    eldest_age = np.minimum(24, head_age - 20) * dice.uniform("eldest child", household)
    gap = np.where(is_twin, 0.0, 1.5 + 2.5 * dice.uniform("gap of siblings", household, nth_child.clip(0)))
    gap[(role != CHILD) | (nth_child <= 0)] = 0.0
    home_start = np.searchsorted(household, household)
    total = np.cumsum(gap)
    child_age = eldest_age - (total - total[home_start])
    partner_age = np.maximum(head_age + 3 * dice.normal("age of partner", household), 18)
    age = np.select(
        [role == HEAD, role == PARTNER, role == GRANDPARENT],
        [head_age, partner_age, head_age + 22 + 10 * dice.uniform("age of grandparent", household)],
        child_age,
    )
    return config.first_day - np.round(age * YEAR).astype(np.int64)


def place_in(part: str, chance: Floats, culture: Ints) -> Ints:
    return (chance * names.SIZES[part][culture]).astype(np.int64)


def given_names(dice: Dice, person: Ints, culture: Ints, sex: Ints) -> Ints:
    chance = dice.uniform("given name", person) ** 1.5
    return np.where(sex == FEMALE, place_in("female", chance, culture), place_in("male", chance, culture))


def named_after_father(
    dice: Dice, home: Ints, role: Ints, nth_child: Ints, sex: Ints, takes: np.ndarray, household: Ints
) -> np.ndarray:
    """Eldest sons whose father has the household's name: he is the head, or the partner who took it."""
    head = np.searchsorted(home, home)
    second = np.minimum(head + 1, len(home) - 1)
    is_father_partner = (home[second] == home) & (role[second] == PARTNER) & (sex[second] == MALE) & takes[second]
    has_father = (sex[head] == MALE) | is_father_partner
    is_eldest_son = (role == CHILD) & (nth_child == 0) & (sex == MALE)
    return is_eldest_son & has_father & (dice.uniform("after father", household) < NAMED_AFTER_FATHER)


def first_day_of(config: Config, dice: Dice, purpose: str, who: Ints, per_year: float) -> Ints:
    """The day of the first such event since the world began; each happens to a person once at most."""
    days = dice.exponential(YEAR / per_year, purpose, who)
    return config.first_day + np.minimum(days, 40 * YEAR).astype(np.int64) + 1


def next_birth(config: Config, home: Ints, role: Ints, born: Ints) -> Ints:
    """For parents, the day on which the first child is born that was not there when the world began."""
    first = np.full(home[-1] + 1, NEVER)
    later = (role == CHILD) & (born >= config.first_day)
    np.minimum.at(first, home[later], born[later])
    return np.where(role <= PARTNER, first[home], NEVER)
