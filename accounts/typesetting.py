"""PDFs, typeset from data only."""

import json
from collections.abc import Mapping
from pathlib import Path

import noto_cjk_sans_otc
import typst

FONTS = Path(noto_cjk_sans_otc.__file__).parent


def typeset(template: Path, content: Mapping[str, object]) -> bytes:
    """Return the PDF that a template, which may import its neighbours, makes of `content`."""
    return typst.compile(
        str(template),
        format="pdf",
        root=str(template.parent),
        font_paths=[str(FONTS)],
        ignore_system_fonts=True,
        # Data, never markup: a name cannot become a command.
        sys_inputs={"content": json.dumps(content)},
    )
