"""How systems spell values: opaque ids, money, moments. All of whole columns at once."""

from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from simulator.feeds.texts import joined
from simulator.world.randomness import Array, Dice, Ints, mixed, purpose_key

HEX = np.array([f"{byte:02x}".encode() for byte in range(256)], dtype="S2")
LETTERS = np.frombuffer(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", dtype=np.uint8)  # Crockford's: none looks like another
HALF = np.uint64((1 << 20) - 1)


def opaque(numbers: Ints, use: str) -> Array:
    """64 bits for each number, never the same for two, that tell nothing of it or of another use's."""
    return mixed(numbers.astype(np.uint64) ^ purpose_key(0, use))


def hex_ids(numbers: Ints, use: str, prefix: str = "") -> pa.Array:
    """16 hexadecimal digits."""
    hashed = opaque(numbers, use).astype(">u8").view(np.uint8).reshape(-1, 8)
    return prefixed(prefix, HEX[hashed].view("S16").reshape(-1) if len(hashed) else np.empty(0, "S16"))


def letter_ids(numbers: Ints, use: str, prefix: str = "") -> pa.Array:
    """13 digits and capital letters."""
    hashed = opaque(numbers, use)
    shifts = np.arange(12, -1, -1, dtype=np.uint64) * np.uint64(5)
    signs = LETTERS[(hashed[:, None] >> shifts) & np.uint64(31)]
    return prefixed(prefix, np.ascontiguousarray(signs).view("S13").reshape(-1) if len(signs) else np.empty(0, "S13"))


def uuids(numbers: Ints, use: str) -> pa.Array:
    first, second = hex_ids(numbers, use), hex_ids(numbers, f"{use}, the rest")
    cut = [(first, 0, 8), (first, 8, 12), (first, 12, 16), (second, 0, 4), (second, 4, 16)]
    return joined([pc.utf8_slice_codeunits(text, start, end) for text, start, end in cut], "-")


def number_ids(numbers: Ints, use: str) -> Ints:
    """Numbers of up to 13 digits for numbers below 2^40, never the same for two: a Feistel network of 2 x 20 bits."""
    left, right = (numbers.astype(np.uint64) >> np.uint64(20)) & HALF, numbers.astype(np.uint64) & HALF
    for turn in range(4):
        hashed = mixed(right.copy() ^ purpose_key(turn, use))
        left, right = right, left ^ (hashed & HALF)
    return ((left << np.uint64(20)) | right).astype(np.int64)


def prefixed(prefix: str, texts: Array) -> pa.Array:
    array = pa.array(texts, pa.binary(texts.dtype.itemsize)).cast(pa.binary()).cast(pa.string())
    return joined([prefix, array], "") if prefix else array


def none_where(is_none: Array, texts: pa.Array) -> pa.Array:
    return pc.if_else(pa.array(is_none), pa.scalar(None, texts.type), texts)


def money(cents: Ints) -> pa.Array:
    """Cents as a decimal number with two places."""
    wide = np.empty((len(cents), 2), dtype=np.int64)
    wide[:, 0], wide[:, 1] = cents, cents.astype(np.int64) >> 63
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), [None, pa.py_buffer(wide.tobytes())])


def with_comma(amounts: pa.Array, thousands: str = "") -> pa.Array:
    """An amount as a text: 1.234,50."""
    text = pc.replace_substring(amounts.cast(pa.string()), ".", ",")
    if not thousands:
        return text
    return pc.replace_substring_regex(text, r"(\d)(\d{3}),", rf"\1{thousands}\2,")


def moments(at: Ints, unit: str = "s") -> pa.Array:
    """Microseconds since 1970 as UTC timestamps, for forms that write ISO 8601 with a Z."""
    return pa.array(at).cast(pa.timestamp("us", "UTC")).cast(pa.timestamp(unit, "UTC"), safe=False)


def stamped(at: Ints, pattern: str, zone: str = "UTC") -> pa.Array:
    """Moments on the clock of a zone, as a text by strftime's pattern."""
    ZoneInfo(zone)
    return pc.strftime(pa.array(at // 1_000_000).cast(pa.timestamp("s", zone)), pattern)


def epoch_s(at: Ints) -> pa.Array:
    return pa.array(at // 1_000_000)


def epoch_ms(at: Ints) -> pa.Array:
    return pa.array(at // 1_000)


def dates(days: Ints) -> pa.Array:
    return pa.array(days.astype(np.int32)).cast(pa.date32())


def words(codes: Array, vocabulary: tuple[str, ...]) -> pa.Array:
    """The word of each code, as the system has it."""
    return pa.array(vocabulary, pa.string()).take(pa.array(codes.astype(np.int64)))


def picked(dice: Dice, vocabulary: tuple[str, ...], purpose: str, *keys: Ints) -> pa.Array:
    """One of the words by chance, the same for the same keys."""
    return words(dice.below(len(vocabulary), purpose, *keys), vocabulary)


# Numbers that more than one system knows


def card_tokens(person_id: Ints, slot: Ints) -> pa.Array:
    """Of the payment provider, for a card: null for slot -1."""
    return none_where(slot < 0, hex_ids(person_id * 4 + np.maximum(slot, 0), "card", "tok_"))


def skus(product_id: Ints) -> pa.Array:
    """The number of a product; null for -1."""
    return none_where(product_id < 0, joined(["P", pa.array(100_000 + product_id.astype(np.int64)).cast("string")], ""))


def store_numbers(store_id: Ints) -> pa.Array:
    return pa.array(101 + store_id.astype(np.int64), mask=store_id < 0)


def campaign_codes(campaign_id: Ints) -> pa.Array:
    """The marketing calendar's number of a campaign; what the platform decided is NBA."""
    text = joined(["C", pa.array(10_000 + campaign_id.astype(np.int64)).cast("string")], "")
    return pc.if_else(pa.array(campaign_id < 0), "NBA", text)
