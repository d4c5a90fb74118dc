"""Some of a source's files, and of long ones their beginning: enough to try a declaration on, or to sketch one."""

import os
from collections.abc import Sequence
from pathlib import Path

from bronze.landing import Found, listed
from bronze.records.content import is_local, pieces
from bronze.source import Source
from lakehouse.tables import ContractError

FILES = 20  # the newest
BYTES = 4 << 20  # of a file of lines, unzipped
LINES = ("csv", "jsonl", "fixed")


def claimed(landing: str, source: Source) -> list[Found]:
    """The files of the landing folder that a source claims, the newest first."""
    if not is_local(landing):
        raise ContractError(
            f"Cannot look into {landing}: expected a folder of this machine. Give the files themselves."
        )
    if not Path(landing).is_dir():
        return []
    return newest_first([each for each in listed(landing) if source.claims(each.file) and Path(each.path).is_file()])


def given(files: Sequence[Path], landing: str) -> list[Found]:
    """Files that a person names, the newest first. Those outside of the landing folder are known by their name."""
    missing = [str(path) for path in files if not path.is_file()]
    if missing:
        raise ContractError(f"Cannot read {', '.join(missing)}: expected files, found none there.")
    root = Path(landing).absolute()
    found = []
    for path in files:
        about, whole = path.stat(), path.absolute()
        file = whole.relative_to(root).as_posix() if whole.is_relative_to(root) else path.name
        found.append(Found(str(whole), file, about.st_size, about.st_mtime_ns // 1_000_000))
    return newest_first(found)


def newest_first(files: Sequence[Found]) -> list[Found]:
    return sorted(files, key=lambda each: (-each.modified, each.file))


def sampled(files: Sequence[Found], format: str, options: dict[str, str], folder: Path) -> list[Found]:
    """The newest files; of one of many lines a copy in `folder` that ends with a line. Other formats are read whole."""
    encoding = options.get("encoding", "utf-8").lower()
    is_cut = format in LINES and options.get("multiline") != "true" and not encoding.startswith(("utf-16", "utf-32"))
    return [beginning(each, folder / str(n)) if is_cut else each for n, each in enumerate(files[:FILES])]


def beginning(found: Found, copy: Path) -> Found:
    head = b""
    for piece in pieces(found.path):
        head += piece
        if len(head) > BYTES:
            break
    else:
        return found
    end = head.rfind(b"\n", 0, BYTES) + 1
    if not end:
        return found
    copy.write_bytes(head[:end])
    os.utime(copy, ns=(found.modified * 1_000_000, found.modified * 1_000_000))
    return Found(str(copy), found.file, end, found.modified)
