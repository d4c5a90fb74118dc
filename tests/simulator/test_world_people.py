"""Who the people are: households, names, addresses, and the traps for identity resolution in about their shares."""

import numpy as np
import pyarrow.compute as pc
import pytest

from simulator.world import households
from simulator.world.config import NEVER, SEGMENTS, Config
from simulator.world.households import CHILD, HEAD, MALE, PARTNER, members
from simulator.world.identities import RECYCLED_PHONES, identities
from simulator.world.randomness import Dice
from simulator.world.traits import traits

CONFIG = Config(people=20_000, seed=2, households_per_block=10_000)


@pytest.fixture(scope="module")
def people():
    return members(CONFIG, 0)


@pytest.fixture(scope="module")
def known(people):
    return identities(CONFIG, people)


def test_chance_is_even_and_belongs_to_its_key():
    dice = Dice(1)
    chance = dice.uniform("a", np.arange(200)[:, None], np.arange(500))

    assert np.histogram(chance, 10, (0, 1))[0] == pytest.approx(np.full(10, 10_000), rel=0.05)
    assert abs(np.corrcoef(chance[:, :-1].ravel(), chance[:, 1:].ravel())[0, 1]) < 0.01
    other = dice.uniform("b", np.arange(200)[:, None], np.arange(500))
    assert abs(np.corrcoef(chance.ravel(), other.ravel())[0, 1]) < 0.01
    assert dice.uniform("a", np.array([17]), np.array([400]))[0] == chance[17, 400]
    assert Dice(2).uniform("a", np.array([17]), np.array([400]))[0] != chance[17, 400]


def test_blocks_have_each_person_once_and_are_the_same_people_whatever_the_block():
    small = Config(people=3_000, seed=2, households_per_block=300)
    blocks = [members(small, block) for block in range(households.block_count(small))]
    whole = members(Config(people=3_000, seed=2, households_per_block=9_999), 0)

    assert np.concatenate([block.person_id for block in blocks]).tolist() == list(range(3_000))
    for name in ("household_id", "born_day", "given", "family", "sex", "moved_day"):
        np.testing.assert_array_equal(np.concatenate([getattr(b, name) for b in blocks]), getattr(whole, name), name)


def test_households_have_one_to_six_people(people):
    sizes = np.unique(people.household_id, return_counts=True)[1]

    assert set(sizes) == {1, 2, 3, 4, 5, 6}
    assert (np.bincount(people.household_id)[people.household_id] == 1).mean() == pytest.approx(0.11, abs=0.03)


def test_parents_are_older_than_children_and_partners_of_an_age(people):
    head = people.household_start()
    is_child, is_partner = people.role == CHILD, people.role == PARTNER
    years = (people.born_day - people.born_day[head]) / 365.25

    assert years[is_child].min() > 18
    assert np.abs(years[is_partner]).mean() < 4
    assert (people.role[head] == HEAD).all()


def test_twins_share_a_birthday_in_the_declared_share(people):
    twin = np.flatnonzero(people.is_twin)
    younger = (people.role == CHILD) & np.append(
        False, (people.role[:-1] == CHILD) & (np.diff(people.household_id) == 0)
    )

    assert (people.born_day[twin] == people.born_day[twin - 1]).all()
    assert len(twin) / younger.sum() == pytest.approx(households.TWINS, rel=0.35)


def test_sons_named_after_their_father_have_his_name(people, known):
    names = known["people"].to_pandas()
    sons = np.flatnonzero(people.is_named_after_father)
    eldest_sons = (people.role == CHILD) & np.append(True, people.role[:-1] != CHILD) & (people.sex == MALE)

    assert len(sons) / eldest_sons.sum() == pytest.approx(households.NAMED_AFTER_FATHER, rel=0.45)
    for son in sons[:50]:
        head = people.household_start()[son]
        father = head if people.sex[head] == MALE else head + 1
        assert people.sex[father] == MALE
        assert (names.given_name[father], names.family_name[father]) == (names.given_name[son], names.family_name[son])
        assert names.suffix[son] == "Jr."


def test_recycled_phones_pass_from_one_person_to_another_on_a_day(known):
    phones = known["phones"].to_pandas()
    recycled = phones[phones.kind == "recycled mobile"].merge(phones[phones.kind == "mobile"], on="phone")

    assert len(recycled) == (phones.kind == "recycled mobile").sum()
    assert (recycled.person_id_x != recycled.person_id_y).all()
    assert (recycled.valid_to_y < recycled.valid_from_x).all()
    assert 2 * len(recycled) / 20_000 == pytest.approx(RECYCLED_PHONES, rel=0.2)


def test_a_private_address_belongs_to_one_person_and_a_landline_to_a_household(known):
    assert known["emails"]["email"].combine_chunks().unique().__len__() == known["emails"].num_rows
    assert known["people"]["loyalty_number"].combine_chunks().unique().__len__() == 20_000
    phones = known["phones"].to_pandas()
    landlines = phones[phones.kind == "landline"].merge(known["people"].to_pandas()[["person_id", "household_id"]])
    assert (landlines.groupby("phone").household_id.nunique() == 1).all()
    assert (landlines.groupby("phone").person_id.nunique() > 1).mean() > 0.5
    mobiles = phones[phones.kind == "mobile"]
    assert mobiles.phone.is_unique


def test_names_collide_as_real_ones_do(known):
    names = known["people"].to_pandas()
    same = names.groupby(["given_name", "family_name"]).size()

    assert 0.3 < same[same > 1].sum() / same.sum() < 0.9
    assert names.name_in_script.notna().mean() == pytest.approx(0.18, abs=0.06)
    assert (names.birth_family_name != names.family_name).mean() == pytest.approx(0.17, abs=0.05)
    assert names.nickname.notna().any()


def test_a_marriage_changes_the_name_on_its_day(people, known):
    changed = known["people"].filter(pc.is_valid(known["people"]["name_changed_on"])).to_pandas()
    weddings = known["life_events"].filter(pc.equal(known["life_events"]["kind"], "married")).to_pandas()

    assert len(changed) > 100
    assert (changed.family_name != changed.birth_family_name).mean() > 0.95
    both = changed.merge(weddings, on="person_id")
    assert (both.name_changed_on == both.on).all()
    assert len(both) == len(changed)


def test_a_move_ends_one_address_and_begins_the_next(known):
    addresses = known["addresses"].to_pandas()
    first, second = (addresses[addresses.address_number == at].set_index("household_id") for at in (0, 1))

    assert (first.valid_to == second.valid_from).all()
    assert first.loc[first.valid_to.notna()].country.equals(second.loc[first.valid_to.notna()].country)


def test_rates_and_lifetimes_have_the_distribution_of_their_segment():
    of_all = traits(CONFIG, 0)
    adults = of_all.joined_day < NEVER

    assert adults.mean() == pytest.approx(0.70, abs=0.04)
    for code, segment in enumerate(SEGMENTS):
        mine = of_all.segment == code
        assert mine.mean() == pytest.approx(segment.share, abs=0.012)
        assert of_all.lam[mine].mean() * 7 == pytest.approx(segment.r / segment.alpha, rel=0.08)
        assert of_all.mu[mine].mean() * 7 == pytest.approx(segment.s / segment.beta, rel=0.08)
