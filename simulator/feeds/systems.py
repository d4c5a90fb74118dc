"""All feeds of all systems."""

from itertools import chain

from simulator.feeds import (
    ads,
    app,
    care,
    catalog,
    crm,
    email,
    finance,
    logistics,
    loyalty,
    onsite,
    partners,
    pos,
    push,
    shop,
    sms,
    social,
    stores,
    surveys,
    web,
)

SYSTEMS = (
    crm, shop, pos, loyalty, web, app, email, sms, push, onsite, ads, social, care, surveys, catalog, stores, logistics,
    finance, partners,
)  # fmt: skip
FEEDS = tuple(chain.from_iterable(system.FEEDS for system in SYSTEMS))
BY_NAME = {feed.name: feed for feed in FEEDS}
