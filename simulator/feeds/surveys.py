"""The survey tool: it knows the address that it invited."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds.channels import address_slots, happened, known_once, local_text, offset_text
from simulator.feeds.feed import Broken, ByteOrderMark, RawFeed, Recorded
from simulator.feeds.formats import Csv, Xml
from simulator.feeds.seen import Seen
from simulator.feeds.spelling import hex_ids, none_where, picked, skus
from simulator.world.randomness import Ints

NPS, FEEDBACK = range(2)
TOKYO = "Asia/Tokyo"
GLAD = ("Great service; will come back", "Sehr schön", 'the "best" shop', "良かった")
SORRY = ("Too expensive", "Verspätet; enttäuscht", "staff was rude", "対応が遅い")


def addresses(seen: Seen, person_id: Ints) -> pa.Array:
    """Of the order."""
    slots = address_slots(seen, "checkout")[seen.place(person_id)]
    return seen.email(person_id, slots)


def comments(seen: Seen, survey_id: Ints, is_glad: np.ndarray) -> pa.Array:
    glad, sorry = (picked(seen.dice, words, "surveys: comment", survey_id) for words in (GLAD, SORRY))
    says = seen.dice.uniform("surveys: comments", survey_id) < 0.4
    return none_where(~says, pc.if_else(pa.array(is_glad), glad, sorry))


def nps(seen: Seen) -> Recorded:
    rows = seen.events("surveys", kind=NPS)
    person, survey = rows["person_id"], rows["survey_id"]
    email = addresses(seen, person)
    is_hidden = seen.dice.uniform("surveys: anonymous", survey) < 0.05
    email = none_where(is_hidden, email)
    return Recorded(
        day=happened(rows),
        columns={
            "response_id": hex_ids(survey, "surveys: nps"),
            "email": email,
            "score": rows["score"],
            "comment": comments(seen, survey, rows["score"] >= 7),
            "answered_at": local_text(rows["at"], TOKYO, "%Y/%m/%d", " %H:%M"),
        },
        **known_once(email, person),
    )


def product_feedback(seen: Seen) -> Recorded:
    rows = seen.events("surveys", kind=FEEDBACK)
    person, survey = rows["person_id"], rows["survey_id"]
    email = addresses(seen, person)
    return Recorded(
        day=happened(rows),
        columns={
            "@id": hex_ids(survey, "surveys: feedback"),
            "respondent": email,
            "product.@sku": skus(rows["product_id"]),
            "stars": rows["score"],
            "comment": comments(seen, survey, rows["score"] >= 4),
            "answered": offset_text(rows["at"], TOKYO),
        },
        **known_once(email, person),
    )


FEEDS = (
    RawFeed(
        name="surveys_nps",
        path="surveys/nps/nps_{at:%Y%m%d}.csv",
        form=Csv(sep=";"),
        record=nps,
        arrives=12,
        wrong=(
            Broken(12, (("a score in words", "00000000000000a7;a@b.example;zehn;;2024/01/13 10:00"),)),
            ByteOrderMark(14),
        ),
    ),
    RawFeed(
        name="surveys_product_feedback",
        path="surveys/product_feedback/feedback_{at:%Y%m}.xml",
        form=Xml("answers", "answer", encoding="iso-8859-1"),
        record=product_feedback,
        every="month",
        arrives=12,
    ),
)
