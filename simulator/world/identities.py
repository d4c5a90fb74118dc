"""What people are called and reached by: the strings that systems record, with the dates between which they held.

Each table is Arrow; a feed takes from it what its system would have known on the day, and adds its own errors.
"""

import numpy as np
import pyarrow as pa

from simulator.world import names
from simulator.world.config import NEVER, Config
from simulator.world.households import CHILD, FEMALE, PARTNER, ROLES, Members
from simulator.world.names import ASCII, CULTURES, NAMES, NICKNAMES, native, romanised
from simulator.world.places import CITIES, COUNTRIES, STREETS
from simulator.world.randomness import Dice, Ints

FREE_MAIL = ("mailbox.example", "post.example", "inbox.example", "webmail.example", "quickmail.example")
WORK_MAIL = ("acme.example", "globex.example", "initech.example", "umbrella.example", "contoso.example")
BUSINESS_MAIL = "orrery-retail.example"  # of staff and test accounts
RECYCLED_PHONES = 0.03  # of the people: they give up a number, which another person is given
SHARED_TABLET = 0.35  # of the households with more than one person
LANDLINE = 0.40  # of the households
PRIME = 9_999_991
FACTORS = {  # one of its own for each use, so that no number of a person tells another
    "private": 7_919_317,
    "older": 3_104_729,
    "work": 5_485_863,
    "mobile": 2_452_843,
    "new mobile": 9_979_687,
    "landline": 8_028_121,
    "loyalty": 6_867_967,
}


def scrambled(numbers: Ints, use: str) -> Ints:
    """Another number for each number, never the same for two."""
    factor = FACTORS[use]
    return (numbers + factor % 9_973) % PRIME * factor % PRIME + numbers // PRIME * PRIME


def identities(config: Config, people: Members) -> dict[str, pa.Table]:
    dice = Dice(config.seed)
    of_people = person_table(dice, people)
    return {
        "people": of_people,
        "addresses": address_table(dice, people),
        "emails": email_table(dice, people, of_people),
        "phones": phone_table(config, dice, people),
        "devices": device_table(dice, people),
        "relations": relation_table(people),
        "life_events": life_event_table(people),
    }


def day_column(days: Ints) -> pa.Array:
    """As dates; a day that never comes is null."""
    return pa.array(days.astype(np.int32), mask=days >= NEVER).cast(pa.date32())


def looked_up(people: Members, part: str, place: Ints) -> list[str]:
    listings = [getattr(NAMES[culture], part) for culture in CULTURES]
    return [listings[culture][at] for culture, at in zip(people.culture.tolist(), place.tolist(), strict=True)]


def person_table(dice: Dice, people: Members) -> pa.Table:
    is_female = people.sex == FEMALE
    female, male = (
        looked_up(people, part, people.given % names.SIZES[part][people.culture]) for part in ("female", "male")
    )
    given = [f if is_f else m for f, m, is_f in zip(female, male, is_female.tolist(), strict=True)]
    family, birth_family = looked_up(people, "family", people.family), looked_up(people, "family", people.birth_family)
    in_script = [f"{native(g)} {native(f)}" if native(g) else None for g, f in zip(given, family, strict=True)]
    plain = [romanised(name) for name in given]
    middle = np.array([*"ABCDEFGHJKLMNPRSTW"], dtype=object)[dice.below(18, "middle", people.person_id)]
    return pa.table(
        {
            "person_id": people.person_id,
            "household_id": people.household_id,
            "role": np.array(ROLES)[people.role],
            "culture": np.array(CULTURES)[people.culture],
            "sex": np.where(is_female, "F", "M"),
            "born_on": day_column(people.born_day),
            "given_name": plain,
            "middle_initial": pa.array(middle, mask=dice.uniform("has middle", people.person_id) >= 0.4),
            "nickname": [NICKNAMES.get(name) for name in plain],
            "family_name": [romanised(name) for name in family],
            "birth_family_name": [romanised(name) for name in birth_family],
            "name_changed_on": day_column(np.where(people.family != people.birth_family, people.married_day, NEVER)),
            "name_in_script": pa.array(in_script, pa.string()),
            "suffix": pa.array(np.full(len(people), "Jr."), mask=~people.is_named_after_father),
            "loyalty_number": 6_000_000_000 + scrambled(people.person_id, "loyalty"),
            "is_staff": people.is_staff,
            "is_test": people.is_test,
            "is_twin": people.is_twin,
        }
    )


def address_table(dice: Dice, people: Members) -> pa.Table:
    """One row per household and home. The second holds from the day of the move."""
    first = np.flatnonzero(np.diff(people.household_id, prepend=-1))
    household = np.repeat(people.household_id[first], 2)
    number = np.tile([0, 1], len(first))
    city = np.where(number == 0, people.city[first].repeat(2), people.new_city[first].repeat(2))
    moved = people.moved_day[first].repeat(2)
    street = dice.bits("street", household, number)
    house = 1 + dice.below(180, "house", household, number)
    flat = dice.below(40, "flat", household, number)
    has_flat = dice.uniform("has flat", household, number) < 0.3
    rows: dict[str, list[str]] = {name: [] for name in ("line_1", "line_2", "city", "postal_code", "region", "country")}
    streets = {country: text.split("|") for country, text in STREETS.items()}
    code = dice.below(1_000_000, "postal code", household, number)
    for at, place in enumerate(CITIES[number] for number in city.tolist()):
        name = streets[place.country][int(street[at] % np.uint64(len(streets[place.country])))]
        is_number_last = place.country == "DE"
        rows["line_1"].append(f"{name} {house[at]}" if is_number_last else f"{house[at]} {name}")
        rows["line_2"].append(f"Apt {flat[at] + 1}" if has_flat[at] else "")
        rows["city"].append(place.name)
        rows["postal_code"].append(postal_code(place.postal, int(code[at])))
        rows["region"].append(place.region)
        rows["country"].append(place.country)
    table = pa.table({"household_id": household, "address_number": number} | rows)
    valid_from = np.where(number == 0, 0, moved)
    valid_to = np.where(number == 0, moved, NEVER)
    return table.append_column("valid_from", day_column(valid_from)).append_column("valid_to", day_column(valid_to))


def postal_code(pattern: str, digits: int) -> str:
    """`9` becomes a digit and `A` a letter; the pattern's own start stays."""
    filled = []
    for place, sign in enumerate(pattern):
        if sign == "9" and place > 0:
            filled.append(str(digits % 10))
            digits //= 7
        elif sign == "A":
            filled.append("ABDEFGHJLN"[digits % 10])
            digits //= 3
        else:
            filled.append(sign)
    return "".join(filled)


def email_table(dice: Dice, people: Members, of_people: pa.Table) -> pa.Table:
    """One to three a person: a private one, an older private one, one at work. No two people have the same."""
    count = email_counts(dice, people.person_id)
    given = [name.translate(ASCII).lower() for name in of_people["given_name"].to_pylist()]
    family = [clean(name) for name in of_people["family_name"].to_pylist()]
    birth_family = [clean(name) for name in of_people["birth_family_name"].to_pylist()]
    nickname = [(name or "").lower() for name in of_people["nickname"].to_pylist()]
    year = of_people["born_on"].to_numpy().astype("datetime64[Y]").astype(int) + 1970
    is_business = people.is_staff | people.is_test
    at, slot, address = [], [], []
    for number in range(3):
        tag = scrambled(people.person_id, ("private", "older", "work")[number])
        host = dice.below(len(FREE_MAIL), "mail host", people.person_id, number)
        style = dice.below(4, "mail style", people.person_id, number)
        for i in np.flatnonzero(count > number).tolist():
            last = birth_family[i] if number == 1 else family[i]
            first = nickname[i] or given[i] if style[i] == 1 else given[i]
            if number == 2:
                local, domain = f"{given[i]}.{last}{tag[i]}", WORK_MAIL[host[i]]
            else:
                local = (f"{first}.{last}{tag[i]}", f"{first}{tag[i]}", f"{first[0]}{last}{tag[i]}",
                         f"{first}{last}{year[i] % 100:02}.{tag[i]}")[style[i]]  # fmt: skip
                domain = BUSINESS_MAIL if is_business[i] and number == 0 else FREE_MAIL[host[i]]
            at.append(i)
            slot.append(number)
            address.append(f"{local}@{domain}")
    order = np.argsort(at, kind="stable")
    kinds = np.array(["private", "older", "work"])[slot]
    table = pa.table({"person_id": people.person_id[at], "slot": slot, "kind": kinds, "email": address})
    return table.take(order)


def email_counts(dice: Dice, person: Ints) -> Ints:
    return 1 + dice.choice((0.55, 0.35, 0.10), "emails", person)


def clean(family: str) -> str:
    return family.translate(ASCII).lower().replace("'", "").replace("-", "")


def phone_table(config: Config, dice: Dice, people: Members) -> pa.Table:
    """Mobiles, landlines of households, and numbers that passed from one person to another.

    Who gives a number up has another from that day; who is given it gives up the number from before.
    """
    person, country = people.person_id, people.country
    gives_up = dice.uniform("recycled", person) < RECYCLED_PHONES
    day = config.first_day + 30 + dice.below(640, "recycled on", person)
    rows = [(person, "mobile", numbers(people, scrambled(person, "mobile"), "7"), 0 * person, 0 * person + NEVER)]
    _, _, mobile, _, until = rows[0]
    for code in range(len(COUNTRIES)):
        givers = np.flatnonzero(gives_up & (country == code))
        givers = givers[: len(givers) // 2 * 2]
        giver, taker = givers[0::2], givers[1::2]
        until[giver], until[taker] = day[giver], day[giver] + 90
        fresh = numbers(people, scrambled(person, "new mobile"), "8")[giver]
        rows.append((person[giver], "mobile", fresh, day[giver], 0 * giver + NEVER))
        rows.append((person[taker], "recycled mobile", mobile[giver], day[giver] + 90, 0 * giver + NEVER))
    has_landline = dice.uniform("landline", people.household_id) < LANDLINE
    landline = np.flatnonzero(has_landline & (people.role != CHILD))
    shared = numbers(people, scrambled(people.household_id, "landline"), "3")[landline]
    rows.append((person[landline], "landline", shared, 0 * landline, 0 * landline + NEVER))
    columns = {
        "person_id": np.concatenate([row[0] for row in rows]),
        "kind": np.repeat([row[1] for row in rows], [len(row[0]) for row in rows]),
        "phone": np.concatenate([row[2] for row in rows]),
        "valid_from": day_column(np.concatenate([row[3] for row in rows])),
        "valid_to": day_column(np.concatenate([row[4] for row in rows])),
    }
    return pa.table(columns).sort_by([("person_id", "ascending"), ("valid_from", "ascending"), ("kind", "ascending")])


def numbers(people: Members, tag: Ints, first: str) -> np.ndarray:
    """In the international form: the city's code, then eight digits that no one else has."""
    codes = [CITIES[city].dialling for city in people.city.tolist()]
    return np.array(
        [f"{code}{first}{number:07}" for code, number in zip(codes, tag.tolist(), strict=True)], dtype=object
    )


def device_ids(dice: Dice, people: Members) -> tuple[Ints, Ints, Ints]:
    """Each person's phone, computer and the household's tablet; -1 where there is none."""
    person = people.person_id
    laptop = np.where(dice.uniform("computer", person) < 0.7, person * 8 + 1, -1)
    start = people.household_start()
    together = np.append(people.household_id[1:] == people.household_id[:-1], False)[start]
    has_tablet = together & (dice.uniform("tablet", people.household_id) < SHARED_TABLET)
    return person * 8, laptop, np.where(has_tablet, people.household_id * 8 + 7 + (1 << 40), -1)


def cookie_ids(dice: Dice, device: Ints, day: Ints) -> Ints:
    """A browser's cookie, until it is deleted: each device has a habit of so many weeks."""
    habit = 30 + dice.below(330, "cookie habit", device)
    epoch = (day + dice.below(360, "cookie phase", device)) // habit
    return (dice.bits("cookie", device, epoch) >> np.uint64(2)).astype(np.int64)


def device_table(dice: Dice, people: Members) -> pa.Table:
    """Who uses which device. A household's tablet has a row for each of its people."""
    kinds = ("phone", "computer", "tablet")
    person, kind, device = [], [], []
    for name, ids in zip(kinds, device_ids(dice, people), strict=True):
        used = ids >= 0
        person.append(people.person_id[used])
        kind.append(np.full(used.sum(), name))
        device.append(ids[used])
    table = {"person_id": np.concatenate(person), "kind": np.concatenate(kind), "device_id": np.concatenate(device)}
    return pa.table(table).sort_by([("person_id", "ascending"), ("device_id", "ascending")])


def relation_table(people: Members) -> pa.Table:
    """Partners, parents and twins, each pair once: `person_id` is the `kind` of `other_id`."""
    start = people.household_start()
    found = []
    partner = np.flatnonzero(people.role == PARTNER)
    found.append((people.person_id[partner], "partner", people.person_id[start[partner]]))
    child = np.flatnonzero((people.role == CHILD) & (people.household_id[start] == people.household_id))
    found.append((people.person_id[start[child]], "parent", people.person_id[child]))
    second = np.minimum(start[child] + 1, len(people) - 1)
    has_two = people.role[second] == PARTNER
    found.append((people.person_id[second[has_two]], "parent", people.person_id[child[has_two]]))
    twin = np.flatnonzero(people.is_twin)
    found.append((people.person_id[twin], "twin", people.person_id[twin - 1]))
    return pa.table(
        {
            "person_id": np.concatenate([row[0] for row in found]),
            "kind": np.repeat([row[1] for row in found], [len(row[0]) for row in found]),
            "other_id": np.concatenate([row[2] for row in found]),
        }
    )


def life_event_table(people: Members) -> pa.Table:
    """All that will happen to them, in the order of its day: the last of it may lie years ahead."""
    kinds = {
        "moved": people.moved_day,
        "married": people.married_day,
        "child born": people.child_born_day,
        "job lost": people.job_lost_day,
    }
    days = np.concatenate(list(kinds.values()))
    table = pa.table(
        {
            "person_id": np.tile(people.person_id, len(kinds)),
            "kind": np.repeat(list(kinds), len(people)),
            "on": day_column(days),
        }
    )
    return table.filter(pa.array(days < NEVER)).sort_by([("on", "ascending"), ("person_id", "ascending")])
