"""A form keeps of a file what is harmless, and names the file that it refuses."""

import resource
import zlib
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile

from accounts.forms import PictureField, UploadField
from accounts.services.uploads import MAX_SIZE
from tests.files import PDF, REMARK, packed, picture, png_of, with_remarks, zip_bomb

SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"
HTML = b"<!doctype html><script>alert(1)</script>"


def sent(content: bytes, *, name: str = "图.png", field: Any = PictureField) -> Any:
    return field().clean(SimpleUploadedFile(name, content))


def refusal(content: bytes, **given: Any) -> str:
    with pytest.raises(ValidationError) as error:
        sent(content, **given)
    return str(error.value.messages[0])


class TestUploadField:
    @pytest.mark.parametrize(
        ("content", "suffix"), [(PDF, "pdf"), (picture("PNG"), "png"), (picture("JPEG"), "jpeg")]
    )
    def test_goes_by_the_content_and_gives_a_name_of_our_own(
        self, content: bytes, suffix: str
    ) -> None:
        file = sent(content, name="../../骗人的.exe", field=UploadField)
        stem, end = file.name.split(".")
        assert (len(stem), end) == (36, suffix)

    @pytest.mark.parametrize("file_format", ["PNG", "JPEG"])
    def test_keeps_of_a_picture_only_the_picture(self, file_format: str) -> None:
        kept = sent(with_remarks(file_format) + HTML).read()
        for said in (REMARK.encode(), b"GPS", b"Exif", b"script"):
            assert said not in kept

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            (SVG, "PNG"),
            (HTML, "PNG"),
            (HTML + picture("PNG"), "PNG"),
            (zip_bomb(), "PNG"),
            (PDF, "PNG"),
            (b"GIF89a/*\x01\x00*/=alert(1)//", "PNG"),
            (picture("PNG")[:60], "不完整"),
            (png_of(60_000, 60_000, zlib.compress(bytes(100))), "3600"),
            (picture("PNG") + bytes(MAX_SIZE), "大小"),
            (b"", "空"),
        ],
    )
    def test_refuses_in_words(self, content: bytes, why: str) -> None:
        assert why in refusal(content)

    @pytest.mark.parametrize("content", [zip_bomb(), PDF + zip_bomb() * 2, HTML + PDF])
    def test_refuses_what_only_calls_itself_a_pdf(self, content: bytes) -> None:
        assert refusal(content, name="执照.pdf", field=UploadField).startswith("执照.pdf：")

    def test_takes_no_memory_for_a_bomb(self) -> None:
        bomb = png_of(60_000, 60_000, packed(500))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        refusal(bomb)
        assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 * 1024
