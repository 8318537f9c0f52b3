"""Flat drawings for the demo: one for each category, and scans of certificates."""

import colorsys
import math
from collections.abc import Callable
from functools import cache
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from uuid import uuid4
from zlib import crc32

import noto_cjk_sans_otc
from django.core.files.base import ContentFile
from PIL import Image, ImageDraw, ImageFont

from shop.models import Product, ProductImage
from suppliers.models import Certificate

# Halved in the end, which smooths the edges.
CANVAS = (1280, 960)
FONT = Path(noto_cjk_sans_otc.__file__).parent / "NotoSansCJK-Regular.ttc"

Draw = ImageDraw.ImageDraw
Colour = tuple[int, int, int]


def add_pictures() -> None:
    """Give every product that is or was on sale its drawing."""
    products = Product.objects.exclude(status=Product.Status.DRAFT).order_by("pk")
    ProductImage.objects.bulk_create(
        ProductImage(
            product=product,
            file=ContentFile(picture_of(product), name=f"demo-{product.code.lower()}.png"),
            caption=f"{product.name}（示意图）",
        )
        for product in products
    )


def picture_of(product: Product) -> bytes:
    """Return a PNG: the category's shape, in the category's colour shaded by the product."""
    hue, shape = SHAPES[product.category_id]
    hue += (crc32(product.code.encode()) % 100 - 50) / 1000
    image = Image.new("RGB", CANVAS, _colour(hue, 0.12, 0.97))
    shape(ImageDraw.Draw(image), _colour(hue, 0.55, 0.72), _colour(hue, 0.7, 0.45))
    content = BytesIO()
    image.reduce(2).quantize(32, Image.Quantize.FASTOCTREE).save(content, "PNG")
    return content.getvalue()


def attach_scan(certificate: Certificate) -> None:
    """Give a certificate that is not stored yet its file."""
    scan = _scan_of(certificate)
    certificate.file = ContentFile(scan, name=f"{uuid4()}.png")
    certificate.sha256 = sha256(scan).hexdigest()


def _scan_of(certificate: Certificate) -> bytes:
    """Return a PNG that looks like a scan of a certificate, and says that it is an example."""
    image = Image.new("1", (620, 440), "white")
    draw = ImageDraw.Draw(image)
    draw.rectangle((16, 16, 603, 423), outline="black", width=3)
    lines = [
        (40, f"{certificate.get_kind_display()}（示例，无效）"),
        (22, certificate.supplier.name),
        (22, certificate.number),
        (22, certificate.issuer),
        (22, f"{certificate.valid_from} – {certificate.valid_until}"),
    ]
    for place, (size, text) in enumerate(lines):
        draw.text((50, 60 + 70 * place), text, "black", font=_font(size))
    content = BytesIO()
    image.save(content, "PNG")
    return content.getvalue()


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONT, size, index=2)  # Simplified Chinese


def _colour(hue: float, saturation: float, value: float) -> Colour:
    red, green, blue = colorsys.hsv_to_rgb(hue % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _oval(draw: Draw, x: float, y: float, width: float, height: float, fill: Colour) -> None:
    draw.ellipse((x - width / 2, y - height / 2, x + width / 2, y + height / 2), fill=fill)


def _fish(draw: Draw, light: Colour, dark: Colour) -> None:
    draw.polygon([(840, 480), (1060, 340), (1010, 480), (1060, 620)], fill=dark)
    draw.polygon([(520, 370), (640, 250), (720, 390)], fill=dark)
    _oval(draw, 560, 480, 680, 260, light)
    _oval(draw, 340, 450, 36, 36, dark)


def _eggs(draw: Draw, light: Colour, dark: Colour) -> None:
    _oval(draw, 640, 690, 820, 120, dark)
    for x, y in ((430, 500), (850, 500), (640, 450)):
        _oval(draw, x, y, 300, 400, dark)
        _oval(draw, x, y, 280, 380, light)


def _fruit(draw: Draw, light: Colour, dark: Colour) -> None:
    draw.line([(640, 330), (690, 180)], fill=dark, width=24)
    draw.chord((660, 130, 940, 330), 20, 200, fill=dark)
    for x, y in ((500, 480), (780, 480), (640, 620)):
        _oval(draw, x, y, 300, 300, dark)
        _oval(draw, x, y, 280, 280, light)


def _rose(draw: Draw, light: Colour, dark: Colour) -> None:
    spikes = 24
    points = []
    for step in range(2 * spikes):
        radius = 330 if step % 2 else 250
        angle = math.pi * step / spikes
        points.append((640 + radius * math.cos(angle), 480 + radius * math.sin(angle)))
    draw.polygon(points, fill=dark)
    _oval(draw, 640, 480, 470, 470, light)


def _tea(draw: Draw, light: Colour, dark: Colour) -> None:
    draw.line([(640, 840), (640, 420)], fill=dark, width=24)
    draw.chord((250, 300, 650, 740), 200, 20, fill=light)
    draw.chord((630, 300, 1030, 740), 160, 340, fill=light)
    draw.polygon([(640, 120), (730, 330), (640, 520), (550, 330)], fill=dark)


def _grain(draw: Draw, light: Colour, dark: Colour) -> None:
    draw.line([(640, 860), (640, 160)], fill=dark, width=20)
    for y in range(200, 660, 110):
        for side in (-1, 1):
            near, far, tip = 640 + side * 60, 640 + side * 130, 640 + side * 170
            draw.polygon([(640, y + 110), (near, y), (tip, y - 50), (far, y + 60)], fill=light)
    _oval(draw, 640, 150, 70, 150, light)


def _mushroom(draw: Draw, light: Colour, dark: Colour) -> None:
    draw.rounded_rectangle((550, 420, 730, 820), radius=70, fill=light)
    draw.chord((290, 160, 990, 800), 180, 360, fill=dark)
    for x, y in ((470, 380), (640, 280), (810, 380)):
        _oval(draw, x, y, 80, 60, light)


def _stitches(draw: Draw, light: Colour, dark: Colour) -> None:
    for radius, fill in ((360, dark), (290, light), (220, dark), (150, light), (80, dark)):
        draw.polygon(
            [(640, 480 - radius), (640 + radius, 480), (640, 480 + radius), (640 - radius, 480)],
            fill=fill,
        )
    for x, y in ((200, 160), (1080, 160), (200, 800), (1080, 800)):
        _oval(draw, x, y, 120, 120, dark)
        _oval(draw, x, y, 60, 60, light)


SHAPES: dict[str, tuple[float, Callable[[Draw, Colour, Colour], None]]] = {
    "aquatic": (0.56, _fish),
    "eggs": (0.42, _eggs),
    "fruit": (0.94, _fruit),
    "roxburgh": (0.1, _rose),
    "tea": (0.27, _tea),
    "grain": (0.13, _grain),
    "vegetables": (0.08, _mushroom),
    "handicraft": (0.64, _stitches),
}
