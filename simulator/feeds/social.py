"""The tool that listens to social networks: it knows handles."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds.channels import happened, ids, in_lists, known_once, local_text, offset_text
from simulator.feeds.feed import Late, RawFeed, Recorded
from simulator.feeds.formats import Csv, JsonDocument, JsonLines, joined
from simulator.feeds.names import full_names
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import opaque, picked, words
from simulator.world.names import ASCII
from simulator.world.randomness import Ints

MENTION, MESSAGE, FOLLOW = range(3)
LOS_ANGELES = "America/Los_Angeles"
SAYS = (
    (
        "Never again. Parcel late, nobody answers.",
        "WHERE is my order?!",
        'they call it "express" — ha',
        "Schade, schade.",
    ),
    ("Picked up my order today", "anyone tried the new store?", "まあまあかな", "they have candles now"),
    ("Love it ❤️", "Best coffee in town\nand so friendly!", "Immer wieder gerne 👍", "shoes fit perfectly, thanks"),
)
HASHTAGS = ("#orrery", "#fail", "#haul", "#deal", "#love")
ALIASES = ("sunny", "night_owl", "the.real", "mrs", "dj", "captain")


def handles(seen: Seen, person_id: Ints) -> pa.Array:
    """Of the given name, or of a fancy one, and digits."""
    given = [name.translate(ASCII).lower() for name in seen.person("given_name", person_id).to_pylist()]
    alias = picked(seen.dice, ALIASES, "social: alias", person_id)
    is_fancy = pa.array(seen.dice.uniform("social: fancy", person_id) < 0.4)
    digits = pa.array(opaque(person_id, "social: handle") % np.uint64(10**9)).cast(pa.string())
    plain = pc.replace_substring_regex(pa.array(given, pa.string()), "[^a-z0-9]", "")
    return joined(["@", pc.if_else(is_fancy, alias, plain), digits], "")


def display_names(seen: Seen, person_id: Ints, day: Ints) -> pa.Array:
    """Their name, half of the time."""
    whole = full_names(seen, "social", person_id, day)
    is_hidden = pa.array(seen.dice.uniform("social: hides the name", person_id) < 0.5)
    return pc.if_else(
        is_hidden, picked(seen.dice, ("A. Nonymous", "🌻", "just me", "."), "social: name", person_id), whole
    )


def texts(seen: Seen, sentiment: Ints, person_id: Ints, at: Ints) -> pa.Array:
    every = tuple(text for of_mood in SAYS for text in of_mood)
    return words(sentiment.astype(np.int64) * 4 + seen.dice.below(4, "social: says", person_id, at), every)


def mentions(seen: Seen) -> Recorded:
    rows = seen.events("mentions", kind=MENTION)
    person, day, at = rows["person_id"], happened(rows), rows["at"]
    handle = handles(seen, person)
    count = seen.dice.below(3, "social: hashtags", person, at)
    of_post = np.repeat(np.arange(len(at)), count)
    nth = np.arange(len(of_post)) - np.repeat(np.cumsum(count) - count, count)
    tags = words((seen.dice.below(5, "social: first hashtag", person, at)[of_post] + nth) % 5, HASHTAGS)
    guess = rows["sentiment"] - 1 + 0.6 * (seen.dice.uniform("social: guess", person, at) - 0.5)
    return Recorded(
        day=day,
        columns={
            "id": ids(seen, "social: post", person, at),
            "created_at": local_text(at, LOS_ANGELES, "%b %d %Y", " %H:%M:%S"),
            "author.handle": handle,
            "author.name": display_names(seen, person, day),
            "author.followers": 5 + seen.dice.geometric(200, "social: followers", person),
            "text": texts(seen, rows["sentiment"], person, at),
            "entities.hashtags": in_lists(joined(['"', tags, '"'], ""), np.cumsum(count) - count),
            "analysis.sentiment": np.clip(np.round(guess, 2), -1, 1),
        },
        **known_once(handle, person),
    )


def messages(seen: Seen) -> Recorded:
    rows = seen.events("mentions", kind=MESSAGE)
    person, day, at = rows["person_id"], happened(rows), rows["at"]
    handle = handles(seen, person)
    return Recorded(
        day=day,
        columns={
            "id": ids(seen, "social: message", person, at),
            "from.handle": handle,
            "from.name": display_names(seen, person, day),
            "text": texts(seen, rows["sentiment"], person, at),
            "sent": offset_text(at, LOS_ANGELES),
        },
        **known_once(handle, person),
    )


def followers(seen: Seen) -> Recorded:
    rows = seen.events("mentions", kind=FOLLOW)
    person, day, at = rows["person_id"], happened(rows), rows["at"]
    handle = handles(seen, person)
    return Recorded(
        day=day,
        columns={
            "handle": handle,
            "display_name": display_names(seen, person, day),
            "network": picked(seen.dice, ("Chirper", "Fotogram", "Facepage"), "social: network", person),
            "followed_at": local_text(at, LOS_ANGELES, "%d %b %Y", ", %H:%M"),
        },
        **known_once(handle, person),
    )


FEEDS = (
    RawFeed(
        name="social_mentions",
        path="social/mentions/mentions_{at:%Y-%m-%d}.json",
        form=JsonDocument("posts", head='"tool":"listener 3",'),
        record=mentions,
        arrives=9,
    ),
    RawFeed(
        name="social_messages",
        path="social/messages/messages_{at:%Y-%m-%d}.jsonl",
        form=JsonLines(),
        record=messages,
        arrives=9,
    ),
    RawFeed(
        name="social_followers",
        path="social/followers/followers_{at:%Y-%m}.csv",
        form=Csv(quote_all=True),
        record=followers,
        every="month",
        arrives=9,
        wrong=(Late(12, by=3),),
    ),
)
