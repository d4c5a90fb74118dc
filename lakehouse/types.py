"""Spark types from their DDL, checked on import: pyspark parses them only once a session runs."""

import re

from pyspark.sql import types as T

PLAIN: dict[str, type[T.DataType]] = {
    "string": T.StringType,
    "boolean": T.BooleanType,
    "tinyint": T.ByteType,
    "smallint": T.ShortType,
    "int": T.IntegerType,
    "bigint": T.LongType,
    "float": T.FloatType,
    "double": T.DoubleType,
    "date": T.DateType,
    "timestamp": T.TimestampType,
    "binary": T.BinaryType,
}


def data_type(ddl: str) -> T.DataType:
    """The Spark type that `ddl` names, in lower case; ValueError where it names none.

    >>> data_type("array<struct<sku:string,price:decimal(18,2)>>").simpleString()
    'array<struct<sku:string,price:decimal(18,2)>>'
    """
    ddl = ddl.strip()
    if ddl in PLAIN:
        return PLAIN[ddl]()
    if match := re.fullmatch(r"decimal\((\d+), ?(\d+)\)", ddl):
        return T.DecimalType(int(match[1]), int(match[2]))
    if match := re.fullmatch(r"array<(.+)>", ddl):
        return T.ArrayType(data_type(match[1]))
    if match := re.fullmatch(r"map<(.+)>", ddl):
        key, value = parts(match[1])
        return T.MapType(data_type(key), data_type(value))
    if match := re.fullmatch(r"struct<(.+)>", ddl):
        fields = [part.split(":", 1) for part in parts(match[1])]
        return T.StructType([T.StructField(name.strip(), data_type(type_)) for name, type_ in fields])
    raise ValueError(f"{ddl!r} is not a Spark SQL type")


def parts(ddl: str) -> list[str]:
    """Split at the commas that are outside brackets.

    >>> parts("a:decimal(18,2),b:map<string,int>")
    ['a:decimal(18,2)', 'b:map<string,int>']
    """
    found, depth = [""], 0
    for character in ddl:
        depth += (character in "<(") - (character in ">)")
        if character == "," and depth == 0:
            found.append("")
        else:
            found[-1] += character
    return found
