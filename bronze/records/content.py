"""What a file holds: its bytes, unzipped, in blocks of whole lines, in UTF-8 whatever its encoding."""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pyarrow.fs as pa_fs

from bronze.records.layout import RAW_LIMIT, Layout, UnreadableError

BLOCK = 16 << 20  # bytes of a file that are worked on at once
LARGEST = 256 << 20  # bytes of what must be held in memory whole: a line, a document, a block
BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def blocks(path: str, layout: Layout) -> Iterator[bytes]:
    """The file's content in UTF-8, in blocks that end with a line; whole, where a record may span lines."""
    encoding = codecs.lookup(layout.options.get("encoding", "utf-8")).name
    has_lines = layout.format != "json" and not encoding.startswith(("utf-16", "utf-32"))
    is_whole = not has_lines or layout.options.get("multiline") == "true"
    rest = b""
    is_first = True

    def in_utf8(content: bytes) -> bytes:
        nonlocal is_first
        if is_first:
            content = content.removeprefix(BYTE_ORDER_MARK)
        text = recoded(content, encoding)
        if is_first:
            text = text.removeprefix(BYTE_ORDER_MARK)
        is_first = False
        return text

    try:
        for piece in pieces(path):
            rest += piece
            end = 0 if is_whole else rest.rfind(b"\n") + 1
            if end:
                yield in_utf8(rest[:end])
                rest = rest[end:]
            if len(rest) > LARGEST:
                break
    except UnreadableError as error:
        end = rest.rfind(b"\n") + 1 if has_lines else 0
        if end:
            yield in_utf8(rest[:end])
        raise UnreadableError(str(error), rest[end:].decode(encoding, "backslashreplace")) from error
    if len(rest) > LARGEST:
        what = "the file, whose records may span lines, is larger than" if is_whole else "a line does not end within"
        raise UnreadableError(f"{what} {LARGEST} bytes", rest[:RAW_LIMIT].decode(encoding, "backslashreplace"))
    if rest:
        yield in_utf8(rest)


def pieces(path: str) -> Iterator[bytes]:
    """The bytes of a file, unzipped where its name ends in .gz. One that breaks off gives all that it has."""
    try:
        opened = open_file(path)
    except FileNotFoundError as error:
        raise UnreadableError("the file was deleted before it was read") from error
    with opened as file:
        if not path.endswith(".gz"):
            while piece := file.read(BLOCK):
                yield piece
            return
        gathered = bytearray()
        try:
            with gzip.GzipFile(fileobj=file) as unzipped:
                while more := unzipped.read1(BLOCK):
                    gathered += more
                    if len(gathered) >= BLOCK:
                        yield bytes(gathered)
                        gathered.clear()
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            yield bytes(gathered)
            raise UnreadableError(f"the file breaks off: {error}") from error
        yield bytes(gathered)


def is_local(path: str) -> bool:
    """Whether it is a path of this machine (or mounted there), not an address of a store."""
    return re.match("[a-z][a-z0-9+.-]*:/", path) is None


def open_file(path: str) -> Any:
    """A local or mounted path, or an address of a store that Arrow knows (s3://, gs://, abfss://)."""
    if not is_local(path):
        filesystem, inner = pa_fs.FileSystem.from_uri(path)
        return filesystem.open_input_file(inner)
    return open(path, "rb")  # noqa: PTH123


def recoded(content: bytes, encoding: str) -> bytes:
    """The content in UTF-8. A byte that is not of the encoding becomes one that is not UTF-8: its record is refused."""
    if encoding == "utf-8":
        return content
    try:
        return content.decode(encoding, "surrogateescape").encode("utf-8", "surrogatepass")
    except UnicodeDecodeError as error:
        why = f"the file is not {encoding}: {error.reason} at byte {error.start + 1}"
        raise UnreadableError(why, content.decode(encoding, "backslashreplace")) from error


def is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def shown(raw: bytes) -> str:
    """Bytes that are not text, for a person to read: each one that spells nothing as \\xNN.

    >>> shown(recoded(b"caf\\xc3\\xa9 \\xff", "utf-8"))
    'café \\\\xff'
    """
    with suppress(UnicodeError):
        raw = raw.decode("utf-8", "surrogatepass").encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "backslashreplace")


def not_in_encoding(error: UnicodeDecodeError, layout: Layout) -> str:
    return f"not {layout.options.get('encoding', 'UTF-8')} at byte {error.start + 1}"
