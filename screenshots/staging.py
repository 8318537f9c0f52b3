"""The running product, and what the office does before its pages are shown."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import httpx

ROOT = Path(__file__).parents[1]
PORT = os.environ.get("PORT", "18434")
ADDRESS = f"http://127.0.0.1:{PORT}"
READY_WITHIN = 180
# The demo's first fapiao, the one that is taken back and replaced.
FAPIAO = f"{1:020}"
DECLARATION = """日期,单据号,行号,商品名称,类别,产地县,采购方地区,采购方类型,渠道,数量,单位,金额
{day},示例-待处理-1,1,都匀毛尖,tea,522701,440103,union,fair,120,公斤,36000.00
{day},示例-待处理-2,1,罗甸火龙果,fruit,522728,440111,supermarket,counter,900,公斤,16200.00
"""


@contextmanager
def product(folder: Path) -> Iterator[dict[str, Any]]:
    """Run the product with its data in `folder`, and hand out the demo's people."""
    environment = {
        **{k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")},
        "DATA_DIR": str(folder),
        "PORT": PORT,
        "THROTTLE": "off",
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "config.processes"],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: is_ready(process), seconds=READY_WITHIN)
        printed = subprocess.run(
            [sys.executable, "manage.py", "demo", "--json"],
            cwd=ROOT, env=environment, check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        yield json.loads(printed)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def is_ready(process: subprocess.Popen[bytes]) -> bool:
    if process.poll() is not None:
        sys.exit("The product ended before it was ready; the log above says why.")
    try:
        return httpx.get(f"{ADDRESS}/readyz").status_code == 200
    except httpx.HTTPError:
        return False


def wait_for(question: Any, *, seconds: float) -> Any:
    """Return the first answer that is not false."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if answer := question():
            return answer
        time.sleep(0.5)
    sys.exit(f"Nothing came of {question} within {seconds:.0f} s.")


def stage(people: dict[str, Any], *, forms: Path) -> dict[str, str]:
    """
    Let the office work a little; return what addresses name.

    It begins to close a month, examines another, and uploads a declaration. The monthly
    form of the last published month is written to `forms` in both formats.
    """
    key = next(person["key"] for person in people["staff"] if person["role"] == "office")
    headers = {"Authorization": f"Bearer {key}"}
    today = datetime.now(ZoneInfo("Asia/Shanghai")).date()
    with httpx.Client(base_url=f"{ADDRESS}/api/v1", headers=headers, timeout=60) as office:
        months = office.get("/months/", params={"page_size": 100}).raise_for_status().json()
        published = [m for m in months["results"] if m["status"] == "published"]
        over = [m["month"] for m in months["results"] if m["status"] == "open"]
        over = sorted(month for month in over if month < f"{today:%Y-%m}")
        for month, step in zip(over, ("close", "examine"), strict=False):
            office.post(f"/months/{month}/{step}/", json={}).raise_for_status()
        office.post(
            "/declarations/",
            data={"reporter": "522700"},
            files={"file": ("示例-展会.csv", DECLARATION.format(day=today).encode())},
        ).raise_for_status()
        last = max(published, key=lambda month: str(month["month"]))
        reports = [_form(office, last["month"], suffix, forms) for suffix in ("xlsx", "pdf")]
    return {
        "report": reports[0],
        "month": last["month"],
        "seal": last["sha256"],
        "fapiao": FAPIAO,
        "last_year": str(today.year - 1),
    }


def _form(office: httpx.Client, month: str, suffix: str, forms: Path) -> str:
    """Ask for the monthly form, keep the file, and return the report's id."""
    asked = {"kind": "monthly", "month": month, "format": suffix}
    report = office.post("/reports/", json=asked).raise_for_status().json()["id"]
    wait_for(
        lambda: office.get(f"/reports/{report}/").raise_for_status().json()["status"] == "ready",
        seconds=120,
    )
    file = office.get(f"/reports/{report}/download/").raise_for_status().content
    forms.joinpath(f"form-{suffix}.{suffix}").write_bytes(file)
    return str(report)
