"""A sketched declaration as the text of a Python module, laid out as `ruff format` would."""

import json
from collections.abc import Iterable
from textwrap import wrap
from typing import Any

from bronze.sketch import FILL_IN, Sketch
from bronze.source import Field

WIDTH = 120
FIRST = ("type", "doc", "privacy")
DEFAULTS = Field("string")


def module_text(sketch: Sketch) -> str:
    """The module. It imports as it is; what only a person knows is marked FILL IN."""
    source = sketch.source
    options = ", ".join(f"{quoted(name)}: {quoted(value)}" for name, value in source.options.items())
    lines = [
        f'"""{FILL_IN}: which system sends {source.name}, when, and what is odd about it.',
        "",
        f"Sketched from sample files. Look for {FILL_IN}, and at each guess that a comment tells of.",
        '"""',
        "",
        "from bronze.source import Field, Source",
        "",
        f"{source.name.upper()} = Source(",
        f"    name={quoted(source.name)},",
        f"    doc={quoted(source.doc)},",
        f"    path={quoted(source.path)},",
        f"    format={quoted(source.format)},",
        *([f"    options={{{options}}},"] if options else []),
        *comments(sketch.of_layout, "    "),
    ]
    if not source.key:
        lines += comments([f"{FILL_IN}: no column or pair of columns comes once in each sample file"], "    ")
    lines += exploded("    key=", source.key)
    lines.append("    columns={")
    for name, column in source.columns.items():
        lines += comments([sketch.of_columns[name]] if name in sketch.of_columns else [], " " * 8)
        lines += field_lines(name, column)
    lines += ["    },", *comments(TO_SAY, "    "), ")", ""]
    return "\n".join(lines)


TO_SAY = (
    f"{FILL_IN} where it is not so: delivery='append', fresh_within=timedelta(days=2), timezone='UTC' of moments that "
    "do not say their own; newest_by; rules; feeds of silver.",
)


def comments(remarks: Iterable[str], indent: str) -> list[str]:
    lines = [line for each in remarks for line in wrap(" ".join(each.split()), WIDTH - len(indent) - 2)]
    return [f"{indent}# {line}" for line in lines]


def exploded(before: str, names: tuple[str, ...]) -> list[str]:
    inner = [quoted(name) for name in names]
    line = f"{before}({', '.join(inner)}{',' if len(inner) == 1 else ''}),"
    if len(line) <= WIDTH:
        return [line]
    return [f"{before}(", *(f"        {each}," for each in inner), "    ),"]


def field_lines(name: str, column: Field) -> list[str]:
    arguments = [quoted(column.type), quoted(column.doc)]
    if column.privacy != DEFAULTS.privacy:
        arguments.append(quoted(column.privacy))
    arguments += [
        f"{what}={written(value)}"
        for what, value in vars(column).items()
        if what not in FIRST and value != getattr(DEFAULTS, what)
    ]
    line = f"        {quoted(name)}: Field({', '.join(arguments)}),"
    if len(line) <= WIDTH:
        return [line]
    inner = f"            {', '.join(arguments)}"
    if len(inner) <= WIDTH:
        return [f"        {quoted(name)}: Field(", inner, "        ),"]
    return [f"        {quoted(name)}: Field(", *(f"            {each}," for each in arguments), "        ),"]


def written(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(map(written, value))})"
    return quoted(value) if isinstance(value, str) else repr(value)


def quoted(text: str) -> str:
    r"""
    >>> print(quoted('\\N'), quoted("\t"))
    "\\N" "\t"
    """
    return json.dumps(text, ensure_ascii=False)
