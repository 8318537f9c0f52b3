"""`make screenshots`: take every picture anew; names after it take only those."""

import shutil
import subprocess
import sys
import tempfile
from io import BytesIO
from itertools import groupby
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from tests.browser import CHROMIUM, OPTIONS

from .pages import PAGES, Page
from .staging import ADDRESS, ROOT, product, stage

PICTURES = ROOT / "docs" / "screenshots"
HEIGHT = 900
#: Pages are flat; more colours than these would only make the files larger.
COLOURS = 128


def main(names: list[str]) -> None:
    if CHROMIUM is None:
        sys.exit("Chromium is not installed; Debian calls it chromium.")
    if unknown := set(names) - {page.name for page in PAGES} - {"forms"}:
        sys.exit(f"No page is called {', '.join(sorted(unknown))}; see screenshots/pages.py.")
    PICTURES.mkdir(exist_ok=True)
    pages = [page for page in PAGES if not names or page.name in names]
    with tempfile.TemporaryDirectory() as folder:
        forms = Path(folder) / "forms"
        forms.mkdir()
        with product(Path(folder) / "data") as people, sync_playwright() as playwright:
            made = stage(people, forms=forms)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
            for (role, *screen), same in groupby(sorted(pages, key=_viewer), key=_viewer):
                take(browser, list(same), screen=screen, who=_signs_in(people, role), made=made)
            browser.close()
        if not names or "forms" in names:
            show_forms(forms)
    kept = sorted(PICTURES.glob("*.png"))
    print(f"{len(kept)} pictures, {sum(file.stat().st_size for file in kept) / 2**20:.1f} MiB")


def take(
    browser: Browser, pages: list[Page], *, screen: list[Any], who: dict[str, str], made: Any
) -> None:
    """Take the pictures of one viewer on one screen."""
    language, width = screen
    context = browser.new_context(viewport={"width": width, "height": HEIGHT}, locale=language)
    tab = context.new_page()
    if who:
        tab.goto(f"{ADDRESS}/admin/login/")
        tab.fill("[name=username]", who["username"])
        tab.fill("[name=password]", who["password"])
        tab.press("[name=password]", "Enter")
        tab.wait_for_url("**/admin/")
    for page in pages:
        tab.goto(ADDRESS + page.address.format(**made), wait_until="networkidle")
        for link in page.opens:
            tab.click(link)
            tab.wait_for_load_state("networkidle")
        shown = tab.url.removeprefix(ADDRESS)
        save(tab.screenshot(full_page=page.is_whole(shown)), page.name)
    context.close()


def save(png: bytes, name: str) -> None:
    with Image.open(BytesIO(png)) as image:
        small = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
    small.save(PICTURES / f"{name}.png", optimize=True)
    print(name, flush=True)


def show_forms(folder: Path) -> None:
    """Take the first page of each file in `folder`, as it would be printed."""
    missing = [tool for tool in ("soffice", "pdftoppm") if shutil.which(tool) is None]
    if missing:
        print(f"The monthly form is left out: {' and '.join(missing)} not installed.")
        return
    for file in sorted(folder.glob("form-*")):
        printed = file
        if file.suffix != ".pdf":
            printed = folder / "printed" / f"{file.stem}.pdf"
            _run(["soffice", "--headless", f"-env:UserInstallation=file://{folder}/profile",
                  "--convert-to", "pdf", "--outdir", str(printed.parent), str(file)])  # fmt: skip
        picture = folder / file.stem
        _run(["pdftoppm", "-png", "-singlefile", "-r", "80", str(printed), str(picture)])
        save(picture.with_suffix(".png").read_bytes(), file.stem)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _viewer(page: Page) -> tuple[str, str, int]:
    return page.role, page.language, page.width


def _signs_in(people: dict[str, Any], role: str) -> dict[str, str]:
    """Return who looks at pages as `role`; nobody for those that everybody sees."""
    if not role:
        return {}
    if role == "supplier":
        return dict(people["suppliers"][0])
    return dict(next(person for person in people["staff"] if person["role"] == role))


if __name__ == "__main__":
    main(sys.argv[1:])
