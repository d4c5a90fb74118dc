"""Customer care: what agents hear, and what people write of themselves when they are annoyed."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds.channels import address_slots, customer_nos, happened, in_lists, local_text
from simulator.feeds.feed import Broken, Late, RawFeed, Recorded
from simulator.feeds.formats import FixedWidth, JsonDocument, Xml, joined
from simulator.feeds.names import emails, full_names, phones
from simulator.feeds.seen import Seen
from simulator.feeds.shop import order_numbers
from simulator.feeds.spelling import hex_ids, letter_ids, moments, none_where, number_ids, words
from simulator.world.events import TOPICS, Columns, chosen
from simulator.world.places import DAY_US, HOUR_US
from simulator.world.randomness import Array, Ints

CALL, CHAT, TICKET = range(3)
LONDON = "Europe/London"
CALL_WIDTHS = {
    "call_id": 12,
    "caller": 18,
    "name_given": 32,
    "topic": 20,
    "order_no": 16,
    "seconds": 5,
    "satisfaction": 1,
    "answered_at": 19,
}
OPENINGS = (
    "my parcel is not here",
    "it arrived broken",
    "where is my order?",
    "I want my money back",
    'does it come in "XL"?',
    "I cannot log in",
    "just wanted to say thanks",
)
ANSWERS = ("Let me check.", "Sorry to hear that!", "It is on its way.", "Done. Anything else?")


def contacts(seen: Seen, kind: int) -> Columns:
    return seen.events("care", kind=kind)


def numbers(rows: Columns) -> Ints:
    """Of the contact. Two by one person on one order are told apart by when they came."""
    found: Ints = rows["contact_id"] * 64 + rows["day"] % 64
    return found


def named_orders(seen: Seen, rows: Columns, share: float) -> pa.Array:
    """Not all have the number at hand."""
    knows = seen.dice.uniform("care: knows the order", rows["contact_id"]) < share
    return none_where(~knows | (rows["order_id"] < 0), order_numbers(rows["order_id"]))


def stars(seen: Seen, rows: Columns, share: float) -> pa.Array:
    says = seen.dice.uniform("care: says", rows["contact_id"]) < share
    return pa.array(np.clip(rows["satisfaction"], 1, 5).astype(np.int64), mask=~says)


def slots(seen: Seen, person_id: Ints) -> Ints:
    """Which of their addresses they write from: not always that of the order."""
    return address_slots(seen, "care")[seen.place(person_id)]


def calls(seen: Seen) -> Recorded:
    rows = contacts(seen, CALL)
    person, day = rows["person_id"], happened(rows)
    call_id = letter_ids(numbers(rows), "care: call")
    is_hidden = seen.dice.uniform("care: withheld", rows["contact_id"]) < 0.15
    call_id = pc.utf8_slice_codeunits(call_id, 0, 12)
    return Recorded(
        day=day,
        columns={
            "call_id": call_id,
            "caller": none_where(is_hidden, phones(seen, "care", person, day, call_centre=0.05)),
            "name_given": full_names(seen, "care", person, day),
            "topic": words(rows["topic"], TOPICS),
            "order_no": named_orders(seen, rows, 0.5),
            "seconds": np.minimum(rows["seconds"], 99_999),
            "satisfaction": stars(seen, rows, 0.4),
            "answered_at": local_text(rows["at"], LONDON, "%Y-%m-%d", " %H.%M.%S"),
        },
        record_id=call_id,
        person_id=person,
    )


def chats(seen: Seen) -> Recorded:
    rows = contacts(seen, CHAT)
    person, day = rows["person_id"], happened(rows)
    chat_id = hex_ids(numbers(rows), "care: chat")
    is_known = seen.dice.uniform("care: logged in", rows["contact_id"]) < 0.5
    return Recorded(
        day=day,
        minute=seen.minute(rows),
        columns={
            "id": chat_id,
            "began_at": moments(rows["at"], "ms"),
            "visitor.email": emails(seen, "care", person, slots(seen, person), unknown=0.05),
            "visitor.name": full_names(seen, "care", person, day),
            "visitor.customer": customer_nos(person, where=is_known),
            "topic": words(rows["topic"], TOPICS),
            "order": named_orders(seen, rows, 0.6),
            "messages": dialogues(seen, rows),
            "seconds": rows["seconds"],
            "rating.stars": stars(seen, rows, 0.5),
        },
        record_id=chat_id,
        person_id=person,
    )


def dialogues(seen: Seen, rows: Columns) -> pa.Array:
    """One opens it, the other answers, as often as it takes."""
    count = 2 + seen.dice.below(5, "care: turns", rows["contact_id"])
    starts = np.cumsum(count) - count
    of_chat = np.repeat(np.arange(len(count)), count)
    nth = np.arange(len(of_chat)) - starts[of_chat]
    text = np.where(nth == 0, rows["topic"][of_chat], len(OPENINGS) + nth % len(ANSWERS))
    said = words(text, tuple(each.replace('"', '\\"') for each in OPENINGS + ANSWERS))
    return in_lists(joined(['{"by":"', words(nth % 2, ("visitor", "agent")), '","text":"', said, '"}'], ""), starts)


def tickets(seen: Seen) -> Recorded:
    """As opened; and as closed, where that is done on the same day."""
    opened = contacts(seen, TICKET)
    closed_at, is_closed = closings(seen, opened)
    closed = chosen(opened, np.flatnonzero(is_closed))
    rows = {name: np.concatenate([values, closed[name]]) for name, values in opened.items()}
    state = np.repeat([0, 1], [len(opened["at"]), len(closed["at"])])
    updated = np.concatenate([opened["at"], closed_at[is_closed]])
    person, day = rows["person_id"], happened(rows)
    ticket_no = ticket_numbers(numbers(rows))
    says_phone = seen.dice.uniform("care: says the phone", rows["contact_id"]) < 0.3
    return Recorded(
        day=day,
        columns={
            "@no": ticket_no,
            "@status": words(state, ("open", "closed")),
            "requester.email": emails(seen, "care", person, slots(seen, person), unknown=0.03),
            "requester.phone": none_where(~says_phone, phones(seen, "care", person, day)),
            "requester.name": full_names(seen, "care", person, day, last_first=True),
            "topic": words(rows["topic"], TOPICS),
            "order_no": named_orders(seen, rows, 0.8),
            "body": joined([words(rows["topic"], OPENINGS), " <Sent from my phone> & thanks"], ""),
            "satisfaction": none_where(state == 0, stars(seen, rows, 0.5)),
            "opened_at": moments(rows["at"]),
            "updated_at": moments(updated),
        },
        record_id=ticket_no.slice(0, len(opened["at"])),
        person_id=person[: len(opened["at"])],
    )


def ticket_numbers(number: Ints) -> pa.Array:
    return joined(["T", pa.array(number_ids(number % (1 << 40), "care: ticket")).cast(pa.string())], "")


def closings(seen: Seen, rows: Columns) -> tuple[Ints, Array]:
    """When each ticket is closed, and whether that is on its own day."""
    at = rows["at"] + HOUR_US // 2 + seen.dice.below(20 * HOUR_US, "care: works", rows["contact_id"])
    local = seen.local(rows["person_id"], at, rows["day"])
    return at, local // DAY_US == rows["day"]


FEEDS = (
    RawFeed(
        name="care_calls",
        path="care/calls/CALLS.{at:%Y%m%d}.dat",
        form=FixedWidth(CALL_WIDTHS, encoding="latin-1"),
        record=calls,
        arrives=0,
        wrong=(Broken(9, (("a line of the operator", "*** TRUNK 4 DOWN 02:11 ***"),)), Late(16, by=5)),
    ),
    RawFeed(
        name="care_chats",
        path="care/chats/chats_{at:%Y-%m-%dT%H}.json",
        form=JsonDocument("chats"),
        record=chats,
        every="hour",
        arrives=0.2,
    ),
    RawFeed(
        name="care_tickets",
        path="care/tickets/tickets_{at:%Y-%m-%d}.xml",
        form=Xml("tickets", "ticket"),
        record=tickets,
        arrives=1,
    ),
)
