"""The landing folder: which files are there, what they hold, and whether one is still as it was found."""

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bronze.records.content import is_local, open_file

BLOCK = 1 << 20
AT_ONCE = 4  # files that are hashed side by side
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOUNTED = ("/Volumes/", "/dbfs/")  # where a file's time may differ from the one that its store lists


@dataclass(frozen=True)
class Found:
    """A file in the landing folder. `file` is its path there, `modified` its time in milliseconds since 1970."""

    path: str
    file: str
    bytes: int
    modified: int

    @property
    def arrived_at(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self.modified)


class ChangedError(Exception):
    """A file that was written to while it was read."""


def listed(landing: str) -> Iterator[Found]:
    """Every file of a local landing folder, those of no bytes too, which Spark's index leaves out. One whose name
    begins with . or _ is not there yet, as for Spark."""
    for folder, folders, files in os.walk(landing, onerror=refuse):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "_")))
        for name in sorted(files):
            path = Path(folder, name)
            if name.startswith((".", "_")) or not path.is_file():
                continue
            about = path.stat()
            modified = about.st_mtime_ns // 1_000_000
            yield Found(str(path), path.relative_to(landing).as_posix(), about.st_size, modified)


def refuse(error: OSError) -> None:
    raise error


def hashed(files: Sequence[Found]) -> Iterable[tuple[Found, str | None]]:
    """The files with a hash of their content; none where it cannot be read. A file that is written to meanwhile, or was
    deleted, is left out: it has not arrived."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        hashes = pool.map(content_hash, files)
        return [(each, found) for each, found in zip(files, hashes, strict=True) if not change(each.path, each)]


def content_hash(found: Found) -> str | None:
    digest = hashlib.sha256()
    try:
        with open_file(found.path) as file:
            while block := file.read(BLOCK):
                digest.update(block)
    except OSError:
        return None
    return digest.hexdigest()


def change(path: str, planned: Found) -> str | None:
    """How a file is not as it was found; None where it is, or where only its store could tell."""
    if not is_local(path):
        return None
    try:
        about = os.stat(path)  # noqa: PTH116
    except FileNotFoundError:
        return "the file was deleted before it was read"
    is_older = not path.startswith(MOUNTED) and about.st_mtime_ns // 1_000_000 != planned.modified
    if about.st_size == planned.bytes and not is_older:
        return None
    found = f"{about.st_size:,} bytes of {EPOCH + timedelta(milliseconds=about.st_mtime_ns // 1_000_000):%F %T}"
    return (
        "the file was changed before it was read: "
        f"expected {planned.bytes:,} bytes of {planned.arrived_at:%F %T}, found {found}"
    )
