"""The landing folder: which files are there, what they hold, and whether one is still as it was found."""

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pyarrow as pa

from bronze.records.content import is_local, open_file

BLOCK = 1 << 20
AT_ONCE = 4  # files that are hashed side by side
IN_A_ROW = 64  # by one thread, where there are many: to hand a small file to one takes as long as to hash it
CHANGED, DELETED = (f"the file was {what} before it was read" for what in ("changed", "deleted"))
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOUNTED = ("/Volumes/", "/dbfs/")  # stores that look like disks: a file's time may differ from the one that is listed


@dataclass(frozen=True)
class Found:
    """A file in the landing folder. `file` is its path there, `modified` its time in milliseconds since 1970, `content`
    the hash of what it holds, once that is known."""

    path: str
    file: str
    bytes: int
    modified: int
    content: str | None = field(default=None, compare=False)

    @property
    def arrived_at(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self.modified)


class ChangedError(Exception):
    """A file that was written to while it was read."""


class UnreadableFilesError(Exception):
    """Files that are there and cannot be opened for now."""


def listed(landing: str) -> Iterator[Found]:
    """Every file of a local landing folder, below linked folders too, and those of no bytes, which Spark's index leaves
    out. One whose name begins with . or _ is not there yet, as for Spark. What is there and is no file, such as a link
    that leads nowhere, is found like one: who opens it says why it cannot be read."""
    for folder, folders, files in os.walk(landing, onerror=refuse, followlinks=True):
        there = sorted(name for name in folders if not name.startswith((".", "_")))
        back = [name for name in there if leads_back(Path(folder, name), Path(landing))]
        folders[:] = [name for name in there if name not in back]
        for name in (*sorted(files), *back):
            path = Path(folder, name)
            if name.startswith((".", "_")):
                continue
            with suppress(FileNotFoundError):  # it was deleted meanwhile
                about = about_file(path)
                modified = about.st_mtime_ns // 1_000_000
                yield Found(str(path), path.relative_to(landing).as_posix(), about.st_size, modified)


def leads_back(folder: Path, landing: Path) -> bool:
    """Whether a folder is a link to one that it is in: below it, all would be there again and again."""
    if not folder.is_symlink():
        return False
    way = [each.resolve() for each in folder.parents if each.is_relative_to(landing)]
    return any(each.is_relative_to(folder.resolve()) for each in way)


def is_on_disk(path: str) -> bool:
    return is_local(path) and not path.startswith(MOUNTED)


def about_file(path: Path) -> os.stat_result:
    """Of a link that leads nowhere, what is known of the link."""
    try:
        return path.stat()
    except OSError:
        return path.lstat()


def refuse(error: OSError) -> None:
    raise error


def hashed(files: Sequence[Found]) -> tuple[list[tuple[Found, str]], dict[str, str]]:
    """The files with a hash of their content; and which cannot be opened for now, with the reason. A file that is
    written to meanwhile, or was deleted, is in neither: it has not arrived."""
    in_a_row = max(1, min(IN_A_ROW, len(files) // (4 * AT_ONCE)))
    shares = [files[at : at + in_a_row] for at in range(0, len(files), in_a_row)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found_of = pool.map(lambda share: [hash_or_error(each) for each in share], shares)
        hashes = list(zip(files, chain.from_iterable(found_of), strict=True))
    there = [(each, found) for each, found in hashes if not change(each.path, each)]
    readable = [(each, found) for each, found in there if isinstance(found, str)]
    return readable, {each.file: str(found) for each, found in there if isinstance(found, OSError)}


def hash_or_error(found: Found) -> str | OSError:
    try:
        if is_local(found.path):
            see_that_it_is_a_file(found.path)
        return content_hash(found.path)
    except (OSError, pa.ArrowInvalid) as error:
        return OSError(str(error))


def see_that_it_is_a_file(path: str) -> None:
    """Else a pipe would be waited for, and a name that is no text could not be noted."""
    mode, shown = Path(path).stat().st_mode, os.fsencode(path).decode("utf-8", "backslashreplace")
    if stat.S_ISDIR(mode):
        raise OSError(f"A link to a folder that it is in: '{shown}'")
    if not stat.S_ISREG(mode):
        raise OSError(f"Neither a file nor a folder: '{shown}'")
    if shown != path:
        raise OSError(f"A name that is not UTF-8, and must be another: '{shown}'")


def content_hash(path: str) -> str:
    digest = hashlib.sha256()
    with open_file(path) as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def change(path: str, planned: Found) -> str | None:
    """How a file is not as it was found; None where it is, or where only its store could tell. One that holds the same
    and was only touched is as it was."""
    if not is_local(path):
        return None
    try:
        about = about_file(Path(path))
    except FileNotFoundError:
        return DELETED
    is_older = is_on_disk(path) and about.st_mtime_ns // 1_000_000 != planned.modified
    if about.st_size == planned.bytes and (not is_older or (planned.content and content_hash(path) == planned.content)):
        return None
    found = f"{about.st_size:,} bytes of {EPOCH + timedelta(milliseconds=about.st_mtime_ns // 1_000_000):%F %T}"
    return f"{CHANGED}: expected {planned.bytes:,} bytes of {planned.arrived_at:%F %T}, found {found}"
