"""QR codes, as pages and PDFs hold them."""

import segno


def qr_code(text: str) -> str:
    """Return a QR code of `text` as SVG without a margin, as large as there is room."""
    return str(segno.make(text, error="m", micro=False).svg_inline(border=0, omitsize=True))
