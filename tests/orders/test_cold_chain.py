"""What loggers write is read, and everything else is refused by its row."""

from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from accounts.refusals import Invalid
from orders.services.cold_chain import MAX_SIZE, MOST_READINGS, read_degrees, read_logger, read_time

SHANGHAI = ZoneInfo("Asia/Shanghai")
EIGHT = datetime(2026, 11, 25, 8, 0, tzinfo=SHANGHAI)


def pointers(content: bytes) -> list[str]:
    with pytest.raises(Invalid) as refusal:
        read_logger(content)
    return [error.pointer for error in refusal.value.errors]


class TestReadLogger:
    @pytest.mark.parametrize(
        "content",
        [
            b"2026-11-25 08:00,-18.5",
            "\ufeff时间,温度(℃)\r\n2026/11/25 8:00,-18.5℃\r\n\r\n".encode(),
            "序号;温度;日期;时间\n1;－18.5;2026.11.25;8:00:00\n".encode("gb18030"),
            "Date Time\tTemp\n2026-11-25T08:00:00+08:00\t−18.5 °C\n".encode("utf-16"),
            "time,temp\n2026年11月25日 08:00,-18.46".encode(),
        ],
    )
    def test_takes_what_loggers_and_excel_write(self, content: bytes) -> None:
        (reading,) = read_logger(content)
        assert (reading.at, reading.degrees) == (EIGHT, Decimal("-18.5"))

    def test_names_the_rows_that_are_wrong(self) -> None:
        good, bad = (
            ["2026-11-25 08:00,4"],
            ["x,4", "2026-11-25 08:10,y", "z", "2026-11-25 08:20,99"],
        )
        content = "\n".join(["时间,温度", *good, *bad]).encode()
        assert pointers(content) == ["/rows/3", "/rows/4", "/rows/5", "/rows/6"]

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\n\n",
            "时间,温度\n".encode(),
            b"PK\x03\x04" + bytes(50),
            b"\x00\x01\x02",
            b"\xff\xfe\x00",
            b"x" * (MAX_SIZE + 1),
            b"2026-11-25 08:00,4\n" * (MOST_READINGS + 1),
            b'"' + b"x" * 200_000,
        ],
    )
    def test_refuses_what_is_no_such_file(self, content: bytes) -> None:
        assert pointers(content) == ["/file"]


class TestParts:
    @pytest.mark.parametrize(
        "text", ["", "8:00", "2026-13-01 08:00", "昨天", "1e5", "2026-11-25 25:00"]
    )
    def test_no_time_is_refused(self, text: str) -> None:
        with pytest.raises(Invalid):
            read_time(text)

    @pytest.mark.parametrize("text", ["", "NaN", "1e1", "-80.1", "99", "4,5", "४", "4F", "--4"])
    def test_no_temperature_is_refused(self, text: Any) -> None:
        with pytest.raises(Invalid):
            read_degrees(text)
