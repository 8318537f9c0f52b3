"""Hostile, broken and merely unusual declaration files."""

import csv
import io
import json
import resource
import time
import zipfile
from datetime import date, datetime

import openpyxl
import pytest
import xlsxwriter

from accounts.services.uploads import FileTooLarge
from accounts.spreadsheets import xlsx
from accounts.spreadsheets.reading import read_rows
from accounts.spreadsheets.refusals import FILE_REASONS, FileRejected
from reports.models import Declaration, LedgerEntry
from reports.services.declarations import loading, receiving
from reports.services.declarations.answering import describe
from reports.services.declarations.columns import COLUMNS, ERRORS
from reports.services.declarations.refusals import (
    CELL_REASONS,
)

from .test_declarations import ROW, SHARED, book, check, problems, receive, text

HEADINGS = [column.heading for column in COLUMNS]
NAMESPACE = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


@pytest.fixture(autouse=True)
def _own_folder(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path


def workbook(*rows, header=HEADINGS, options=None):
    """Return an XLSX file; numbers and dates stay numbers and dates."""
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, **(options or {})}) as book:
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        sheet = book.add_worksheet("申报")
        sheet.write_row(0, 0, header)
        for number, row in enumerate(rows, start=1):
            for column, value in enumerate(row):
                if isinstance(value, date):
                    sheet.write_datetime(number, column, value, day)
                elif isinstance(value, str) and value.startswith("=="):
                    sheet.write_formula(number, column, value[1:])
                elif isinstance(value, str):
                    sheet.write_string(number, column, value)
                elif value is not None:
                    sheet.write_number(number, column, value)
    return file.getvalue()


def values(**changes):
    return [{**ROW, **changes}[column.identifier] for column in COLUMNS]


def repacked(content, *, change=(), add=()):
    """Return the zip with the named parts put through a function, and others added."""
    change, file = dict(change), io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, change[name](part) if name in change else part)
        for name, part in add:
            new.writestr(name, part)
    return file.getvalue()


def sheet_data(rows):
    return f"<worksheet {NAMESPACE}><sheetData>{rows}</sheetData></worksheet>"


def sheet_of(xml):
    """Return a workbook whose only sheet is `xml`."""
    return repacked(workbook(), change={"xl/worksheets/sheet1.xml": lambda _: xml.encode()})


def refused(content, **options):
    """Return why the file is refused, at the door or by the worker."""
    try:
        declaration = check(content, **options)
    except FileRejected as refusal:
        return refusal.reason
    assert declaration.status == Declaration.Status.REFUSED
    return declaration.failure


@pytest.mark.django_db
class TestCsv:
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    @pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
    def test_reads_what_excel_writes_in_china(self, encoding, ending):
        rows = [HEADINGS, values(product_name='三都"水晶"葡萄,一级')]
        file = io.StringIO(newline="")
        csv.writer(file, lineterminator=ending).writerows(rows)
        declaration = book(file.getvalue().encode(encoding))
        assert declaration.status == Declaration.Status.BOOKED
        assert LedgerEntry.objects.get().product_name == '三都"水晶"葡萄,一级'

    def test_reads_gb18030_with_a_mark_and_characters_of_four_bytes(self):
        content = ("\ufeff" + text({"product_name": "㐂𠀀茶"})).encode("gb18030")
        book(content)
        assert LedgerEntry.objects.get().product_name == "㐂𠀀茶"

    @pytest.mark.parametrize(
        "content",
        [
            text({}).encode("utf-16"),
            text({}).encode("utf-16-be"),
            b"\xff\xfe\x00\x00" + text({}).encode("utf-32-le"),
            text({}).encode() + b"\xff\xff\xff",
            b"\xef\xbb\xbf" + text({}).encode("gb18030"),
        ],
    )
    def test_refuses_other_encodings(self, content):
        assert refused(content) == "unknown_encoding" or problems(Declaration.objects.get())

    @pytest.mark.parametrize("content", [b"\n\n\n", text().encode(), b",,,\n,,,\n"])
    def test_refuses_a_file_without_rows(self, content):
        assert refused(content) == "empty"

    @pytest.mark.parametrize(
        "content",
        [
            text({}) + '"never closed',
            text({}) + '"quoted" text after',
            text({}) + "x" * 200_000,
            text({}) + '"' + "line\n" * 40_000 + '"',
        ],
        ids=["open quote", "text after quote", "endless line", "endless field"],
    )
    def test_refuses_broken_quotes_and_endless_lines(self, content):
        assert refused(content) == "broken_csv"

    def test_skips_empty_lines_and_counts_them_as_excel_does(self):
        lines = text({}, {"amount": "x"}).split("\r\n")
        declaration = check("\r\n".join([lines[0], "", lines[1], ",,", lines[2], ""]))
        assert (declaration.rows, problems(declaration)) == (2, [(5, "amount", "bad_number")])

    def test_does_not_know_another_delimiter(self):
        declaration = check(text({}).replace(",", ";"))
        assert declaration.status == Declaration.Status.BAD
        assert {code for _, _, code in problems(declaration)} == {
            "unknown_column",
            "missing_column",
        }

    @pytest.mark.skipif(not SHARED.exists(), reason="shared data absent")
    # Without location_coordinates, whose answer has another number than its file.
    @pytest.mark.parametrize("name", [
        "comma_in_quotes", "empty", "empty_crlf", "escaped_quotes", "json",
        "newlines", "newlines_crlf", "quotes_and_newlines", "simple", "simple_crlf", "utf8",
    ])  # fmt: skip
    def test_parses_as_the_spectrum_expects(self, name):
        folder = SHARED / "peers" / "csv-spectrum"
        header, *rows = (row.cells for row in read_rows(folder / "csvs" / f"{name}.csv", "csv"))
        expected = json.loads((folder / "json" / f"{name}.json").read_text())
        found = [dict(zip(header, row, strict=True)) for row in rows]
        assert [{k: v.replace("\r\n", "\n") for k, v in row.items()} for row in found] == [
            {k: v.replace("\r\n", "\n") for k, v in row.items()} for row in expected
        ]


@pytest.mark.django_db
class TestHeader:
    def test_takes_the_columns_in_any_order_and_either_language(self):
        names = [
            column.heading if n % 2 else column.identifier.upper()
            for n, column in enumerate(COLUMNS)
        ]
        rows = list(zip(reversed(names), reversed(values()), strict=True))
        file = io.StringIO(newline="")
        csv.writer(file).writerows(
            [[f" {name} " for name, _ in rows], [value for _, value in rows]]
        )
        assert book(file.getvalue()).status == Declaration.Status.BOOKED

    def test_may_leave_out_columns_that_may_be_empty(self):
        header = [column.identifier for column in COLUMNS if column.is_required]
        assert book(text({}, header=header)).status == Declaration.Status.BOOKED

    def test_names_what_is_unknown_double_or_missing(self):
        header = (
            text({}).replace("amount", "amnt").replace("note", "unit").replace("channel", "渠道\t")
        )
        assert problems(check(header)) == [
            (1, "amnt", "unknown_column"),
            (1, "unit", "duplicate_column"),
            (1, "amount", "missing_column"),
        ]

    def test_ignores_the_column_of_errors_of_an_earlier_answer(self):
        content = "\r\n".join(
            f"{line},x" if n else f"{line},{ERRORS}"
            for n, line in enumerate(text({}).split("\r\n")[:2])
        )
        assert book(content).status == Declaration.Status.BOOKED

    def test_refuses_a_row_that_is_wider_than_the_header(self):
        assert problems(check(text({}).rstrip() + ",,more\r\n")) == [(2, "", "too_many_cells")]
        assert check(text({}).rstrip() + ",,\r\n").bad_rows == 0


GOOD = [
    ("sold_on", "2026/10/5"), ("sold_on", "2026年10月5日"), ("sold_on", "２０２６-10-05"),
    ("sold_on", "46300"), ("sold_on", "2026-10-05 08:23:00"), ("sold_on", "2026-11-24"),
    ("line_no", ""), ("buyer_code", ""), ("buyer_name", ""), ("buyer_region", ""),
    ("supplier_code", ""), ("county_code", "都匀"), ("county_code", " 都匀市　"),
    ("county_code", "三都县"), ("buyer_region", "440111"), ("buyer_region", "香港特别行政区"),
    ("channel", "832"), ("channel", "832 平台"), ("channel", "展会"), ("buyer_kind", "国有企业"),
    ("quantity", "１２.5"), ("quantity", "0.001"), ("amount", "0"), ("amount", "0.00"),
    ("amount", "720"), ("amount", "720.5"), ("fapiao_no", "12345678"), ("fapiao_no", "1" * 20),
    ("fapiao_no", "２" * 20), ("note", "=cmd|' /C calc'!A0"), ("note", "'=1+1"),
    ("note", "x" * 500),
    ("product_name", "茶" * 200), ("note", "Backslash \\N \\."), ("note", "\\"),
]  # fmt: skip

BAD = [
    ("sold_on", "", "required"), ("sold_on", "2026-13-01", "bad_date"),
    ("sold_on", "2026-02-30", "bad_date"), ("sold_on", "05/10/2026", "bad_date"),
    ("sold_on", "2026-10/05", "bad_date"), ("sold_on", "20261005", "bad_date"),
    ("sold_on", "2009-12-31", "too_early"), ("sold_on", "40178", "too_early"),
    ("sold_on", "2026-11-25", "in_future"), ("sold_on", "99999", "in_future"),
    ("document_no", "", "required"), ("document_no", "x" * 61, "too_long"),
    ("document_no", "1.23456789012346E+19", "digits_lost"), ("line_no", "x" * 21, "too_long"),
    ("product_name", "", "required"), ("product_name", "茶" * 201, "too_long"),
    ("product_name", "a\nb", "control_character"), ("product_name", "a\x07b", "control_character"),
    ("product_name", "a\u202eb", "control_character"), ("note", "\u200b茶", "control_character"),
    ("category", "", "required"), ("category", "x" * 41, "too_long"),
    ("county_code", "", "required"), ("county_code", "520113", "unknown_county"),
    ("county_code", "522700", "unknown_county"), ("county_code", "白云区", "unknown_county"),
    ("buyer_region", "4401", "unknown_region"), ("buyer_region", "火星", "unknown_region"),
    ("supplier_code", "x" * 41, "too_long"), ("buyer_code", "1e+15", "digits_lost"),
    ("buyer_kind", "", "required"), ("buyer_kind", "朋友", "unknown_buyer_kind"),
    ("channel", "", "required"), ("channel", "街边", "unknown_channel"),
    ("quantity", "", "required"), ("quantity", "0", "zero_quantity"),
    ("quantity", "-0.000", "zero_quantity"), ("quantity", "1.0001", "too_many_decimals"),
    ("quantity", "1,000", "bad_number"), ("quantity", "1e3", "bad_number"),
    ("quantity", "NaN", "bad_number"), ("quantity", "Infinity", "bad_number"),
    ("quantity", "1_000", "bad_number"), ("quantity", "٣", "bad_number"),
    ("quantity", "+5", "bad_number"), ("quantity", "1234567890", "too_large"),
    ("quantity", "-10", "signs_differ"), ("unit", "", "required"), ("unit", "x" * 21, "too_long"),
    ("amount", "", "required"), ("amount", "1.005", "too_many_decimals"),
    ("amount", "￥720", "bad_number"), ("amount", "-720.00", "signs_differ"),
    ("amount", "1234567890.00", "too_large"), ("amount", "9" * 5000, "bad_number"),
    ("fapiao_no", "123", "bad_fapiao_no"), ("fapiao_no", "1" * 19, "bad_fapiao_no"),
    ("fapiao_no", "1.11111111111111E+19", "digits_lost"), ("note", "x" * 501, "too_long"),
]  # fmt: skip


@pytest.mark.django_db
class TestCells:
    def test_takes_what_is_meant(self):
        content = text(
            *({column: cell, "document_no": f"G{n}"} for n, (column, cell) in enumerate(GOOD))
        )
        declaration = book(content)
        assert problems(declaration) == []
        assert LedgerEntry.objects.count() == len(GOOD)

    def test_refuses_what_is_not(self):
        rows = ({"document_no": f"B{n}", column: cell} for n, (column, cell, _) in enumerate(BAD))
        declaration = check(text(*rows))
        expected = [
            (n, "amount" if code == "signs_differ" else column, code)
            for n, (column, _, code) in enumerate(BAD, start=2)
        ]
        assert problems(declaration) == expected
        assert declaration.bad_rows == len(BAD)

    def test_names_every_bad_cell_of_a_row(self):
        declaration = check(text({"sold_on": "x", "county_code": "y", "amount": ""}))
        assert problems(declaration) == [
            (2, "sold_on", "bad_date"),
            (2, "county_code", "unknown_county"),
            (2, "amount", "required"),
        ]

    def test_refuses_more_tonnes_than_a_total_can_hold(self):
        assert check(text({"unit": "吨", "quantity": "1000000"})).bad_rows == 1
        assert check(text({"unit": "吨", "quantity": "999999"})).bad_rows == 0

    def test_keeps_text_as_it_was_written(self):
        note = "=1+1 \\N \\t 'quoted' \"double\""
        book(text({"note": note}))
        assert LedgerEntry.objects.get().declared_row.note == note

    def test_every_reason_can_be_told(self):
        assert {code for _, _, code in BAD} <= set(CELL_REASONS)
        assert all(str(reason) for reason in (*CELL_REASONS.values(), *FILE_REASONS.values()))


@pytest.mark.django_db
class TestXlsx:
    def test_reads_dates_numbers_and_texts(self):
        declaration = book(
            workbook(
                values(
                    sold_on=date(2026, 10, 5),
                    line_no=1,
                    county_code=522729,
                    buyer_region=440105,
                    quantity=0.1 + 0.2,
                    amount=19.99,
                ),
                # Spreadsheets know no time zones.
                values(
                    sold_on=datetime(2026, 10, 5, 23, 59),  # noqa: DTZ001
                    line_no=2,
                    quantity=-2,
                    amount=-1.1,
                ),
            )
        )
        assert problems(declaration) == []
        entries = LedgerEntry.objects.order_by("id")
        assert [f"{e.occurred_on} {e.quantity} {e.amount}" for e in entries] == [
            "2026-10-05 0.300 19.99",
            "2026-10-05 -2.000 -1.10",
        ]

    @pytest.mark.parametrize("in_memory", [True, False])
    def test_reads_inline_and_shared_texts(self, in_memory):
        content = workbook(
            values(), values(line_no="2"), options={"constant_memory": not in_memory}
        )
        assert book(content).rows == 2

    def test_reads_what_openpyxl_writes(self):
        file = io.BytesIO()
        sheets = openpyxl.Workbook()
        sheets.active.append(HEADINGS)
        sheets.active.append(values(sold_on=date(2026, 10, 5)))
        sheets.active.append([])
        sheets.active.append(values(line_no="2", amount="x"))
        sheets.save(file)
        declaration = check(file.getvalue())
        assert (declaration.rows, problems(declaration)) == (2, [(4, "amount", "bad_number")])

    def test_reads_prefixed_elements_rich_text_and_no_phonetics(self):
        def shared(_):
            return f"""<x:sst {NAMESPACE.replace("xmlns", "xmlns:x")}><x:si>
            <x:r><x:t>绿壳</x:t></x:r><x:r><x:t>鸡蛋</x:t></x:r>
            <x:rPh><x:t>lvke</x:t></x:rPh></x:si></x:sst>""".encode()

        content = repacked(
            sheet_of(
                sheet_data(
                    '<row><c t="s"><v>0</v></c><c/></row>'
                    '<row><c t="inlineStr"><is><t>a</t><rPh><t>b</t></rPh></is></c></row>'
                )
            ),
            change={"xl/sharedStrings.xml": shared},
        )
        path = receive(content).path
        assert [row.cells for row in read_rows(path, "xlsx")] == [["绿壳鸡蛋"], ["a"]]

    def test_refuses_formulas_errors_and_lost_digits(self):
        declaration = check(
            workbook(
                values(amount="==B1*2"),
                values(line_no="2", fapiao_no=12345678901234567890),
                values(line_no="3", document_no=1.5e20),
            )
        )
        assert problems(declaration) == [
            (2, "amount", "formula"),
            (3, "fapiao_no", "digits_lost"),
            (4, "document_no", "digits_lost"),
        ]

    def test_refuses_the_error_of_a_spreadsheet(self):
        cells = "".join(f'<c t="inlineStr"><is><t>{h}</t></is></c>' for h in HEADINGS)
        error = '<row><c t="e"><v>#N/A</v></c></row>'
        content = sheet_of(sheet_data(f"<row>{cells}</row>{error}"))
        assert (2, "sold_on", "cell_error") in problems(check(content))

    def test_takes_what_looks_like_a_formula_as_text(self):
        book(workbook(values(note="=1+1", buyer_name="@SUM(A1)")))
        row = LedgerEntry.objects.get().declared_row
        assert (row.note, row.buyer_name) == ("=1+1", "@SUM(A1)")

    def test_skips_hidden_sheets(self):
        file = io.BytesIO()
        with xlsxwriter.Workbook(file) as sheets:
            sheets.add_worksheet("lists").hide()
            shown = sheets.add_worksheet("申报")
            shown.activate()
            shown.set_first_sheet()
            shown.write_row(0, 0, HEADINGS)
            shown.write_row(1, 0, values())
        assert book(file.getvalue()).rows == 1


class TestBombs:
    """Each is refused soon and in little memory."""

    @pytest.fixture(autouse=True)
    def _frugal(self):
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.monotonic()
        yield
        assert time.monotonic() - started < 5
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 100 * 1024

    def _reason(self, content, tmp_path):
        path = tmp_path / "bomb.xlsx"
        path.write_bytes(content)
        with pytest.raises(FileRejected) as refusal:
            for _ in xlsx.read_sheet(path):
                pass
        return refusal.value.reason

    def test_a_cell_that_unpacks_a_thousandfold(self, tmp_path):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
            new.writestr("xl/workbook.xml", "<workbook/>")
            with new.open("xl/worksheets/sheet1.xml", "w") as part:
                for _ in range(64):
                    part.write(b"A" * 1024**2)
        assert self._reason(file.getvalue(), tmp_path) == "unpacks_too_big"

    def test_a_cell_longer_than_excel_allows(self, tmp_path):
        row = f'<row><c t="inlineStr"><is><t>{"ab" * 20_000}</t></is></c></row>'
        assert self._reason(sheet_of(sheet_data(row)), tmp_path) == "text_too_long"

    def test_too_many_parts(self, tmp_path):
        content = repacked(
            workbook(), add=((f"xl/worksheets/sheet{n}.xml", "") for n in range(2, 1_200))
        )
        assert self._reason(content, tmp_path) == "too_many_parts"
        content = repacked(
            workbook(), add=((f"xl/worksheets/{'x' * 200}{n}", "") for n in range(2_000))
        )
        assert self._reason(content, tmp_path) == "too_many_parts"

    @pytest.mark.parametrize(
        "part",
        [
            "xl/worksheets/sheet1.xml",
            "xl/sharedStrings.xml",
            "xl/workbook.xml",
            "xl/_rels/workbook.xml.rels",
        ],
    )
    @pytest.mark.parametrize(
        "doctype",
        [
            '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>',
            '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
            '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
        ],
    )
    def test_entities(self, part, doctype, tmp_path):
        def armed(xml):
            head, end, body = xml.partition(b"?>")
            return head + end + doctype.encode() + body

        assert (
            self._reason(repacked(workbook(values()), change={part: armed}), tmp_path) == "doctype"
        )

    @pytest.mark.parametrize(
        "name",
        [
            "xl/vbaProject.bin",
            "xl/externalLinks/externalLink1.xml",
            "xl/embeddings/oleObject1.bin",
            "xl/activeX/activeX1.xml",
            "xl/connections.xml",
            "xl/macrosheets/sheet1.xml",
        ],
    )
    def test_active_content(self, name, tmp_path):
        assert self._reason(repacked(workbook(), add=[(name, "x")]), tmp_path) == "active_content"

    @pytest.mark.parametrize("name", ["../../etc/x", "/etc/x", "xl\\..\\x", "XL/Workbook.xml"])
    def test_names_that_lead_elsewhere(self, name, tmp_path):
        assert self._reason(repacked(workbook(), add=[(name, "x")]), tmp_path) == "not_a_workbook"

    def test_dates_from_1904(self, tmp_path):
        content = workbook(options={"date_1904": True})
        assert self._reason(content, tmp_path) == "dates_from_1904"

    @pytest.mark.parametrize(
        "xml",
        [
            "<worksheet", "", "<worksheet><sheetData><row r='x'/></sheetData></worksheet>",
            "<worksheet><sheetData><row r='2'/><row r='1'/></sheetData></worksheet>",
            "<worksheet><sheetData><row><c t='s'><v>99</v></c></row></sheetData></worksheet>",
            "<worksheet><sheetData><row><c><v>abc</v></c></row></sheetData></worksheet>",
        ],
    )  # fmt: skip
    def test_sheets_that_make_no_sense(self, xml, tmp_path):
        assert self._reason(sheet_of(xml), tmp_path) == "not_a_workbook"

    def test_cells_far_to_the_right(self, tmp_path):
        xml = "<worksheet><sheetData><row><c r='XFD1'><v>1</v></c></row></sheetData></worksheet>"
        assert self._reason(sheet_of(xml), tmp_path) == "too_many_columns"

    def test_damaged_archives(self, tmp_path):
        whole = workbook(values())
        assert self._reason(whole[:-1], tmp_path) == "not_a_workbook"
        assert self._reason(whole + b"x", tmp_path) == "not_a_workbook"
        assert self._reason(b"PK\x03\x04" + bytes(100), tmp_path) == "not_a_workbook"
        start = whole.index(b"xl/worksheets/sheet1.xml") + 60
        damaged = whole[:start] + bytes(200) + whole[start + 200 :]
        assert self._reason(damaged, tmp_path) == "not_a_workbook"

    def test_an_encrypted_part(self, tmp_path):
        content = bytearray(workbook())
        content[content.index(b"PK\x01\x02") + 8] |= 1
        assert self._reason(bytes(content), tmp_path) == "encrypted"


@pytest.mark.django_db
class TestDoor:
    def test_refuses_old_and_protected_workbooks(self):
        with pytest.raises(FileRejected) as refusal:
            receive(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(100))
        assert refusal.value.reason == "old_workbook"

    def test_keeps_nothing_of_what_it_refuses(self, settings, monkeypatch):
        monkeypatch.setattr(receiving, "MAX_SIZE", 100)
        with pytest.raises(FileTooLarge):
            receive(text({}))
        with pytest.raises(FileRejected):
            receive(b"PK\x03\x04")
        assert not list((settings.MEDIA_ROOT / "declarations").iterdir())
        assert not Declaration.objects.exists()

    def test_refuses_more_rows_than_a_million(self, monkeypatch):
        monkeypatch.setattr(loading, "MAX_ROWS", 3)
        assert check(text({}, {}, {})).status == Declaration.Status.VALID
        assert refused(text({}, {}, {}, {})) == "too_many_rows"

    @pytest.mark.skipif(not SHARED.exists(), reason="shared data absent")
    def test_survives_naughty_strings_in_every_column(self):
        strings = (SHARED / "peers" / "blns" / "blns.txt").read_text(encoding="utf-8").split("\n")
        names = [column.identifier for column in COLUMNS]
        rows = (
            {names[n % len(names)]: string, "document_no": f"N{n}"}
            for n, string in enumerate(strings)
        )
        declaration = check(text(*rows))
        assert declaration.rows == len(strings)
        assert describe(declaration)["errors"]


@pytest.mark.django_db
class TestErrorFile:
    def test_is_the_same_file_with_what_is_wrong(self):
        content = text({}, {"amount": "1.234", "sold_on": "x"}, {}).encode("gb18030")
        declaration = check(content)
        rows = list(csv.reader(io.StringIO(declaration.errors_path.read_text("gb18030"))))
        assert rows[0] == [*ROW, ERRORS]
        assert [row[:-1] for row in rows] == list(
            csv.reader(io.StringIO(content.decode("gb18030")))
        )
        assert [bool(row[-1]) for row in rows[1:]] == [False, True, False]
        assert "日期" in rows[2][-1]
        assert "金额" in rows[2][-1]

    def test_can_be_corrected_and_sent_again(self):
        declaration = check(text({}, {"amount": "1.234"}))
        corrected = declaration.errors_path.read_text().replace("1.234", "1.23")
        assert book(corrected).status == Declaration.Status.BOOKED
        again = check(declaration.errors_path.read_text().replace("1.234", "x"))
        rows = list(csv.reader(io.StringIO(again.errors_path.read_text())))
        assert rows[0].count(ERRORS) == 1

    def test_runs_nothing_when_it_is_opened(self):
        evil = {
            "product_name": "=cmd|' /C calc'!A0",
            "note": "@SUM(1)",
            "amount": "x",
            "quantity": "-1",
        }
        declaration = check(text(evil))
        row = list(csv.reader(io.StringIO(declaration.errors_path.read_text())))[1]
        assert row[3] == "'=cmd|' /C calc'!A0"
        assert row[16] == "'@SUM(1)"
        assert row[12] == "-1"

    def test_of_a_workbook_is_a_workbook_of_texts(self):
        declaration = check(workbook(values(note="=1+1", amount="x", product_name="http://a.b/")))
        sheet = openpyxl.load_workbook(declaration.errors_path).active
        header, row = sheet.iter_rows()
        assert [cell.value for cell in header] == [*HEADINGS, ERRORS]
        assert (row[16].value, row[16].data_type) == ("=1+1", "s")
        assert row[3].hyperlink is None
        assert "金额" in row[17].value

    def test_says_what_is_wrong_with_the_header(self):
        declaration = check(text({}).replace("amount", "amnt"))
        header = next(csv.reader(io.StringIO(declaration.errors_path.read_text())))
        assert header[-1].startswith(ERRORS)
        assert "amnt" in header[-1]

    def test_has_all_problems_where_an_answer_has_the_first(self):
        declaration = check(text(*({"amount": "x"} for _ in range(1_200))))
        answer = describe(declaration)
        assert (len(answer["errors"]), answer["errors_total"]) == (1_000, 1_200)
        rows = list(csv.reader(io.StringIO(declaration.errors_path.read_text())))
        assert sum(bool(row[-1]) for row in rows[1:]) == 1_200
