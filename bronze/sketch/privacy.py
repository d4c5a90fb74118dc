"""Whom a column may tell of: a guess by its name, and by what its values look like. Rather too careful than not."""

import re
from collections.abc import Sequence

from lakehouse.tables import Privacy

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
PHONE = re.compile(r"\+\d[\d ()./-]{6,}\d")
WORDS: tuple[tuple[Privacy, str], ...] = (
    ("sensitive", "religion|health|diagnos|ethnic|income|marital|salary|disab|sexual|politic|passport|ssn|tax_?id"),
    (
        "personal",
        "e?_?mail|phone|mobile|telefon|tel|handy|fax|caller|first_?name|last_?name|middle|surname|forename|vorname"
        "|nachname|full_?name|name|holder|author|salutation|street|strasse|address|adresse|city|ort|town|zip|plz"
        "|post_?code|postal_?code|birth|birth_?date|born|dob|geburt\\w*|ip|lat|lon|latitude|longitude|last_?four|iban"
        "|gender|sex|age|comment|text|body|message|note",
    ),
    (
        "pseudonymous",
        "(customer|member|account|user|visitor|contact|household|person|party|client|kunde\\w*|session|cookie|device"
        "|card|token|profile|subscriber|push)(_?(id|no|nr|number|key|token|hash))?",
    ),
)


def privacy_of(name: str, texts: Sequence[str]) -> Privacy:
    """
    >>> privacy_of("customer_id", []), privacy_of("contact", ["a@b.example"]), privacy_of("units", ["3"])
    ('pseudonymous', 'personal', 'none')
    """
    few = texts[:200]
    if few and sum(bool(ADDRESS.fullmatch(each) or PHONE.fullmatch(each)) for each in few) > len(few) / 2:
        return "personal"
    snake = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
    for privacy, words in WORDS:
        if re.search(rf"(^|_)({words})($|_)", snake):
            return privacy
    return "none"
