"""What is put to people, by the business's own calendar or by the platform, and how they take it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from simulator.world.config import CHANNELS, EFFECT_DAYS, OFFERS, RESPONSES, Config, as_date
from simulator.world.identities import cookie_ids
from simulator.world.places import DAY_US, HOUR_US
from simulator.world.randomness import Array, Dice, Floats, Ints
from simulator.world.state import State
from simulator.world.traits import HATES

if TYPE_CHECKING:
    from simulator.world.week import Week

EMAIL, SMS, PUSH, ONSITE, ADS, MAIL = range(6)
PLATFORM = -1  # the campaign of what the platform decided
DELIVERED, BOUNCED, OPENED, CLICKED, UNSUBSCRIBED, REPLIED = range(6)
HOUR = {EMAIL: 9, SMS: 12, PUSH: 18, ONSITE: 13, ADS: 7, MAIL: 10}
ACTIVE_DAYS = 182


@dataclass(frozen=True)
class Campaign:
    """One mailing of the calendar. Who bought lately is chosen with the first probability, others with the second."""

    slot: int
    name: str
    channel: int
    offer: str
    weekday: int
    every: int  # weeks
    offset: int
    to_active: float
    to_others: float

    def runs(self, week: int) -> bool:
        return week % self.every == self.offset


CALENDAR = (
    Campaign(0, "newsletter", EMAIL, "message", 1, 1, 0, 0.90, 0.40),
    Campaign(1, "weekend offer", EMAIL, "discount_10", 4, 3, 1, 0.70, 0.30),
    Campaign(2, "free shipping days", EMAIL, "free_shipping", 4, 6, 3, 0.60, 0.30),
    Campaign(3, "flash sale", SMS, "discount_20", 5, 5, 2, 0.50, 0.20),
    Campaign(4, "app news", PUSH, "message", 3, 2, 0, 0.90, 0.50),
    Campaign(5, "double points", PUSH, "double_points", 3, 4, 1, 0.70, 0.40),
    Campaign(6, "banner", ONSITE, "message", 0, 2, 0, 0.80, 0.80),
    Campaign(7, "welcome back", ONSITE, "free_shipping", 0, 4, 1, 0.60, 0.60),
    Campaign(8, "retargeting", ADS, "message", 2, 2, 1, 0.30, 0.10),
    Campaign(9, "catalogue", MAIL, "message", 0, 13, 5, 0.50, 0.10),
    Campaign(10, "coupon booklet", MAIL, "discount_10", 0, 9, 4, 0.50, 0.10),
)


def campaigns(config: Config, last_day: int) -> pa.Table:
    """What was sent when: the business's own calendar up to a day."""
    found = []
    for week in range(config.week_of(last_day) + 1):
        for campaign in CALENDAR:
            day = config.monday(week) + campaign.weekday
            if campaign.runs(week) and day <= last_day:
                found.append(
                    {
                        "campaign_id": campaign_id(week, campaign),
                        "name": f"{campaign.name} {as_date(day)}",
                        "channel": CHANNELS[campaign.channel],
                        "offer": campaign.offer,
                        "starts_on": as_date(day),
                        "probability_if_active": campaign.to_active,
                        "probability_otherwise": campaign.to_others,
                    }
                )
    return pa.Table.from_pylist(found)


def campaign_id(week: int, campaign: Campaign) -> int:
    return week * 16 + campaign.slot


@dataclass
class Contacts:
    """One row per person, day and channel of the week; `who` is the place in the block, `at` the day of the week."""

    who: Ints
    at: Ints
    channel: Ints
    offer: Ints
    campaign_id: Ints

    def __len__(self) -> int:
        return len(self.who)


def contacts(week: "Week", browsed: Array) -> Contacts:
    """What reaches people in the week. Where the platform says something, the business's own does not go out."""
    found = [from_platform(week)]
    if week.config.campaigns:
        found += [from_business(week, campaign, browsed) for campaign in CALENDAR if campaign.runs(week.number)]
    who, at, channel, offer, campaign = (np.concatenate(columns) for columns in zip(*found, strict=True))
    place = (who * 7 + at) * len(CHANNELS) + channel
    _, first = np.unique(place, return_index=True)  # the platform's come first
    return Contacts(who[first], at[first], channel[first], offer[first], campaign[first])


def from_platform(week: "Week") -> tuple[Ints, ...]:
    actions = week.actions
    who = np.searchsorted(week.person_id, actions.person_id)
    return who, actions.day - week.monday, actions.channel, actions.offer, np.full(len(who), PLATFORM)


def from_business(week: "Week", campaign: Campaign, browsed: Array) -> tuple[Ints, ...]:
    state, dice = week.state, week.dice
    number = campaign_id(week.number, campaign)
    recency = week.monday - state.last_order_day
    probability = np.where(recency <= ACTIVE_DAYS, campaign.to_active, np.where(recency < 900, campaign.to_others, 0))
    probability *= state.consents[:, campaign.channel]
    if campaign.channel == ONSITE:
        who, at = np.nonzero(browsed & (week.traits.joined_day < week.monday)[:, None])
        seen = dice.uniform("campaign", number, week.person_id[who], at) < probability[who]
        who, at = who[seen], at[seen]
    else:
        who = np.flatnonzero(dice.uniform("campaign", number, week.person_id) < probability)
        at = np.full(len(who), campaign.weekday)
    offer = np.full(len(who), OFFERS.index(campaign.offer))
    return who, at, np.full(len(who), campaign.channel), offer, np.full(len(who), number)


def effects(week: "Week", contacts: Contacts, after: State) -> tuple[Floats, Floats]:
    """By person and day: what contacts do to the logs of the purchase rate and of the hazard, from the next day."""
    traits, state = week.traits, week.state
    worn = np.exp(-traits.fatigue * state.contacts)
    effect = traits.log_lift[contacts.who, contacts.channel, contacts.offer] * worn[contacts.who]
    lift = spread(contacts, effect, state.lift)
    offence = spread(
        contacts, traits.hazard_lift[contacts.who] * traits.openness[contacts.who, contacts.channel], state.offended
    )
    after.lift, after.offended = lift[:, 7:], offence[:, 7:]
    reached = np.bincount(contacts.who, weights=np.where(contacts.channel == ADS, 0.2, 1.0), minlength=len(traits))
    after.contacts = 0.75 * state.contacts + reached
    return lift[:, :7], offence[:, :7]


def spread(contacts: Contacts, effect: Floats, before: Floats) -> Floats:
    """An effect lies on the EFFECT_DAYS after its contact: the days of this week, and those carried into the next."""
    width = 7 + EFFECT_DAYS + 1
    starts = contacts.who * width + contacts.at + 1
    steps = np.bincount(starts, weights=effect, minlength=len(before) * width).astype(np.float64)
    steps -= np.bincount(starts + EFFECT_DAYS, weights=effect, minlength=len(before) * width)
    total = np.cumsum(steps.reshape(len(before), width), axis=1)[:, : 7 + EFFECT_DAYS]
    total[:, :EFFECT_DAYS] += before
    return total


@dataclass
class Clicks:
    """One row per message that was clicked: it leads to a visit."""

    who: Ints
    local_us: Ints
    channel: Ints
    campaign_id: Ints


def reactions(week: "Week", contacts: Contacts, alive: Array, after: State) -> Clicks:
    """What is sent, opened, clicked and resented. Who has gone still gets messages, and seldom looks at them."""
    traits, dice, state = week.traits, week.dice, week.state
    who, channel = contacts.who, contacts.channel
    day = week.days[contacts.at]
    message_id = (week.person_id[who] << 19) | ((day - week.config.first_day) << 3) | channel
    local_us = day * DAY_US + np.array([HOUR[code] for code in range(6)])[channel] * HOUR_US
    local_us += dice.below(HOUR_US // 2, "sent", message_id)
    is_ad = channel == ADS
    interest = np.where(alive[who, contacts.at], 1.0, 0.3) * np.exp(-0.04 * state.contacts[who])
    bounced = (channel == EMAIL) & (dice.uniform("bounce", message_id) < np.where(stale(week)[who], 0.9, 0.004))
    seen = ~bounced & ~is_ad & (dice.uniform("seen", message_id) < traits.openness[who, channel] * interest)
    clicked = (
        seen & (channel != MAIL) & (dice.uniform("clicked", message_id) < np.where(contacts.offer > 0, 0.30, 0.14))
    )
    hates = traits.attitude[who, channel] == HATES
    is_dog = traits.response[who] == RESPONSES.index("sleeping_dog")
    leaves = dice.uniform("leaves", message_id) < 0.0008 + 0.015 * hates + 0.004 * is_dog
    leaves &= ~bounced & ~is_ad & (channel != ONSITE)
    replied = (channel == SMS) & ~leaves & (dice.uniform("replies", message_id) < 0.006)
    sent = ~is_ad
    week.happenings.add(
        "messages", who[sent], local_us[sent], message_id=message_id[sent], channel=channel[sent],
        offer=contacts.offer[sent], campaign_id=contacts.campaign_id[sent],
    )  # fmt: skip
    seen_at = local_us + reading_delay(dice, message_id, channel)
    clicked_at = seen_at + 5_000_000 + dice.below(120_000_000, "click delay", message_id)
    for kind, rows, at in (
        (DELIVERED, (channel == SMS) | (channel == MAIL), local_us + np.where(channel == MAIL, 2 * DAY_US, 4_000_000)),
        (BOUNCED, bounced, local_us + 60_000_000),
        (OPENED, seen & (channel != MAIL) & (channel != SMS) & (channel != ONSITE), seen_at),
        (CLICKED, clicked, clicked_at),
        (UNSUBSCRIBED, leaves, seen_at + 30_000_000),
        (REPLIED, replied, seen_at + 90_000_000),
    ):
        chosen = np.flatnonzero(rows)
        week.happenings.add(
            "message_events", who[chosen], at[chosen], message_id=message_id[chosen], channel=channel[chosen],
            kind=kind, campaign_id=contacts.campaign_id[chosen],
        )  # fmt: skip
    left = np.flatnonzero(leaves & state.consents[who, channel])
    after.consents[who[left], channel[left]] = False
    source = np.where((channel == SMS) | (channel == PUSH), 2, 1)[left]
    week.happenings.add(
        "consents", who[left], seen_at[left] + 31_000_000, channel=channel[left], is_granted=False, source=source
    )
    ad_clicks = advertise(week, contacts, alive)
    to_visit = np.flatnonzero(clicked & (channel != ONSITE))
    return Clicks(
        np.concatenate([who[to_visit], ad_clicks.who]),
        np.concatenate([clicked_at[to_visit] + 2_000_000, ad_clicks.local_us]),
        np.concatenate([channel[to_visit], ad_clicks.channel]),
        np.concatenate([contacts.campaign_id[to_visit], ad_clicks.campaign_id]),
    )


def stale(week: "Week") -> Array:
    """Whose e-mail address does not work any more."""
    return week.dice.uniform("stale address", week.person_id) < 0.015


def reading_delay(dice: Dice, message_id: Ints, channel: Ints) -> Ints:
    hours = np.array([3.0, 0.3, 0.5, 0.02, 1.0, 24.0])[channel]
    delay = np.minimum(dice.exponential(hours, "reads after", message_id), 8 * hours)
    return 20_000_000 + (delay * HOUR_US).astype(np.int64)


def advertise(week: "Week", contacts: Contacts, alive: Array) -> Clicks:
    """A contact by ads is a few impressions over the days that follow, each on one of the person's cookies."""
    traits, dice = week.traits, week.dice
    shown = np.flatnonzero(contacts.channel == ADS)
    times = 1 + dice.geometric(1.5, "impressions", week.person_id[contacts.who[shown]], week.number)
    row = np.repeat(shown, times)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(times) - times, times)
    who = contacts.who[row]
    person = week.person_id[who]
    start = week.days[contacts.at[row]] * DAY_US + HOUR[ADS] * HOUR_US
    local_us = start + dice.below(3 * DAY_US, "impression at", person, week.number * 64 + nth)
    device = traits.devices[who, 0]
    cookie = cookie_ids(dice, device, local_us // DAY_US)
    cost = 800 + dice.below(3_000, "cost", person, week.number * 64 + nth)
    week.happenings.add(
        "ad_events", who, local_us, kind=0, cookie_id=cookie, campaign_id=contacts.campaign_id[row], cost_micros=cost
    )
    chance = 0.03 * traits.openness[who, ADS] * np.where(alive[who, contacts.at[row]], 1.0, 0.3)
    clicked = np.flatnonzero(dice.uniform("ad click", person, week.number * 64 + nth) < chance)
    clicked_at = local_us[clicked] + 3_000_000
    week.happenings.add(
        "ad_events", who[clicked], clicked_at, kind=1, cookie_id=cookie[clicked],
        campaign_id=contacts.campaign_id[row[clicked]], cost_micros=250_000,
    )  # fmt: skip
    return Clicks(who[clicked], clicked_at + 1_000_000, np.full(len(clicked), ADS), contacts.campaign_id[row[clicked]])
