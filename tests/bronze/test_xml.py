"""XML into records: one for each element of the row, whatever stands around it; what breaks it says where."""

import gzip
import json
import time
from encodings.aliases import aliases

import pytest

from bronze.records import content as bytes_of_files
from bronze.records import xml_elements
from tests.bronze.told import fields, refusals

ORDER = """<order id="1"><customer id="7"><name>M\u00fcller</name></customer><price cur="EUR">1.10</price></order>"""
PATHS = {"id": "@id", "who": "customer.@id", "name": "customer.name", "price": "price", "cur": "price.@cur"}


def test_values_are_found_at_their_paths_and_what_is_left_is_rescued(read):
    content = f"""<?xml version="1.0"?>
    <orders at="monday"><page>1</page>{ORDER}
      <order id="2" till="9"><note>x &amp; <![CDATA[<y>]]></note><tag>a</tag><tag>b</tag><empty/></order>
      <order/></orders>"""

    found = read(content, format="xml", paths=PATHS, row="order")

    assert fields(found, *PATHS) == [
        (1, "1", "7", "M\u00fcller", "1.10", "EUR"),
        (2, "2", None, None, None, None),
        (3, None, None, None, None, None),
    ]
    assert [r["_raw"] for r in found[::2]] == [ORDER, "<order/>"]
    assert json.loads(found[1]["_rescued"]) == {"@till": "9", "note": "x & <y>", "tag": ["a", "b"], "empty": None}
    assert (found[0]["_rescued"], found[2]["_rescued"]) == (None, None)


def test_a_nested_column_holds_json_of_its_type_and_a_list_of_one_is_a_list(read):
    content = """<orders>
      <order><line no="1"><sku>a</sku><count>2</count><till>9</till></line></order>
      <order><line><sku>b</sku><count>two</count></line><line no="2"><sku>c</sku></line></order></orders>"""

    found = read(
        content,
        format="xml",
        paths={"lines": "line"},
        nested={"lines": "array<struct<no:int,sku:string,count:int>>"},
        row="order",
    )

    assert [r["lines"] for r in found] == [
        '[{"no":1,"sku":"a","count":2}]',
        '[{"sku":"b","count":"two"},{"no":2,"sku":"c"}]',
    ]
    assert [r["_rescued"] for r in found] == ['{"line":[{"till":"9"}]}', None]


def test_an_element_that_is_there_twice_where_one_was_declared_refuses_its_record(read):
    found = read("<o><order><a>1</a><a>2</a></order><order><a>3</a></order></o>", "a", format="xml", row="order")

    assert refusals(found) == [(1, "<order><a>1</a><a>2</a></order>", "a: expected one element a, found 2")]
    assert fields(found, "a") == [(2, "3")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "cp1252", "shift_jis"])
def test_text_in_the_encoding_that_the_file_says(read, encoding):
    name = "\u30a8" if encoding == "shift_jis" else "M\u00fcller"
    content = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?><o><order><a>{name}</a></order></o>'

    assert fields(read(content.encode(encoding), "a", format="xml", row="order"), "a") == [(1, name)]


def test_the_declared_encoding_holds_against_what_the_file_says(read):
    content = '<?xml version="1.0" encoding="utf-8"?><o><order><a>M\u00fcller</a></order></o>'.encode("cp1252")

    assert fields(read(content, "a", format="xml", row="order", encoding="cp1252"), "a") == [(1, "M\u00fcller")]


BOMB = b"""<!DOCTYPE o [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><o><order><a>&b;</a></order></o>"""


@pytest.mark.parametrize(
    ("content", "good", "why"),
    [
        (b"<o><order><a>1</a></order><order><a>2</order></o>", 1, "line 1, column 40: mismatched tag"),
        (b"<o><order><a>1</a></order>\n<order><a>2", 1, "line 2, column 12: no element found"),
        (b"<o><order><a>1</a></order>", 1, "line 1, column 27: no element found"),
        (b"<o><order><a>1</a></order><order><a>\xff</a></order></o>", 1, "column 37: not well-formed"),
        (b"<o><order><a>1</a></order><order><a>&nobody;</a></order></o>", 1, "column 37: undefined entity"),
        (b"<o><order><a>1</a></order></o><o/>", 1, "column 31: junk after document element"),
        (b'<?xml version="1.0" encoding="klingon"?><o/>', 0, "says that it is in klingon, which is no encoding"),
        (b'<?xml version="1.0" encoding="rot13"?><o/>', 0, "says that it is in rot13, which is no encoding"),
        (b'<?xml version="1.0" encoding="idna"?><o/>', 0, "says that it is in idna, which is no encoding"),
        (b'<?xml version="1.0" encoding="punycode"?><o/>', 0, "says that it is in punycode, which is no encoding"),
        (b"<error>Service unavailable</error>", 0, "expected elements order, found error that holds text"),
        (b'<o xml:lang="en" status="error" code="503"/>', 0, "expected elements order, found o that holds attributes"),
        (b'<?xml version="1.0" encoding="utf-16"?><o/>', 0, "says that it is in utf-16, and is not"),
        (BOMB, 0, "line 1 declares a document type, which may hold entities: <!DOCTYPE o"),
        (b'<!DOCTYPE o SYSTEM "file:///etc/passwd"><o/>', 0, "declares a document type"),
        (b"<o><Order><a>1</a></Order></o>", 0, "expected elements order, found Order, a"),
        (b"", 0, "no element found"),
        (b"id,amount\n1,2\n", 0, "line 1, column 1: syntax error"),
    ],
)
def test_what_is_not_well_formed_ends_the_file_and_says_where(read, content, good, why):
    found = read(content, "a", format="xml", row="order")

    assert fields(found, "a") == [(1, "1")][:good]
    [(position, raw, reason)] = refusals(found)
    assert position == good + 1
    assert why in reason
    assert raw is None or raw in content.decode("utf-8", "backslashreplace")


def test_the_open_record_is_kept_as_text(read):
    [(_, raw, _)] = refusals(read("<o><order><a>1</a><b>two", "a", format="xml", row="order"))

    assert raw == "<order><a>1</a><b>two"


def test_what_the_root_says_in_attributes_alone_is_kept_as_text(read):
    [(_, raw, _)] = refusals(read('<o status="error" code="503"/>', "a", format="xml", row="order"))

    assert raw == 'status="error" code="503"'
    assert refusals(read('<o status="ok"><order><a>1</a></order></o>', "a", format="xml", row="order")) == []


def test_a_document_without_elements_has_no_records(read):
    schema = 'xmlns="http://our/orders" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespace="o.xsd"'
    for content in ("<orders/>", f"<orders {schema}>\n</orders>"):
        assert read(content, "a", format="xml", row="order") == []


def test_a_zipped_file_that_breaks_off_gives_what_came_before(read):
    content = "".join(f"<order><a>{number}</a></order>" for number in range(5000))
    zipped = gzip.compress(f"<o>{content}</o>".encode())

    found = read(zipped[: len(zipped) // 2], "a", format="xml", row="order", name="file.gz")

    good = fields(found, "a")
    assert good == [(number, str(number - 1)) for number in range(1, len(good) + 1)]
    assert len(good) > 1000
    [(position, _, why)] = refusals(found)
    assert position == len(good) + 1
    assert why.startswith("the file breaks off: ")


@pytest.mark.parametrize("step", [1, 7, 64])
def test_the_records_are_the_same_whatever_is_parsed_at_once(read, monkeypatch, step):
    around = "<?xml version='1.0' encoding='utf-8'?><o x='&lt;'>{}</o>"
    content = around.format(f"{ORDER}<!-- <order> -->{ORDER}<order/><a><order id='5'/></a>")
    whole = read(content, format="xml", paths=PATHS, row="order")
    monkeypatch.setattr(xml_elements, "STEP", step)
    monkeypatch.setattr(bytes_of_files, "BLOCK", step)

    assert read(content, format="xml", paths=PATHS, row="order") == whole
    assert len(whole) == 4


def test_elements_without_end_within_each_other_refuse_their_record_alone(read):
    deep = "<x>" * 5000 + "</x>" * 5000

    found = read(f"<o><order>{deep}</order><order><a>1</a></order></o>", "a", format="xml", row="order")

    assert [(p, why) for p, _, why in refusals(found)] == [(1, "elements are more than 100 deep within each other")]
    assert fields(found, "a") == [(2, "1")]


def test_a_record_larger_than_memory_has_room_for_ends_the_file(read, monkeypatch):
    monkeypatch.setattr(xml_elements, "STEP", 100)
    monkeypatch.setattr(xml_elements, "LARGEST", 1000)

    found = read(f"<o><order/><order><a>{'x' * 3000}</a></order></o>", "a", format="xml", row="order")

    assert [(p, why) for p, _, why in refusals(found)] == [(2, "a record is larger than 1000 bytes")]


def test_text_between_elements_is_read_in_time_that_grows_with_it(read):
    count = 200_000
    content = f"<o><order>{'<a/>0123456789' * count}</order></o>"
    begun = time.process_time()

    [found] = read(content, "note", format="xml", paths={"note": "#text"}, row="order")

    assert len(found["note"]) == 10 * count
    assert time.process_time() - begun < 10


def test_any_encoding_that_a_file_says_is_read_or_refused(read):
    for encoding in sorted(set(aliases.values()) | {"idna", "punycode", "undefined", "unicode_escape", "utf_8_sig"}):
        content = f'<?xml version="1.0" encoding="{encoding}"?><o><order><a>1\xe9</a></order></o>'.encode("latin-1")

        assert read(content, "a", format="xml", row="order"), encoding
