"""What a text spells: a value of the declared type, or none. Nothing is guessed, rounded or cut off."""

import re
from collections.abc import Iterator
from functools import reduce

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T

from bronze.declaration import EPOCHS, NESTED_TYPES
from bronze.source import Field, Source
from lakehouse.types import data_type

# Without a whole day, Spark would take the first of a month or year, or the day on which a time of day is read.
FROM_A_DAY = r"^\s*\d{4}-\d{1,2}-\d{1,2}(\D|$)"
DAY = r"^\s*\d{4}-\d{1,2}-\d{1,2}\s*$"
FLOAT = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"  # Spark would take 12d, and 0x1p3, too
FLOATS, TEXTS = (T.FloatType, T.DoubleType), (T.StringType,)
WITH_ZONE = r":\d\d.*([A-Za-z]|[+-]\d{1,2}(:?\d{2})?)\s*$"


def spelling(f: Field) -> str:
    """How the column's texts are spelled, for a refusal to say.

    >>> spelling(Field("decimal(10,2)", decimal=",", thousands="."))
    ' like 1.234,5'
    """
    if f.pattern:
        return f" like {f.pattern}"
    if f.truth:
        return f" like {f.truth[0]} or {f.truth[1]}"
    if f.decimal != "." or f.thousands:
        whole = f.type.endswith("int")
        return f" like 1{f.thousands or ''}234{'' if whole else f'{f.decimal}5'}"
    return ""


def from_text(text: Column, f: Field, source: Source) -> Column:
    """The value that a text spells, null where it spells none."""
    if f.type == "string":
        return text
    if f.type.startswith(NESTED_TYPES):
        return nested(text, f)
    if f.type == "date":
        return day(text, f)
    if f.type == "timestamp":
        return moment(text, f, source)
    if f.type == "boolean":
        yes, no = (F.lit(each) for each in f.truth or ("true", "false"))
        said = F.trim(text) if f.truth else F.lower(F.trim(text))
        return F.when(said == yes, True).when(said == no, False)
    if f.type == "binary":
        return F.try_to_binary(text, F.lit("base64")) if source.format == "avro" else text.cast("binary")
    return number(with_point(F.trim(text), f), f)


def nested(text: Column, f: Field) -> Column:
    """A value of JSON, all of it: alone, Spark makes a part that is of another type null and says nothing, rounds a
    decimal, takes 200 for the tinyint -56, the first day for a month, and 1e400 for an infinity."""
    parsed, exact = parsed_as(f.type, text), exact_type(f.type)
    is_sound = parsed["_wrong"].isNull()
    if has(data_type(f.type), FLOATS):
        once = F.array(parsed["value"])  # or else it would be parsed anew for each number
        is_sound &= ~F.exists(once, lambda value: is_no_number(value, data_type(f.type)))
    if exact != f.type:
        said = F.to_json(parsed_as(exact, text)["value"])
        is_sound &= said.eqNullSafe(F.to_json(parsed["value"].cast(exact)))
    return F.when(is_sound, parsed["value"])


def parsed_as(type_: str, text: Column) -> Column:
    within = F.concat(F.lit('{"value":'), text, F.lit("}"))
    return F.from_json(within, f"value {type_}, _wrong string", {"columnNameOfCorruptRecord": "_wrong"})


def exact_type(type_: str) -> str:
    """The type that takes what a JSON text may say as it is: numbers are not rounded or wrapped, days not cut.

    >>> exact_type("array<struct<price:decimal(6,2),count:tinyint,date:date>>")
    'array<struct<price:decimal(38,34),count:int,date:string>>'
    """
    wide = re.sub(r"decimal\(\d+,\s*\d+\)", lambda found: f"decimal(38,{most_scale(found[0])})", type_)
    wide = re.sub(r"\b(tiny|small)int\b(?!\s*:)", "int", wide)
    return re.sub(r"\bdate\b(?!\s*:)", "string", wide)


def number(text: Column, f: Field) -> Column:
    value = text.try_cast(f.type)
    if f.type.startswith("decimal"):  # a cast would round
        return F.when(value == text.try_cast(f"decimal(38,{most_scale(f.type)})"), value)
    if f.type in ("float", "double"):
        return F.when(text.rlike(FLOAT) & (F.abs(value) < float("inf")), value)  # not too large
    return value


def is_no_number(value: Column, type_: T.DataType) -> Column:
    """Whether the value, or a number somewhere in it, is NaN or an infinity."""
    found = [
        (F.array_max(each) >= float("inf")) | (F.array_min(each) <= float("-inf"))  # for Spark, NaN is above all
        if is_many
        else F.abs(each) >= float("inf")
        for each, is_many in leaves(value, type_, FLOATS)
    ]
    return F.coalesce(reduce(Column.__or__, found), F.lit(False)) if found else F.lit(False)


def is_no_text(*values: tuple[Column, T.DataType]) -> Column:
    """Whether any text in the values is not UTF-8. They are looked at as one: what is between them completes none."""
    found = [each for value, type_ in values for each, _ in leaves(value, type_, TEXTS)]
    return ~F.is_valid_utf8(F.concat_ws("|", *found)) if found else F.lit(False)


def leaves(value: Column, type_: T.DataType, wanted: tuple[type[T.DataType], ...]) -> Iterator[tuple[Column, bool]]:
    """What is of the wanted types in a value: columns, each with whether it is an array of them."""
    if isinstance(type_, T.StructType):
        for field in type_.fields:
            yield from leaves(value[field.name], field.dataType, wanted)
    elif isinstance(type_, T.MapType):
        yield from leaves(F.map_entries(value), T.ArrayType(entry_of(type_)), wanted)
    elif not isinstance(type_, T.ArrayType):
        if isinstance(type_, wanted):
            yield value, False
    elif isinstance(type_.elementType, T.StructType):
        for field in type_.elementType.fields:
            yield from leaves(value[field.name], T.ArrayType(field.dataType), wanted)
    elif isinstance(type_.elementType, T.ArrayType):
        yield from leaves(F.flatten(F.filter(value, Column.isNotNull)), type_.elementType, wanted)
    elif isinstance(type_.elementType, T.MapType):
        entries = F.transform(F.filter(value, Column.isNotNull), F.map_entries)
        yield from leaves(F.flatten(entries), T.ArrayType(entry_of(type_.elementType)), wanted)
    elif isinstance(type_.elementType, wanted):
        yield value, True


def has(type_: T.DataType, wanted: tuple[type[T.DataType], ...]) -> bool:
    return any(True for _ in leaves(F.lit(None), type_, wanted))


def entry_of(type_: T.MapType) -> T.StructType:
    return T.StructType([T.StructField("key", type_.keyType), T.StructField("value", type_.valueType)])


def with_point(text: Column, f: Field) -> Column:
    """A number as Spark spells it; null where its digits are not grouped, or its decimals not set off, as declared."""
    if f.decimal == "." and not f.thousands:
        return text
    groups = f"[0-9]{{1,3}}(?:{re.escape(f.thousands)}[0-9]{{3}})+|" if f.thousands else ""
    is_spelled = text.rlike(f"^[+-]?(?:{groups}[0-9]*)(?:{re.escape(f.decimal)}[0-9]+)?(?:[eE][+-]?[0-9]+)?$")
    plain = F.replace(text, F.lit(f.thousands), F.lit("")) if f.thousands else text
    return F.when(is_spelled, F.replace(plain, F.lit(f.decimal), F.lit(".")))


def most_scale(decimal: str) -> int:
    """How many places are left beside the digits before the point.

    >>> most_scale("decimal(10,2)")
    30
    """
    precision, scale = (int(number) for number in re.findall(r"\d+", decimal))
    return 38 - (precision - scale)


def day(text: Column, f: Field) -> Column:
    if f.pattern and f.pattern in EPOCHS:
        return since_epoch(text, f.pattern).cast("date")
    if f.pattern:
        return in_century(F.try_to_date(text, f.pattern), f)
    return F.when(text.rlike(DAY), text.try_cast("date"))  # no day missing, and nothing after it


def moment(text: Column, f: Field, source: Source) -> Column:
    if f.pattern and f.pattern in EPOCHS:
        return since_epoch(text, f.pattern)
    if f.pattern:
        says_zone = F.lit(bool(re.search("[VzOXxZ]", re.sub("'[^']*'", "", f.pattern))))
        return in_timezone(in_century(F.try_to_timestamp(text, F.lit(f.pattern)), f), source, says_zone)
    spelled = F.when(text.rlike(FROM_A_DAY), text.try_cast("timestamp"))
    return in_timezone(spelled, source, text.rlike(WITH_ZONE))


def since_epoch(text: Column, pattern: str) -> Column:
    """A moment by the seconds or milliseconds since 1970. They are told apart by their digits: a feed that changes from
    one to the other is refused."""
    digits, decimals = EPOCHS[pattern]
    is_spelled = F.trim(text).rlike(f"^-?[0-9]{{{digits}}}([.][0-9]{{1,{decimals}}})?$")
    micros = F.trim(text).try_cast(f"decimal(22,{decimals})") * F.lit(10**decimals)
    return F.when(is_spelled, F.timestamp_micros(micros.try_cast("bigint")))


def in_century(value: Column, f: Field) -> Column:
    """A date whose year is told by two digits, in the hundred years from `from_year` on; null where they do not have it
    (29 February)."""
    if f.from_year is None:
        return value
    years = F.lit(f.from_year) + F.pmod(F.year(value) - F.lit(f.from_year), F.lit(100)) - F.year(value)
    moved = value + F.make_interval(years=years)
    return F.when(F.day(moved) == F.day(value), moved.cast(f.type))


def in_timezone(moment: Column, source: Source, says_zone: Column) -> Column:
    """A moment that was read as UTC, as the source meant it."""
    if source.timezone == "UTC":
        return moment
    return F.when(says_zone, moment).otherwise(F.to_utc_timestamp(moment, source.timezone))
