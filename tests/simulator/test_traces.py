"""What makes it hard to tell who is who is in the files that land, as the truth says that it is."""

from collections import Counter, defaultdict

import pandas as pd
import pyarrow.parquet as pq
import pytest

from simulator.feeds.names import CALL_CENTRE
from simulator.feeds.systems import FEEDS
from simulator.world.config import Config
from simulator.world.run import simulate
from tests.simulator.test_feeds_sales import SOURCES, Landed
from tests.simulator.worlds import on

PEOPLE, WEEKS = 1_500, 52


class Traced(Landed):
    """Records of feeds, with the person that each is of."""

    def rows(self, feed: str, column: str) -> pd.DataFrame:
        """Each row with its person: `column` is the id of the record."""
        table = pq.read_table(self.folder / f"truth/records/source={feed}", partitioning=None).to_pandas()
        person = table.groupby("record_id").person_id.min()
        rows = pd.DataFrame(self.good(feed))
        rows["person_id"] = rows[column].map(person)
        return rows.dropna(subset="person_id").astype({"person_id": int})

    def truth(self, name: str) -> pd.DataFrame:
        return pq.read_table(self.folder / "truth" / name).to_pandas()

    def accounts(self) -> pd.DataFrame:
        """Of the CRM, beside what the person is really called."""
        rows = self.rows("crm_accounts", "account_id")
        return rows[rows.op != "D"].merge(self.truth("people"), on="person_id", suffixes=("", "_true"))


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    folder = tmp_path_factory.mktemp("world")
    simulate(folder / "landing", Config(people=PEOPLE, seed=25), on(7 * WEEKS - 1), foresee_weeks=0)
    return Traced(folder)


def test_the_truth_knows_the_records_of_every_source_that_says_who_someone_is(traced):
    told = {path.name.removeprefix("source=") for path in (traced.folder / "truth/records").iterdir()}
    tells = {feed.name for feed in FEEDS if any(to.to == "silver.parties" for to in SOURCES[feed.name].feeds)}

    assert tells - told - ANSWERS.keys() == set()


ANSWERS = {  # they name records of another source of the same system
    "ads_clicks": ("{cookie_id}", "ads_impressions"),
    "ads_conversions": ("{cookie_id}", "ads_impressions"),
    "app_events": ("{device_id}", "app_screens"),
    "email_bounces": ("{subscriber_key}", "email_sends"),
    "email_clicks": ("{subscriber_key}", "email_sends"),
    "email_opens": ("{subscriber_key}", "email_sends"),
    "email_unsubscribes": ("{subscriber_key}", "email_sends"),
    "loyalty_redemptions": ("{member_no}", "loyalty_members"),
    "onsite_clicks": ("{visitor_kind}/{visitor_id}", "onsite_impressions"),
    "push_opens": ("{token}", "push_sends"),
    "sms_opt_outs": ("{msisdn}", "sms_sends"),
    "sms_replies": ("{msisdn}", "sms_sends"),
    "web_page_views": ("{cookie_id}", "web_sessions"),
}


@pytest.mark.parametrize("feed", ANSWERS)
def test_who_answers_is_a_record_that_the_truth_knows(feed, traced):
    record, of_source = ANSWERS[feed]

    assert {record.format(**row) for row in traced.good(feed)} <= traced.who(of_source).keys()


def test_files_come_by_the_minute_hour_day_month_and_year(traced):
    paths = Counter(feed.every for feed in FEEDS for _ in traced.manifest.of(feed.name))
    yearly = {feed.name for feed in FEEDS if feed.every == "year"}
    of_years = sorted(file.path for name in yearly for file in traced.manifest.of(name) if not file.repeated)

    assert {*paths} == {"minute", "hour", "day", "month", "year"}
    assert min(paths[every] for every in paths if every != "year") > 10
    assert of_years == [
        "partners/demographics/demographics_2024-01-01.csv",
        "partners/geography/areas_2024-01-01.txt",
        "stores/opening_hours/hours_2024.csv",
    ]


def test_local_times_are_those_of_five_zones_and_more():
    assert len({source.timezone for source in SOURCES.values()}) >= 6


def test_names_are_shortened_misspelled_written_in_capitals_and_swapped(traced):
    accounts = traced.accounts()
    first, last = accounts.first_name.str.lower(), accounts.last_name.str.lower()
    given, family = accounts.given_name.str.lower(), accounts.family_name.str.lower()
    as_they_are = (first == given) & (last == family)
    shares = {
        "nickname": (accounts.first_name == accounts.nickname).mean(),
        "capitals": accounts.last_name.str.isupper().mean(),
        "swapped": ((first == family) & (last == given)).mean(),
    }

    assert 0.5 < as_they_are.mean() < 0.95
    assert {name for name, share in shares.items() if not 0.003 < share < 0.2} == set()


def test_a_maiden_name_stays_with_some_systems_and_changes_in_others(traced):
    accounts = traced.accounts()
    married = accounts[accounts.name_changed_on.notna() & (accounts.birth_family_name != accounts.family_name)]
    names = married.groupby("account_id").last_name.agg(set)

    assert (married.last_name == married.birth_family_name).sum() > 3
    assert sum(len(found) > 1 for found in names) >= 1


def test_who_moves_is_told_of_with_the_new_address(traced):
    accounts = traced.accounts()
    addresses = traced.truth("addresses")
    new = addresses[addresses.address_number == 1].set_index("household_id").line_1
    moved = accounts[accounts.op == "U"].drop_duplicates("account_id", keep="last")
    is_new = moved.street == moved.household_id.map(new)

    assert is_new.sum() > 20


def test_a_number_that_was_given_up_is_another_persons_later(traced):
    phones = traced.truth("phones")
    recycled = phones[phones.kind == "recycled mobile"].phone.str.removeprefix("+")
    rows = traced.rows("crm_contacts", "ContactId")
    rows = rows[(rows.Type == "phone") & rows.Value.notna()]
    number = rows.Value.str.replace(" ", "").str.lstrip("+").str.removeprefix("00")
    owners = rows.groupby(number).person_id.nunique()

    assert (owners[owners.index.isin(recycled)] == 2).sum() >= 1


def test_people_of_a_household_give_the_same_landline(traced):
    household = traced.truth("people").set_index("person_id").household_id
    landlines = traced.truth("phones").query("kind == 'landline'").phone.str.removeprefix("+")
    shared = 0
    by_number: dict[str, set[int]] = defaultdict(set)
    for feed, column, phone in (("crm_contacts", "ContactId", "Value"), ("loyalty_members", "member_no", "mobile")):
        rows = traced.rows(feed, column).dropna(subset=phone)
        for value, person in zip(rows[phone], rows.person_id, strict=True):
            by_number[str(value).replace(" ", "").lstrip("+").removeprefix("00")].add(person)
    for number in set(landlines) & by_number.keys():
        assert len({household[person] for person in by_number[number]}) == 1
        shared += len(by_number[number]) > 1

    assert shared >= 2


def test_people_have_several_addresses_devices_and_cookies(traced):
    emails: dict[int, set[str]] = defaultdict(set)
    for feed, record, column in (("shop_orders", "Bestellnummer", "Email"), ("shop_customers", "id", "email")):
        rows = traced.rows(feed, record).dropna(subset=column)
        for person, address in zip(rows.person_id, rows[column].str.lower(), strict=True):
            emails[person].add(address)
    cookies = traced.rows("web_sessions", "cookie_id").groupby("person_id").cookie_id.nunique()
    devices = traced.truth("devices").groupby("person_id").size()

    assert 0.1 < sum(len(found) > 1 for found in emails.values()) / len(emails) < 0.9
    assert (cookies > 1).mean() > 0.3
    assert set(devices) == {1, 2, 3}


def test_twins_and_fathers_and_sons_are_among_the_records(traced):
    people, relations = traced.truth("people").set_index("person_id"), traced.truth("relations")
    known = {
        person
        for feed in ("crm_accounts", "loyalty_members", "shop_orders", "pos_tickets", "partners_demographics")
        for people_of in traced.who(feed).values()
        for person in people_of
    }
    parents = relations[relations.kind == "parent"]
    of_one_name = [
        (father, son)
        for father, son in zip(parents.person_id, parents.other_id, strict=True)
        if (people.given_name[father], people.family_name[father]) == (people.given_name[son], people.family_name[son])
    ]
    twins = relations[relations.kind == "twin"]

    assert sum(father in known and son in known for father, son in of_one_name) >= 1
    assert sum(one in known and other in known for one, other in zip(twins.person_id, twins.other_id, strict=True)) >= 1


def test_staff_and_test_accounts_are_among_the_customers(traced):
    people = traced.truth("people").set_index("person_id")
    accounts = traced.accounts()
    true_type = accounts.is_staff.map({True: "staff", False: "b2c"}).mask(accounts.is_test & ~accounts.is_staff, "test")
    known = {who for feed in ("shop_orders", "pos_tenders") for people in traced.who(feed).values() for who in people}
    addresses = traced.rows("crm_contacts", "ContactId").dropna(subset="Value")
    of_business = addresses[addresses.Value.str.lower().str.endswith("@orrery-retail.example")]

    assert (accounts.type == true_type).all()
    assert (accounts.type == "staff").sum() >= 1
    assert known & set(people.index[people.is_test])
    assert (people.is_staff | people.is_test)[of_business.person_id].all()
    assert len(of_business) > 1


def test_the_call_centre_is_the_number_that_most_records_have(traced):
    numbers = Counter(
        str(value).replace(" ", "").removeprefix("00").removeprefix("+")
        for feed, column in (("crm_contacts", "Value"), ("crm_cases", "contact_phone"), ("care_calls", "caller"))
        for row in traced.good(feed)
        if (value := row[column]) and "@" not in str(value)
    )
    ((first, most), (_, next_most)) = numbers.most_common(2)

    assert first == CALL_CENTRE.removeprefix("+")
    assert most > 3 * next_most
