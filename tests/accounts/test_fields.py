"""The fields that all requests share."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import serializers

from accounts.api.serializers import (
    MoneyField,
    MonthField,
    QuantityField,
    StrictSerializer,
    TextField,
    money,
    plain,
)


class TestQuantityField:
    @given(st.decimals("0.001", "999999999.999", places=3))
    def test_reads_back_what_it_writes(self, value: Decimal) -> None:
        field = QuantityField()
        assert field.run_validation(field.to_representation(value)) == value

    @pytest.mark.parametrize("given", ["20", "196.4", "0.001", 20, Decimal("1.5")])
    def test_takes_plain_digits(self, given: object) -> None:
        assert QuantityField().run_validation(given) == Decimal(str(given))

    @pytest.mark.parametrize(
        "given",
        ["", " 1", "1 ", "-1", "+1", "1e2", "1_000", "1,000", "NaN", "Infinity", ".5", "1.", "0",
         "0.000", "1.2345", "1234567890", "9" * 5_000, "١٢", "1２", "0x10", True, None, [], {},
         1.5, 0, -3, 10**12],
    )  # fmt: skip
    def test_refuses(self, given: object) -> None:
        with pytest.raises(serializers.ValidationError):
            QuantityField().run_validation(given)

    def test_takes_zero_where_it_means_something(self) -> None:
        assert QuantityField(allow_zero=True).run_validation("0") == 0


class TestMoneyField:
    def test_refuses_more_places_than_there_are_fen(self) -> None:
        assert MoneyField().run_validation("720.00") == 720
        with pytest.raises(serializers.ValidationError):
            MoneyField().run_validation("720.001")

    def test_reads_unit_prices_with_four_places(self) -> None:
        assert MoneyField(places=4).run_validation("1.2345") == Decimal("1.2345")


class TestFormats:
    @pytest.mark.parametrize(
        ("value", "shown"), [("20.000", "20"), ("196.400", "196.4"), ("100", "100"), ("0.5", "0.5")]
    )
    def test_quantities_lose_trailing_zeros(self, value: str, shown: str) -> None:
        assert plain(Decimal(value)) == shown

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            ("720.0000", "720.00"),
            ("1.2345", "1.2345"),
            ("0", "0.00"),
            ("1.230", "1.23"),
            ("-3.5", "-3.50"),
        ],
    )
    def test_money_keeps_two_places(self, value: str, shown: str) -> None:
        assert money(Decimal(value)) == shown


class TestTextField:
    def test_is_trimmed_and_composed(self) -> None:
        assert TextField().run_validation("  e\u0301  ") == "é"

    @pytest.mark.parametrize("given", ["a\x07b", "a\u202eb", "a\u2066b", "\x7f", 3, True, None])
    def test_refuses_what_cannot_be_shown(self, given: object) -> None:
        with pytest.raises(serializers.ValidationError):
            TextField().run_validation(given)


class TestMonthField:
    def test_is_the_first_day(self) -> None:
        assert MonthField().run_validation("2026-10") == date(2026, 10, 1)

    @pytest.mark.parametrize(
        "given", ["2026-13", "2026-1", "202610", "２０２６-10", "0000-01", 202610, ""]
    )
    def test_refuses(self, given: object) -> None:
        with pytest.raises(serializers.ValidationError):
            MonthField().run_validation(given)


class TestStrictSerializer:
    class Outer(StrictSerializer):
        class Inner(StrictSerializer):
            name = TextField()

        inner = Inner()

    def test_refuses_unknown_fields_on_every_level(self) -> None:
        serializer = self.Outer(data={"inner": {"name": "x", "nmae": "y"}})
        assert not serializer.is_valid()
        assert serializer.errors["inner"]["nmae"][0].code == "unknown_field"
