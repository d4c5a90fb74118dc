"""All feeds of all systems."""

from itertools import chain

from simulator.feeds import pos

FEEDS = tuple(chain.from_iterable(system.FEEDS for system in (pos,)))
