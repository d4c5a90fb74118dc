"""All feeds of all systems."""

from itertools import chain

from simulator.feeds import catalog, crm, finance, logistics, loyalty, pos, shop, stores

FEEDS = tuple(
    chain.from_iterable(system.FEEDS for system in (catalog, crm, finance, logistics, loyalty, pos, shop, stores))
)
