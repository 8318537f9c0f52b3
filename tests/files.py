"""Files to send: honest ones, and those that mean harm."""

import io
import struct
import zipfile
import zlib
from typing import Any

from PIL import Image, PngImagePlugin

PDF = b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
REMARK = "拍摄者 138-1234-5678"


def picture(file_format: str, *, size: tuple[int, int] = (30, 20), **options: Any) -> bytes:
    """Return a picture whose left half is red."""
    image = Image.new("RGB", size, "white")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def with_remarks(file_format: str) -> bytes:
    """Return a picture that says who took it and where, and that it lies on its side."""
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    exif[0x010E] = "GPS 26.25N"
    options: dict[str, Any] = {"exif": exif}
    if file_format == "PNG":
        options["pnginfo"] = PngImagePlugin.PngInfo()
        options["pnginfo"].add_itxt("Comment", REMARK)
    else:
        options["comment"] = REMARK.encode()
    return picture(file_format, **options)


def chunk(name: bytes, body: bytes) -> bytes:
    """Return a part of a PNG."""
    checksum = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + checksum


def png_of(width: int, height: int, data: bytes = b"", *, more: bytes = b"") -> bytes:
    """Return a PNG that claims a size, with no more than `data` to fill it."""
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + more + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def packed(mebibytes: int) -> bytes:
    """Return so many zeros, compressed a thousandfold."""
    packer = zlib.compressobj(9)
    parts = [packer.compress(bytes(1024**2)) for _ in range(mebibytes)]
    return b"".join(parts) + packer.flush()


def zip_bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scan.png", bytes(10_000_000))
    return file.getvalue()
