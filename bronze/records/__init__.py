"""Files into records, in a Spark task: every field as text, every record with its place and its raw form.

Nothing is typed here. A record that cannot be told apart from the next keeps its raw text and says why.
"""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc

from bronze.records.avro import read_avro
from bronze.records.delimited import read_csv
from bronze.records.fixed_width import read_fixed_width
from bronze.records.json_text import read_json_document, read_json_lines
from bronze.records.layout import Layout, UnreadableError, refused
from bronze.records.xml_elements import read_xml


def read_records(path: str, layout: Layout) -> Iterator[pa.RecordBatch]:
    """The records of one file, in their order. A file that breaks off ends with a record that says where and why."""
    reader: Callable[[str, Layout], Iterator[pa.RecordBatch]] = {
        "csv": read_csv,
        "jsonl": read_json_lines,
        "json": read_json_document,
        "xml": read_xml,
        "avro": read_avro,
        "fixed": read_fixed_width,
    }[layout.format]
    position = 0
    try:
        for batch in reader(path, layout):
            if batch.num_rows:
                position = max(position, pc.max(batch["_position"]).as_py())
                yield batch
    except UnreadableError as error:
        yield refused([(position + 1, error.rest, str(error))], layout)
    except (OSError, MemoryError):  # the machine's, not the file's: another attempt may read it
        raise
    except Exception as error:  # a fault of the reader: one file must not keep all others of its source out
        what = f"the rest of the file cannot be read: {type(error).__name__}: {error}"
        yield refused([(position + 1, None, what)], layout)
