"""What type the texts of a column spell: only one that every text spells, as bronze would read it."""

import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import product
from typing import Any

WHOLE = re.compile(r"-?(0|[1-9]\d{0,17})")
POINT = re.compile(r"-?(\d+)\.(\d+)|-?(0|[1-9]\d*)")
FLOAT = re.compile(r"-?(\d+\.\d+([eE][+-]?\d+)?|\d+[eE][+-]?\d+|0|[1-9]\d{0,14})")
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
ISO_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:?\d{2})?")
EPOCHS = {"epoch_s": (946_684_800, 2_208_988_800), "epoch_ms": (946_684_800_000, 2_208_988_800_000)}  # 2000 to 2040
TRUTHS = (("Y", "N"), ("y", "n"), ("yes", "no"), ("Yes", "No"), ("YES", "NO"), ("J", "N"), ("j", "n"), ("ja", "nein"),
          ("Ja", "Nein"), ("T", "F"), ("t", "f"), ("1", "0"))  # fmt: skip
NULLS = ("NULL", "null", r"\N", "n/a", "N/A", "#N/A", "k.A.", "None", "none", "nan", "NaN", "NA", "-", "--", "?")

DAYS = ("dd.MM.yyyy", "d.M.yyyy", "dd/MM/yyyy", "d/M/yyyy", "MM/dd/yyyy", "M/d/yyyy", "dd-MM-yyyy", "yyyy/MM/dd",
        "yyyy.MM.dd", "dd.MM.yy", "d.M.yy", "dd/MM/yy", "d/M/yy", "MM/dd/yy", "M/d/yy", "dd MMM yyyy", "d MMM yyyy",
        "dd-MMM-yyyy", "MMM dd yyyy", "MMM d, yyyy", "yyyy-MM-dd")  # fmt: skip
TIMES = ("HH:mm:ss", "HH:mm", "HH:mm:ss.SSS", "HH.mm.ss", "HH.mm", "hh:mm:ss a", "h:mm:ss a", "hh:mm a", "h:mm a")
JOINTS = (" ", ", ", "'T'")
TIGHT = {"yyyyMMdd": "date", "yyyyMMddHHmm": "timestamp", "yyyyMMddHHmmss": "timestamp"}
PARTS = {  # of Spark's patterns: their regular expression, and strptime's
    "yyyy": (r"\d{4}", "%Y"), "yy": (r"\d{2}", "%y"), "MMM": ("[A-Z][a-z]{2}", "%b"), "MM": (r"\d{2}", "%m"),
    "M": (r"\d{1,2}", "%m"), "dd": (r"\d{2}", "%d"), "d": (r"\d{1,2}", "%d"), "HH": (r"\d{2}", "%H"),
    "hh": (r"\d{2}", "%I"), "h": (r"\d{1,2}", "%I"), "mm": (r"\d{2}", "%M"), "ss": (r"\d{2}", "%S"),
    "SSS": (r"\d{3}", "%f"), "a": ("AM|PM", "%p"),
}  # fmt: skip
LETTERS = re.compile("'[^']*'|" + "|".join(PARTS))

OF_TIME = re.compile(
    r"(^|_)(at|on|ts|time|date|datum|day|when|created|updated|changed|added|began|used|since|ms|s)($|_)"
)
OF_TRUTH = re.compile(r"^(is|has|was|can)_|flag|opted|granted|active")
OF_AN_ID = re.compile(r"(^|_)(id|no|nr|number|key|code|seq|lsn|member|customer|account)($|_)")
OF_BIRTH = re.compile("birth|born|geb|dob")


@dataclass(frozen=True)
class Spelled:
    """A type, what else a Field must say of its spelling, and what a person should know of the guess."""

    type: str
    how: dict[str, Any] = field(default_factory=dict)
    remark: str = ""


def spelled(texts: Sequence[str], name: str, sep: str = ",") -> Spelled:
    """The type that all of the texts spell; `string` where there is none, with what stood in the way."""
    if not texts:
        return Spelled("string", remark="no value in the sample")
    name = re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
    for guess in (truth, moment, whole, *((grouped, fraction) if sep == ";" else (fraction, grouped))):
        if found := guess(texts, name, sep):
            return found
    return Spelled("string", remark=why_text(texts, name, sep))


def why_text(texts: Sequence[str], name: str, sep: str) -> str:
    """Texts of which few stand out of what most of them spell."""
    distinct = list(dict.fromkeys(texts))
    if len(distinct) < 20:
        return ""
    for guess in (moment, whole, fraction):
        for start in (distinct[:20], distinct[-20:]):
            found = guess(start, name, sep)
            others = [text for text in distinct if not (found and guess([text], name, sep))]
            if found and len(others) <= len(distinct) // 20:
                return f"all but {len(others)} of {len(distinct)} values are {found.type}: {shown(others)}"
    return ""


def shown(texts: Iterable[str]) -> str:
    return ", ".join(repr(text[:40]) for text in list(texts)[:3])


def truth(texts: Sequence[str], name: str, sep: str) -> Spelled | None:
    found = set(texts)
    if found <= {"true", "false", "True", "False", "TRUE", "FALSE"}:
        return Spelled("boolean")
    for pair in TRUTHS:
        if found == set(pair) and (pair != ("1", "0") or OF_TRUTH.search(name)):
            return Spelled("boolean", {"truth": pair})
    return None


def whole(texts: Sequence[str], name: str, sep: str) -> Spelled | None:
    if not all(map(WHOLE.fullmatch, texts)):
        if all(text.lstrip("-").isdigit() and text.isascii() for text in texts):
            return Spelled("string", remark="digits with zeros before them, or too many for a number: kept as text")
        return None
    for pattern, (low, high) in EPOCHS.items():
        if OF_TIME.search(name) and all(low <= int(text) < high for text in texts):
            return Spelled("timestamp", {"pattern": pattern})
    in_time = {pattern: [t for t in texts if low <= int(t) < high] for pattern, (low, high) in EPOCHS.items()}
    like, most = max(in_time.items(), key=lambda each: len(each[1]))
    remark = ""
    if OF_TIME.search(name) and len(most) > len(texts) * 0.8:
        remark = f"all but {len(texts) - len(most)} of {len(texts)} values look like {like}"
    is_small = not OF_AN_ID.search(name) and all(abs(int(text)) < 10**8 for text in texts)
    return Spelled("int" if is_small else "bigint", remark=remark)


def fraction(texts: Sequence[str], name: str, sep: str) -> Spelled | None:
    if all(map(POINT.fullmatch, texts)):
        return decimal(texts, ".")
    is_float = all(FLOAT.fullmatch(text) and math.isfinite(float(text)) for text in texts)
    return Spelled("double") if is_float else None


def grouped(texts: Sequence[str], name: str, sep: str) -> Spelled | None:
    """Numbers with a decimal comma, or with their digits in groups. `1,234` alone may be either."""
    ways = [(",", "."), (".", ",")] if sep == ";" else [(".", ","), (",", ".")]
    if not any("," in text or "." in text for text in texts):
        return None
    for point, group in ways:
        number = re.compile(rf"-?(\d{{1,3}}(\{group}\d{{3}})+|\d+)(\{point}\d+)?")
        if all(map(number.fullmatch, texts)):
            found = decimal([text.replace(group, "") for text in texts], point)
            has_groups = any(group in text for text in texts)
            how = {**({"decimal": point} if point != "." else {}), **({"thousands": group} if has_groups else {})}
            marks = set("".join(texts)) - set("0123456789-")
            is_unclear = len(marks) == 1 and all(re.fullmatch(r"-?\d{1,3}\D\d{3}|-?\d+", text) for text in texts)
            remark = f"{shown(t for t in texts if marks & set(t))} could mean two numbers" if is_unclear else ""
            if how == {} and not has_groups:
                return fraction(texts, name, ",")
            return Spelled(found.type, how, remark)
    return None


def decimal(texts: Sequence[str], point: str) -> Spelled:
    """A decimal with room for numbers that are a thousand times larger."""
    parts = [text.lstrip("-").split(point) for text in texts]
    scale = max(len(part[1]) if len(part) > 1 else 0 for part in parts)
    if scale == 0:
        return Spelled("bigint")
    precision = max(max(len(part[0].lstrip("0")) for part in parts) + 3 + scale, 12)
    return Spelled(f"decimal({precision},{scale})" if precision <= 38 else "double")


def moment(texts: Sequence[str], name: str, sep: str) -> Spelled | None:
    if all(is_day(text) for text in texts):
        return Spelled("date")
    if all(is_moment(text) for text in texts):
        return Spelled("timestamp")
    for pattern, type_ in TIGHT.items():
        if len(texts[0]) == len(pattern) and (len(set(texts)) > 3 or OF_TIME.search(name)):
            reads = reader(pattern)
            if all(reads(text) and text[:2] in ("19", "20") for text in texts):
                return Spelled(type_, {"pattern": pattern})
    fitting = [pattern for pattern in patterns() if reader(pattern)(texts[0])]
    fitting = [pattern for pattern in fitting if all(map(reader(pattern), texts))]
    if not fitting:
        return None
    pattern = fitting[0]
    if pattern.endswith("a"):  # half a day: where that is written, months come first
        pattern = next((each for each in fitting if each.startswith("M")), pattern)
    how: dict[str, Any] = {"pattern": pattern}
    remark = ""
    if re.search(r"(?<!y)yy(?!y)", pattern):
        how["from_year"] = 1920 if OF_BIRTH.search(name) else 1970
        remark = f"two digits of a year: taken for one from {how['from_year']} on"
    if len({order_of(each) for each in fitting}) > 1:
        remark = f"day and month could be the other way round: {shown(texts[:1])}"
    return Spelled("timestamp" if re.search("[Hh]", pattern) else "date", how, remark)


def order_of(pattern: str) -> str:
    return "".join(dict.fromkeys(letter for letter in pattern if letter in "dMy"))


def is_day(text: str) -> bool:
    return ISO_DAY.fullmatch(text) is not None and reads_iso(text)


def is_moment(text: str) -> bool:
    return ISO_MOMENT.fullmatch(text) is not None and reads_iso(text)


def reads_iso(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def patterns() -> list[str]:
    return [*DAYS[:-1], *(f"{day}{joint}{time}" for day, joint, time in product(DAYS, JOINTS, TIMES))]


READERS: dict[str, Callable[[str], bool]] = {}


def reader(pattern: str) -> Callable[[str], bool]:
    """Whether a text is spelled as Spark's pattern says, to the digit."""
    if pattern not in READERS:
        shape, format_, at = "", "", 0
        for part in LETTERS.finditer(pattern):
            between = pattern[at : part.start()]
            digits, letters = PARTS.get(part[0], (part[0].strip("'"), part[0].strip("'")))
            shape, format_ = f"{shape}{re.escape(between)}({digits})", f"{format_}{between}{letters}"
            at = part.end()
        compiled = re.compile(shape)

        def reads(text: str) -> bool:
            if not compiled.fullmatch(text):
                return False
            try:
                datetime.strptime(text, format_)
            except ValueError:
                return False
            return True

        READERS[pattern] = reads
    return READERS[pattern]
