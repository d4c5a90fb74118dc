"""A small geography: cities with their clocks, streets and stores."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from simulator.world.config import EPOCH, as_date
from simulator.world.randomness import Dice, Ints

COUNTRIES = ("US", "GB", "DE", "JP")
ZONES = (
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Europe/London",
    "Europe/Berlin",
    "Asia/Tokyo",
)
CURRENCIES = {"US": "USD", "GB": "GBP", "DE": "EUR", "JP": "JPY"}


@dataclass(frozen=True)
class City:
    name: str
    region: str
    country: str
    zone: str
    postal: str  # 9 is a digit, A a letter
    dialling: str
    weight: float
    stores: int


CITIES = (
    City("Harborview", "NY", "US", "America/New_York", "10999", "+1212", 12, 4),
    City("Millbrook", "MA", "US", "America/New_York", "02199", "+1617", 7, 2),
    City("Cedar Falls", "GA", "US", "America/New_York", "30399", "+1404", 6, 2),
    City("Lakeside", "IL", "US", "America/Chicago", "60699", "+1312", 9, 3),
    City("Prairie Grove", "TX", "US", "America/Chicago", "75299", "+1214", 8, 3),
    City("Silver Creek", "CO", "US", "America/Denver", "80299", "+1303", 4, 1),
    City("Santa Alma", "CA", "US", "America/Los_Angeles", "94199", "+1415", 10, 3),
    City("Port Ashby", "WA", "US", "America/Los_Angeles", "98199", "+1206", 4, 1),
    City("Thornbury", "Greater London", "GB", "Europe/London", "E9 9AA", "+4420", 9, 3),
    City("Kirkfield", "West Yorkshire", "GB", "Europe/London", "LS9 9AA", "+44113", 5, 2),
    City("Aberlyn", "Scotland", "GB", "Europe/London", "EH9 9AA", "+44131", 3, 1),
    City("Neustein", "Berlin", "DE", "Europe/Berlin", "10999", "+4930", 8, 3),
    City("Altmünster", "Bayern", "DE", "Europe/Berlin", "80999", "+4989", 6, 2),
    City("Rheinhafen", "Nordrhein-Westfalen", "DE", "Europe/Berlin", "50999", "+49221", 5, 2),
    City("Minatogawa", "Tokyo", "JP", "Asia/Tokyo", "15999", "+813", 4, 1),
)
STREETS = {
    "US": "Main St|Oak Ave|Maple Dr|Washington Blvd|Elm St|2nd Ave|Park Ln|Cedar Rd|Lincoln Ave|Pine St|Lake Dr|"
    "Hill Rd|Church St|Walnut St|Sunset Blvd|River Rd|Highland Ave|Spring St|Jefferson Way|Meadow Ln",
    "GB": "High Street|Station Road|Church Lane|Victoria Road|Green Lane|Manor Road|Mill Lane|The Crescent|Park Road|"
    "Queen Street|King's Road|St John's Close|Albert Terrace|Windsor Gardens|Chapel Street",
    "DE": "Hauptstraße|Bahnhofstraße|Schulstraße|Gartenweg|Lindenallee|Bergstraße|Goethestraße|Am Markt|Kirchgasse|"
    "Mühlenweg|Schillerstraße|Rosenweg|Waldstraße|Friedrichstraße|Königsplatz",
    "JP": "Sakura-dori|Chuo-dori|Midori-cho|Hikari-machi|Aoba-dori|Kawabata|Miyamae|Asahi-cho|Minami-cho|Nishi-dori",
}

CITY_COUNTRY = np.array([COUNTRIES.index(city.country) for city in CITIES], dtype=np.int8)
CITY_ZONE = np.array([ZONES.index(city.zone) for city in CITIES], dtype=np.int8)
STORE_CITY = np.repeat(np.arange(len(CITIES)), [city.stores for city in CITIES]).astype(np.int16)
FIRST_STORE = np.searchsorted(STORE_CITY, np.arange(len(CITIES))).astype(np.int16)
STORES_IN_CITY = np.array([city.stores for city in CITIES])

FIRST_KNOWN_DAY = (datetime(2015, 1, 1).date() - EPOCH).days
KNOWN_DAYS = 365 * 25
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


@lru_cache(maxsize=1)
def offsets() -> Ints:
    """By zone and day since FIRST_KNOWN_DAY: microseconds that the local clock is ahead of UTC, as it is at noon."""
    table = np.empty((len(ZONES), KNOWN_DAYS), dtype=np.int64)
    noon = datetime.combine(as_date(FIRST_KNOWN_DAY), datetime.min.time(), UTC) + timedelta(hours=12)
    noons = [noon + timedelta(days=day) for day in range(KNOWN_DAYS)]
    for zone, name in enumerate(ZONES):
        clock = ZoneInfo(name)
        table[zone] = [
            (noon.astimezone(clock).utcoffset() or timedelta()) // timedelta(microseconds=1) for noon in noons
        ]
    return table


def utc(zones: np.ndarray, local_us: Ints) -> Ints:
    """A local clock's microseconds since 1970 as UTC's."""
    return local_us - offsets()[zones, local_us // DAY_US - FIRST_KNOWN_DAY]


def store_table() -> pa.Table:
    """One row per store."""
    cities = [CITIES[city] for city in STORE_CITY]
    columns = {name: [getattr(city, name) for city in cities] for name in ("region", "country", "zone")}
    names = [f"{city.name} {number}" for number, city in enumerate(cities, start=1)]
    return pa.table({"store_id": np.arange(len(cities)), "name": names, "city": [c.name for c in cities]} | columns)


def home_city(dice: Dice, purpose: str, households: Ints, country: Ints | None = None) -> Ints:
    """Where households live; with `country`, a city of that one: people seldom move abroad."""
    weights = np.array([city.weight for city in CITIES])
    if country is None:
        return dice.choice(weights, purpose, households)
    chosen = np.zeros(len(households), dtype=np.int64)
    for code in range(len(COUNTRIES)):
        there = country == code
        chosen[there] = dice.choice(np.where(code == CITY_COUNTRY, weights, 0), purpose, households[there])
    return chosen
