"""The CRM: a record for whoever opened an account in the shop or joined the loyalty programme, often two for one.

It tells what changed, in numbered changes. What care writes down (cases, notes) names people as the agent heard them.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds import names
from simulator.feeds.changes import DELETE, INSERT, Changes, profile_changes
from simulator.feeds.feed import Broken, ByteOrderMark, Late, NoFinalNewline, RawFeed, Recorded, Resent
from simulator.feeds.formats import Avro, Csv, FixedWidth, JsonLines
from simulator.feeds.seen import Seen
from simulator.feeds.shop import order_numbers
from simulator.feeds.spelling import (
    dates,
    epoch_ms,
    letter_ids,
    none_where,
    picked,
    stamped,
    uuids,
    words,
)
from simulator.feeds.texts import joined
from simulator.warts import IMPOSSIBLE, NO_HOUSEHOLD, TOO_FEW, TORN_JSON
from simulator.world.config import NEVER
from simulator.world.events import TOPICS
from simulator.world.randomness import Array, Ints

NEW_YORK = "America/New_York"
TWICE = 0.30  # of those known to both the shop and the programme: each made a record of its own
TOLD_OF_HOUSEHOLD = 0.40


def account_ids(person_id: Ints, number: Array | int = 0) -> pa.Array:
    return letter_ids(person_id * 4 + number, "crm account", "001")


def known_since(seen: Seen) -> tuple[Ints, Ints]:
    """By person of the block: when the first record of them was made, and the second (NEVER for most)."""
    shop, loyalty = seen.batch.account_day, seen.batch.loyalty_day
    person = seen.traits.people.person_id
    first, later = np.minimum(shop, loyalty), np.maximum(shop, loyalty)
    twice = (later > first) & (seen.dice.uniform("crm: twice", person) < TWICE)
    return first, np.where(twice, later, NEVER)


def account_changes(seen: Seen) -> tuple[Changes, Ints]:
    """Changes of first and second records, and which of the two each is of."""
    first, second = known_since(seen)
    found = [profile_changes(seen, "crm", first, 0.01), profile_changes(seen, "crm, twice", second, 0.01)]
    number = np.repeat([0, 1], [len(each.at) for each in found])
    columns = [
        np.concatenate([getattr(each, name) for each in found])
        for name in ("person_id", "day", "file_day", "at", "kind")
    ]
    order = np.lexsort([number, columns[0], columns[3]])
    return Changes(*(column[order] for column in columns)), number[order]


def is_known(seen: Seen, person_id: Ints, day: Ints) -> Array:
    return known_since(seen)[0][seen.place(person_id)] <= day


def accounts(seen: Seen) -> Recorded:
    changed, number = account_changes(seen)
    who, day = changed.person_id, changed.day
    given, family = names.names(seen, "crm", who, day)
    given_2, family_2 = names.names(seen, "crm, twice", who, day)
    is_second, is_gone = pa.array(number == 1), changed.kind == DELETE
    address = seen.address(who, day)
    sex = seen.person("sex", who)
    columns = {
        "op": words(changed.kind, ("I", "U", "D")),
        "seq": changed.at // 1_000,
        "account_id": account_ids(who, number),
    }
    said = {
        "salutation": pc.if_else(pc.equal(sex, "F"), "Ms", "Mr"),
        "first_name": pc.if_else(is_second, given_2, given),
        "middle": seen.person("middle_initial", who),
        "last_name": pc.if_else(is_second, family_2, family),
        "suffix": seen.person("suffix", who),
        "birth_date": born(seen, who, "%d.%m.%Y"),
        "street": address["line_1"],
        "street_2": pc.if_else(pc.equal(address["line_2"], ""), None, address["line_2"]),
        "city": address["city"],
        "postal_code": address["postal_code"],
        "country": address["country"],
        "type": pc.case_when(
            pc.make_struct(seen.person("is_staff", who), seen.person("is_test", who)), "staff", "test", "b2c"
        ),
        "changed_at": stamped(changed.at, "%d.%m.%Y %H:%M:%S", NEW_YORK),
    }
    columns |= {name: value if name == "changed_at" else none_where(is_gone, value) for name, value in said.items()}
    record_id = none_where(changed.kind != INSERT, columns["account_id"])
    return Recorded(changed.file_day, columns, record_id=record_id, person_id=who)


def born(seen: Seen, person_id: Ints, pattern: str, system: str = "crm") -> pa.Array:
    """The birthday as it was told: some give none, and some the first of January."""
    day = seen.known.born_day[seen.place(person_id)]
    chance = seen.dice.uniform(f"{system}: birthday", person_id)
    first = (day.astype("datetime64[D]").astype("datetime64[Y]")).astype("datetime64[D]").astype(np.int64)
    told = dates(np.where(chance > 0.97, first, day))
    return none_where(chance < 0.35, pc.strftime(told, pattern))


def contacts(seen: Seen) -> Recorded:
    """An e-mail address and a telephone number of each account, and the number again when it changes."""
    changed, number = account_changes(seen)
    parts = []
    for kind, rows in ((0, np.flatnonzero(changed.kind != 1)), (1, np.arange(len(number)))):
        who, day = changed.person_id[rows], changed.day[rows]
        if kind == 0:
            value = names.emails(seen, "crm", who, number[rows], unknown=0.02)
        else:
            value = names.phones(seen, "crm", who, day, call_centre=0.02)
        is_gone = changed.kind[rows] == DELETE
        parts.append(
            {
                "place": rows,
                "id": letter_ids(who * 8 + number[rows] * 2 + kind, "crm contact", "003"),
                "value": none_where(is_gone, value),
                "type": none_where(is_gone, pa.array([("email", "phone")[kind]] * len(rows), pa.string())),
            }
        )
    rows = np.concatenate([part["place"] for part in parts])
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    texts = {
        name: pa.concat_arrays([combined(part[name]) for part in parts]).take(pa.array(order))
        for name in ("id", "value", "type")
    }
    columns = {
        "Op": words(changed.kind[rows], ("I", "U", "D")),
        "Seq": changed.at[rows] // 1_000,
        "ContactId": texts["id"],
        "AccountId": account_ids(changed.person_id[rows], number[rows]),
        "Type": texts["type"],
        "Value": texts["value"],
        "ChangedAt": stamped(changed.at[rows], "%m/%d/%Y %I:%M:%S %p", NEW_YORK),
    }
    record_id = none_where(changed.kind[rows] != INSERT, texts["id"])
    return Recorded(changed.file_day[rows], columns, record_id=record_id, person_id=changed.person_id[rows])


def combined(array: pa.Array | pa.ChunkedArray) -> pa.Array:
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def consents(seen: Seen) -> Recorded:
    """What people agreed to, by the address or number that they gave. Of who is no account yet, that is all it has."""
    said = seen.batch.tables["consents"]
    who, day = said["person_id"], said["day"]
    file_day = seen.file_day(day)
    key = (who * 8 + said["channel"]) * 8_192 + np.clip(day - seen.config.first_day + 2_048, 0, 8_191)
    is_by_phone = pa.array(np.isin(said["channel"], (1,)))
    email = names.emails(seen, "crm", who, 0, unknown=0.02)
    columns = {
        "consent_id": uuids(key * 4 + said["source"], "crm consent"),
        "account_id": none_where(~is_known(seen, who, day), account_ids(who)),
        "channel": words(said["channel"], ("email", "sms", "push", "onsite", "ads", "mail")),
        "granted": pa.array(said["is_granted"]),
        "given_by.email": pc.if_else(is_by_phone, None, email),
        "given_by.phone": pc.if_else(is_by_phone, names.phones(seen, "crm", who, day, 0.02), None),
        "source": words(said["source"], ("sign-up", "unsubscribe", "opt-out", "preference centre")),
        "changed_at": epoch_ms(said["at"]),
        "legal_text": words(said["source"] * 0, ("v2",)),
    }
    return Recorded(file_day, columns, record_id=columns["consent_id"], person_id=who)


def cases(seen: Seen) -> Recorded:
    """One for each contact with care."""
    came = seen.batch.tables["care"]
    who, day, key = came["person_id"], came["day"], came["contact_id"]
    columns = {
        "case_id": letter_ids(key, "crm case", "500"),
        "account_id": none_where(~is_known(seen, who, day), account_ids(who)),
        "contact_name": names.full_names(seen, "crm case", who, day),
        "contact_phone": names.phones(seen, "crm case", who, day, call_centre=0.25),
        "subject": words(came["topic"], TOPICS),
        "origin": words(came["kind"], ("phone", "chat", "web form")),
        "order_ref": none_where(
            (came["order_id"] < 0) | seen.is_store_order(np.maximum(came["order_id"], who << 16)),
            order_numbers(came["order_id"]),
        ),
        "priority": words(came["topic"] <= 2, ("normal", "high")),
        "opened_at": pa.array(came["at"]).cast(pa.timestamp("us", "UTC")),
    }
    return Recorded(day, columns, record_id=columns["case_id"], person_id=who)


def notes(seen: Seen) -> Recorded:
    """What the agent wrote down, in lines."""
    came = seen.batch.tables["care"]
    chosen = np.flatnonzero(seen.dice.uniform("crm: notes", came["contact_id"]) < 0.5)
    came = {name: values[chosen] for name, values in came.items()}
    who, day, key = came["person_id"], came["day"], came["contact_id"]
    topic = words(came["topic"], TOPICS)
    called = names.full_names(seen, "crm case", who, day)
    text = pc.if_else(
        pa.array(seen.dice.uniform("crm: long note", key) < 0.4),
        joined(["Spoke to ", called, ".\nAbout: ", topic, '.\nSays "never again"; promised to call back.'], ""),
        joined([called, " asked about ", topic, "; solved."], ""),
    )
    columns = {
        "note_id": letter_ids(key, "crm note", "002"),
        "case_id": letter_ids(key, "crm case", "500"),
        "author": picked(seen.dice, ("k.meyer", "j.doe", "s.patel", "bot"), "crm: author", key),
        "text": text,
        "written_at": stamped(came["at"], "%Y-%m-%d %H:%M", NEW_YORK),
    }
    return Recorded(day, columns)


def household_links(seen: Seen) -> Recorded:
    """Who told that they live with another customer; known when both have an account."""
    related = seen.known.relations
    one, other = (related[name].to_numpy() for name in ("person_id", "other_id"))
    since = known_since(seen)[0]
    day = np.maximum(since[seen.place(one)], since[seen.place(other)])
    told = seen.dice.uniform("crm: household", one, other) < TOLD_OF_HOUSEHOLD
    file_day = seen.file_day(day)
    here = np.flatnonzero(told & (day < NEVER) & (file_day >= seen.batch.first_day) & (file_day <= seen.batch.last_day))
    columns = {
        "account_id": account_ids(one[here]),
        "other_id": account_ids(other[here]),
        "kind": pc.utf8_upper(related["kind"].combine_chunks().take(pa.array(here))),
        "known_on": pc.strftime(dates(day[here]), "%Y%m%d"),
    }
    return Recorded(file_day[here], columns)


FEEDS = (
    RawFeed(
        name="crm_accounts",
        path="crm/accounts/accounts_{at:%Y%m%d}.csv",
        form=Csv(sep=";", encoding="cp1252", newline="\r\n"),
        record=accounts,
        wrong=(Broken(0, ((TOO_FEW, "I;1704067200000;001TORN"),)), Resent(0, after=3)),
    ),
    RawFeed(
        name="crm_contacts",
        path="crm/contacts/contacts_{at:%Y%m%d}.txt",
        form=Csv(sep="\t", encoding="utf-16"),
        record=contacts,
        wrong=(Broken(0, ((TOO_FEW, "I\t1704067200001\t003TORN"),)),),
    ),
    RawFeed(
        name="crm_consents",
        path="crm/consents/consents_{at:%Y-%m-%d}.jsonl.gz",
        form=JsonLines(),
        record=consents,
        since={"legal_text": 28},
        wrong=(Broken(0, ((TORN_JSON, '{"consent_id":"00'), (NO_HOUSEHOLD, '{"channel":"email","granted":true}'))),),
    ),
    RawFeed(
        name="crm_cases",
        path="crm/cases/cases_{at:%Y-%m}.avro",
        form=Avro("Case"),
        record=cases,
        every="month",
    ),
    RawFeed(
        name="crm_notes",
        path="crm/notes/notes_{at:%Y-%m}.csv",
        form=Csv(quote_all=True, encoding="utf-8", newline="\r\n"),
        record=notes,
        every="month",
        wrong=(ByteOrderMark(31), NoFinalNewline(0)),
    ),
    RawFeed(
        name="crm_household_links",
        path="crm/household_links/HHLINK_{at:%Y%m%d}.txt",
        form=FixedWidth({"account_id": 18, "other_id": 18, "kind": 8, "known_on": 8}, encoding="cp1252"),
        record=household_links,
        wrong=(
            Broken(
                0,
                (
                    (TOO_FEW, "001TORN"),
                    (IMPOSSIBLE, "001AAAAAAAAAAAAA  001BBBBBBBBBBBBB  PARTNER 20240230"),
                ),
            ),
            Late(0, by=2),
        ),
    ),
)
