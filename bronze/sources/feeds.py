"""What many declarations say alike: that a source knows somebody, and that somebody was touched."""

from bronze.source import Feed

TYPED = ("given_name", "family_name", "full_name", "email", "phone", "street", "city", "postal_code", "country")


def party(party_id: str, source: str, *, where: str | None = None, **told: str) -> Feed:
    """Somebody whom a source knows, by its own number or by what it saw: each column of silver.parties in SQL.

    What people typed stays as it is, but for blanks around it; a text of nothing else is no value.

    >>> party("concat('shop/', id)", "shop", city="Ort").columns["city"]
    "nullif(trim(Ort), '')"
    """
    typed = {name: f"nullif(trim({text}), '')" for name, text in told.items() if name in TYPED}
    return Feed(
        to="silver.parties", columns={"party_id": party_id, "source": f"'{source}'", **told, **typed}, where=where
    )


def touch(
    channel: str, kind: str, *, touch_id: str, party_id: str, at: str, where: str | None = None, **about: str
) -> Feed:
    """A touch of a channel: which, whose and when, in SQL; and what it is `about`: message_id, product_id, ...

    >>> touch("app", "installed", touch_id="install_id", party_id="device_id", at="installed_at").columns["kind"]
    "'installed'"
    """
    columns = {
        "interaction_id": touch_id,
        "party_id": party_id,
        "channel": f"'{channel}'",
        "kind": f"'{kind}'",
        **about,
        "happened_at": at,
    }
    return Feed(to="silver.interactions", columns=columns, where=where)
