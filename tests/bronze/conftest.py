"""Files as a source lays them out, read without Spark."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from bronze.records import Layout, read_records

Read = Callable[..., list[dict]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """The records of a file with this content. Keywords are options of the layout; `name` tells how it is packed."""

    def read_content(
        content: str | bytes,
        *columns: str,
        format: str = "csv",
        paths: Mapping[str, str] | None = None,
        widths: Iterable[int] = (),
        nested: Mapping[str, str] | None = None,
        name: str = "file",
        keeps_raw: bool = True,
        **options: str,
    ) -> list[dict]:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        paths = paths or {column: column for column in columns or ("a", "b")}
        layout = Layout(format, paths, options, tuple(widths), nested or {}, keeps_raw)
        return [record for batch in read_records(str(path), layout) for record in batch.to_pylist()]

    return read_content
