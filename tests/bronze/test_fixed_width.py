"""Fixed-width lines into records: columns of their characters, and a line of another length is refused."""

import gzip

import pytest

from tests.bronze.told import fields, refusals


def test_columns_are_cut_by_their_widths_and_lose_the_spaces_around_them(read):
    found = read("0001Ann   \r\n\n   2  Bo  \n      Al C\n", format="fixed", widths=(4, 6))

    assert fields(found) == [(1, "0001", "Ann"), (3, "2", "Bo"), (4, None, "Al C")]
    assert [r["_raw"] for r in found] == ["0001Ann   ", "   2  Bo  ", "      Al C"]
    assert {r["_rescued"] for r in found} == {None}


def test_a_line_of_another_length_is_refused_and_says_how_long_it_is(read):
    found = read("0001Ann\n0002A\n0003Anna\n0004Bob", format="fixed", widths=(4, 3))

    assert fields(found) == [(1, "0001", "Ann"), (4, "0004", "Bob")]
    assert refusals(found) == [
        (2, "0002A", "expected 7 characters, found 5"),
        (3, "0003Anna", "expected 7 characters, found 8"),
    ]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-16", "utf-8-sig"])
def test_a_width_counts_characters_however_many_bytes_they_have(read, encoding):
    content = "01J\u00fcrgen\n02Ren\u00e9  \n".encode(encoding)

    assert fields(read(content, format="fixed", widths=(2, 6), encoding=encoding)) == [
        (1, "01", "J\u00fcrgen"),
        (2, "02", "Ren\u00e9"),
    ]


def test_torn_text_refuses_its_line_alone(read):
    found = read(b"01Ann\n02\xc3nn\n03Bob\n", format="fixed", widths=(2, 3))

    assert fields(found) == [(1, "01", "Ann"), (3, "03", "Bob")]
    assert refusals(found) == [(2, "02\\xc3nn", "not UTF-8 at byte 3")]


def test_the_declared_null_is_no_value(read):
    assert fields(read("0000Ann\n", format="fixed", widths=(4, 3), null="0000")) == [(1, None, "Ann")]


def test_a_zipped_file_that_breaks_off_says_so(read):
    found = read(gzip.compress(b"01Ann\n02Bo")[:-8], format="fixed", widths=(2, 3), name="file.gz")

    assert fields(found) == [(1, "01", "Ann")]
    assert [(p, raw, why[:19]) for p, raw, why in refusals(found)] == [(2, "02Bo", "the file breaks off")]
