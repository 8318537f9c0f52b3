"""What suppliers send in means harm or is broken: it is said in words, and nothing changes."""

import io
import resource
import struct
import time
import zipfile
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.models import User
from accounts.refusals import Invalid
from accounts.spreadsheets.refusals import FileRejected
from shop.models import ListingVersion, ProductImage, Stock
from shop.services.sheets.pictures import take_pictures
from shop.services.sheets.planning import MAX_ROWS, Plan, plan_of
from suppliers.models import Supplier
from tests.files import PDF, packed, picture, png_of

from .conftest import MakeProduct
from .test_review_pages import member, signed_in
from .test_sheets import downloaded, problems

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY = date(2026, 11, 24)
NAMESPACE = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
CSV = "规格编码,库存\nP1-KG,9\n"

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_folder(settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"


@pytest.fixture
def frugal() -> Iterator[None]:
    """Bound the time and the memory of what a test does."""
    memory, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.monotonic()
    yield
    assert time.monotonic() - began < 15
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 200 * 1024


@pytest.fixture
def sam(supplier: Supplier) -> User:
    return member(supplier)


@pytest.fixture
def read(supplier: Supplier, make_product: MakeProduct, tmp_path: Path) -> Callable[..., Plan]:
    """Return the plan of a file, for a supplier with one product."""
    make_product(on_hand="5")

    def plan(content: bytes) -> Plan:
        path = tmp_path / "sent"
        path.write_bytes(content)
        return plan_of(path, supplier=supplier, day=DAY)

    return plan


@pytest.fixture
def refused(read: Callable[..., Plan]) -> Callable[[bytes], str]:
    """Return why a file is refused as a whole."""

    def reason(content: bytes) -> str:
        with pytest.raises(FileRejected) as refusal:
            read(content)
        assert str(refusal.value.errors[0].detail)
        return refusal.value.reason

    return reason


def saved(book: openpyxl.Workbook) -> bytes:
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def book_of(*rows: list[Any]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    return book


def workbook(*rows: list[Any]) -> bytes:
    return saved(book_of(*(rows or (["规格编码", "库存"], ["P1-KG", 9]))))


def repacked(content: bytes, *, compress: int = zipfile.ZIP_DEFLATED, **parts: str) -> bytes:
    """Return a workbook with these parts in place of its own, or beside them."""
    file = io.BytesIO()
    given = {name.replace("__", "/").replace("_xml", ".xml"): xml for name, xml in parts.items()}
    with (
        zipfile.ZipFile(io.BytesIO(content)) as old,
        zipfile.ZipFile(file, "w", compress) as new,
    ):
        for name in old.namelist():
            if name not in given:
                new.writestr(name, old.read(name))
        for name, xml in given.items():
            new.writestr(name, xml)
    return file.getvalue()


def sheet(rows: str, *, doctype: str = "") -> bytes:
    """Return a workbook whose sheet has these rows, as XML."""
    xml = f'{doctype}<worksheet xmlns="{NAMESPACE}"><sheetData>{rows}</sheetData></worksheet>'
    return repacked(workbook(), xl__worksheets__sheet1_xml=xml)


def cells(*texts: str) -> str:
    inline = "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)
    return f"<row>{inline}</row>"


def zipped(*files: tuple[str, bytes], compress: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compress) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return file.getvalue()


def overlapping(entries: int) -> bytes:
    """Return a zip whose entries are all the same megabytes."""
    one = zipped(("xl/workbook.xml", bytes(900_000)))
    start = one.index(b"PK\x01\x02")
    entry = one[start : one.index(b"PK\x05\x06")]
    directory = b"".join(
        entry.replace(b"workbook", f"{number:08d}".encode()) for number in range(entries)
    )
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, len(directory), start, 0)
    return one[:start] + directory + end


def lying(content: bytes, size: int) -> bytes:
    """Return a zip whose directory says that its last entry unpacks to this."""
    place = content.rindex(b"PK\x01\x02") + 24
    return content[:place] + struct.pack("<L", size) + content[place + 4 :]


class TestTables:
    """A table is read as it was meant, or refused with a reason."""

    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "empty"),
            ("规格编码,库存\n".encode(), "empty"),
            (workbook(["规格编码", "库存"]), "empty"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "old_workbook"),
            (CSV.encode("utf-16"), "unknown_encoding"),
            (CSV.encode() + b"\xff\xff", "unknown_encoding"),
            (CSV.encode() + b'"open', "broken_csv"),
            (("规格编码" + "," * 200 + "\n").encode(), "too_many_columns"),
            (workbook()[:-30], "not_a_workbook"),
            (workbook() + b"\n<script>", "not_a_workbook"),
            (picture("PNG"), "unknown_encoding"),
            (zipped(("P1-KG.png", picture("PNG"))), "not_a_workbook"),
            (repacked(workbook(), xl__vbaProject=".bin"), "active_content"),
            (repacked(workbook(), xl__externalLinks__1_xml="x"), "active_content"),
            (repacked(workbook(), compress=zipfile.ZIP_LZMA), "not_a_workbook"),
            (repacked(workbook(), compress=zipfile.ZIP_BZIP2), "not_a_workbook"),
            (overlapping(900), "unpacks_too_big"),
            (overlapping(1_500), "too_many_parts"),
            (lying(workbook(), 2**32 - 2), "unpacks_too_big"),
            (lying(sheet(cells("规格编码") + cells("P1-KG")), 10), "not_a_workbook"),
            (zipped(("xl/workbook.xml", zipped(("a", bytes(2 * 1024**2))))), "not_a_workbook"),
            (sheet("", doctype='<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>'), "doctype"),
            (sheet("", doctype='<!DOCTYPE x SYSTEM "file:///etc/passwd">'), "doctype"),
            (sheet(cells("规格编码") + '<row><c t="s"><v>-1</v></c></row>'), "not_a_workbook"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_are_refused_as_a_whole(
        self, refused: Callable[[bytes], str], frugal: None, content: bytes, reason: str
    ) -> None:
        assert refused(content) == reason

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
    def test_come_in_the_encodings_of_excel_in_china(
        self, read: Callable[..., Plan], encoding: str
    ) -> None:
        plan = read(CSV.encode(encoding))
        assert (plan.problems, plan.stock) == ([], {"P1-KG": (5, 9)})

    @pytest.mark.parametrize("content", [PDF + workbook(), b"\xff\xd8\xff" + CSV.encode()])
    def test_that_begin_as_something_else_are_no_table(
        self, read: Callable[..., Plan], content: bytes
    ) -> None:
        with pytest.raises(FileRejected) as refusal:
            read(content)
        assert refusal.value.reason == "unknown_encoding"

    @pytest.mark.parametrize(
        ("written", "meant"),
        [("１２", "12"), ("1,234.5", "1234.5"), ("１，２３４", "1234"), (" 7.50　", "7.5"),
         ("1e2", "100"), ("0.1", "0.1"), (12, "12"), (1234.5, "1234.5")],
    )  # fmt: skip
    def test_hold_numbers_as_people_write_them(
        self, read: Callable[..., Plan], written: Any, meant: str
    ) -> None:
        plan = read(workbook(["规格编码", "库存"], ["P1-KG", written]))
        assert (plan.problems, plan.stock) == ([], {"P1-KG": (5, Decimal(meant))})

    @pytest.mark.parametrize(
        "written",
        ["1,5", "1.234,5", "1_000", "٣", "12个", "1e999", "0x10", "--1", "∞", "２０２６年"],
    )
    def test_hold_nothing_that_could_be_two_numbers(
        self, read: Callable[..., Plan], written: str
    ) -> None:
        plan = read(workbook(["规格编码", "库存"], ["P1-KG", written]))
        assert problems(plan) == {(2, "库存")}

    @pytest.mark.parametrize(
        ("heading", "cell"),
        [
            ("时令", "06-15/11-30 06-15/10-01"),
            ("阶梯价", "50:40 50:39"),
            ("阶梯价", "50:40 ５０：39"),
            ("阶梯价", "0:40"),
            ("时令", date(2026, 6, 15)),
            ("库存", "=1+1"),
            ("商品名称", "=HYPERLINK(A1)"),
            ("摘要", "a\u202eb"),
            ("摘要", "a\u200bb"),
            ("单价（元）", "2026-11-24"),
        ],
    )
    def test_say_what_no_listing_can_be(
        self, read: Callable[..., Plan], heading: str, cell: Any
    ) -> None:
        plan = read(workbook(["规格编码", heading], ["P1-KG", cell]))
        assert problems(plan) == {(2, heading)}

    def test_keep_a_blank_of_a_chinese_keyboard(self, read: Callable[..., Plan]) -> None:
        plan = read(workbook(["规格编码", "商品名称"], ["P1-KG", "惠水　鲟鱼"]))
        assert not plan.problems
        assert plan.after["P1"]["name"] == "惠水 鲟鱼"

    def test_name_double_unknown_and_missing_headings(self, read: Callable[..., Plan]) -> None:
        assert problems(read(workbook(["规格编码", "库存", "库存"], ["P1-KG", 1, 2]))) == {
            (1, "库存")
        }
        assert problems(read(workbook(["库存"], [1]))) == {(1, "规格编码")}
        assert problems(read("规格编码;库存\nP1-KG;9\n".encode())) == {
            (1, "规格编码;库存"), (1, "规格编码"),
        }  # fmt: skip

    @pytest.mark.parametrize("heading", [[], [""]])
    def test_name_a_row_that_is_wider_than_the_headings(
        self, read: Callable[..., Plan], heading: list[str]
    ) -> None:
        # An unquoted comma moves what follows into the next column.
        plan = read(workbook(["规格编码", "库存", *heading], ["P1-KG", 1, 9]))
        assert problems(plan) == {(2, "")}
        assert not read(f"规格编码,库存{','.join(['', *heading])}\nP1-KG,9,,\n".encode()).problems

    def test_are_read_where_cells_are_merged_and_sheets_hidden(
        self, read: Callable[..., Plan]
    ) -> None:
        book = book_of(["规格编码", "库存", "商品名称"], ["P1-KG", 9, None], ["P2-KG", 1, None])
        book.active.merge_cells("A2:A3")
        hidden = book.create_sheet("旧", 0)
        hidden.append(["规格编码", "库存"])
        hidden.append(["P1-KG", 1])
        hidden.sheet_state = "hidden"
        plan = read(saved(book))
        assert plan.stock["P1-KG"] == (5, 9)
        assert problems(plan) == {(3, "规格编码")}

    def test_may_have_ten_thousand_rows_and_not_one_more(
        self, read: Callable[..., Plan], refused: Callable[[bytes], str]
    ) -> None:
        rows = [cells(f"X{number}", "1") for number in range(MAX_ROWS + 1)]
        plan = read(sheet(cells("规格编码", "库存") + "".join(rows[:-1])))
        assert len(plan.problems) == MAX_ROWS
        assert refused(sheet(cells("规格编码", "库存") + "".join(rows))) == "too_many_rows"

    def test_may_have_half_a_million_rows_that_are_only_formatted(
        self, read: Callable[..., Plan], frugal: None
    ) -> None:
        empty = "".join(f'<row r="{n}" s="1" customFormat="1"/>' for n in range(3, 500_000))
        plan = read(sheet(cells("规格编码", "库存") + cells("P1-KG", "9") + empty))
        assert (plan.problems, plan.stock) == ([], {"P1-KG": (5, 9)})

    @pytest.mark.parametrize(
        "filling", ['<row><c s="1"/><c s="1"/><c s="1"/></row>', cells("ab" * 10_000)],
        ids=["formats", "texts"],
    )  # fmt: skip
    def test_unpack_to_no_more_than_a_list_may_be(
        self, refused: Callable[[bytes], str], filling: str
    ) -> None:
        times = 60 * 1024**2 // len(filling)
        content = sheet(cells("规格编码") + filling * times)
        assert len(content) < 10 * 1024**2
        assert refused(content) == "unpacks_too_big"

    def test_of_many_shared_texts_take_bounded_memory(
        self, read: Callable[..., Plan], frugal: None
    ) -> None:
        texts = "".join(f"<si><t>{number % 90 + 10}</t></si>" for number in range(1_500_000))
        content = repacked(
            workbook(), xl__sharedStrings_xml=f'<sst xmlns="{NAMESPACE}">{texts}</sst>'
        )
        with pytest.raises(FileRejected):
            read(content)

    def test_that_are_half_bad_change_nothing(
        self, supplier: Supplier, make_product: MakeProduct, sam: User
    ) -> None:
        make_product("P1", on_hand="5")
        make_product("P2", on_hand="5")
        content = workbook(["规格编码", "库存"], ["P1-KG", 9], ["P2-KG", "许多"], ["P1-KG", 8])
        client = signed_in(sam)
        sent = {"file": SimpleUploadedFile("商品.xlsx", content)}
        plan = client.post("/admin/shop/product/upload/", sent).context["plan"]
        assert problems(plan) == {(3, "库存"), (4, "规格编码")}
        assert set(Stock.objects.values_list("on_hand", flat=True)) == {5}
        assert not ListingVersion.objects.exists()

    @pytest.mark.parametrize("name", ["清单.xlsx", "清单.csv", "清单.png"])
    def test_are_known_by_content_and_refused_by_name(self, sam: User, name: str) -> None:
        client = signed_in(sam)
        sent = {"file": SimpleUploadedFile(name, picture("PNG"))}
        page = client.post("/admin/shop/product/upload/", sent).content.decode()
        assert f"{name}: " in page

    def test_go_out_without_formulas(self, supplier: Supplier, make_product: MakeProduct) -> None:
        for number, start in enumerate("=+-@\t"):
            make_product(f"P{number}", summary=f"{start}1+1", name=f"{start}cmd|' /C calc'!A0")
        for row in downloaded(supplier):
            assert row["摘要"].strip("\t")[-3:] == "1+1"
            assert isinstance(row["商品名称"], str)


class TestZips:
    """A ZIP of pictures is taken whole, or nothing of it is kept."""

    @pytest.fixture
    def refusals(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, tmp_path: Path,
        settings: Any,
    ) -> Callable[[bytes], list[str]]:  # fmt: skip
        """Return why a ZIP is refused, once it is sure that nothing of it was kept."""
        make_product(status="draft")

        def why(content: bytes) -> list[str]:
            path = tmp_path / "sent.zip"
            path.write_bytes(content)
            with pytest.raises(Invalid) as refusal:
                take_pictures(path, supplier=supplier, by=sam, now=NOW)
            assert not ProductImage.objects.exists()
            assert not [file for file in settings.MEDIA_ROOT.rglob("*") if file.is_file()]
            return [str(error.detail) for error in refusal.value.errors]

        return why

    @pytest.mark.parametrize(
        "content",
        [
            b"\xd0\xcf\x11\xe0" + bytes(100),
            PDF,
            zipped(("P1-KG.png", picture("PNG")))[:-1],
            zipped(("P1-KG.png", picture("PNG")), compress=zipfile.ZIP_LZMA),
            zipped(*((f"{n}.png", b"") for n in range(501))),
            zipped(*((f"{n}.png", b"") for n in range(1_500))),
            zipped(*((f"{'x' * 300}{n}", b"") for n in range(1_000))),
            overlapping(900),
            lying(zipped(("P1-KG.png", bytes(1_000))), 2**32 - 2),
        ],
        ids=["ole", "pdf", "cut", "lzma", "501", "1500", "directory", "overlapping", "lying"],
    )
    def test_are_refused_as_a_whole(
        self, refusals: Callable[[bytes], list[str]], frugal: None, content: bytes
    ) -> None:
        (why,) = refusals(content)
        assert "ZIP" in why

    @pytest.mark.parametrize(
        "content",
        [
            b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
            zipped(("a.png", picture("PNG"))),
            b"GIF89a/*\x01\x00*/=alert(1)//",
            picture("GIF"),
            picture("WEBP"),
            PDF,
            png_of(60_000, 60_000, zlib.compress(bytes(100))),
            png_of(60_000, 60_000, packed(300)),
            picture("PNG")[:60],
            picture("JPEG", size=(300, 200))[:400],
            b"",
        ],
        ids=[
            "svg",
            "zip",
            "gif-js",
            "gif",
            "webp",
            "pdf",
            "60k",
            "bomb",
            "cut",
            "cut-jpeg",
            "empty",
        ],
    )
    def test_name_what_is_no_picture(
        self, refusals: Callable[[bytes], list[str]], frugal: None, content: bytes
    ) -> None:
        (why,) = refusals(zipped(("P1-KG.jpg", picture("JPEG")), ("P1-KG_2.png", content)))
        assert why.startswith("P1-KG_2.png: ")

    def test_with_a_damaged_stream_name_the_file(
        self, refusals: Callable[[bytes], list[str]]
    ) -> None:
        content = zipped(("P1-KG.jpg", picture("JPEG", size=(600, 400), quality=100)))
        start = content.index(b"P1-KG.jpg") + 9
        (why,) = refusals(content[:start] + b"\xff" * 40 + content[start + 40 :])
        assert why.startswith("P1-KG.jpg: ")

    def test_may_say_less_than_they_hold(self, refusals: Callable[[bytes], list[str]]) -> None:
        (why,) = refusals(lying(zipped(("P1-KG.png", picture("PNG"))), 20))
        assert why.startswith("P1-KG.png: ")


class TestPictures:
    """What is kept of a picture is the picture, whatever it was sent as."""

    @pytest.mark.parametrize(
        "content",
        [
            picture("JPEG") + zipped(("evil.js", b"alert(1)")),
            picture("PNG") + b"%PDF-1.7 alert(1)",
            picture("PNG", save_all=True, append_images=[]),
        ],
        ids=["jpeg-zip", "png-pdf", "apng"],
    )
    def test_lose_what_hangs_behind_them(
        self, supplier: Supplier, make_product: MakeProduct, sam: User, tmp_path: Path,
        content: bytes,
    ) -> None:  # fmt: skip
        make_product(status="draft")
        path = tmp_path / "sent.zip"
        path.write_bytes(zipped(("P1-KG.png", content)))
        take_pictures(path, supplier=supplier, by=sam, now=NOW)
        kept = Path(ProductImage.objects.get().file.path).read_bytes()
        for rest in (b"alert", b"PK\x03\x04", b"acTL"):
            assert rest not in kept
