"""The catalogue, open to everybody."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import DataError, ProgrammingError
from django.db.models import Prefetch
from django.http import HttpResponseBase
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.filtering import ALWAYS_KNOWN, refuse_unknown_parameters
from accounts.api.pagination import KeysetPagination
from accounts.models import Division
from accounts.refusals import Invalid, NotFound
from suppliers.models import Certificate

from .answers import answer
from .filters import FILTERS, LONGEST_SEARCH, asked_for
from .models import Category, Product, SupplyPromise
from .models.listings import Row, read_listings
from .serializers import (
    CalendarSerializer,
    CategorySerializer,
    CountySerializer,
    ProductPageSerializer,
    ProductSerializer,
    calendar_of,
    written,
)
from .services.spelling import learn_spellings

ORDERINGS = {
    "name": ("sort_key", "product_id"),
    "-name": ("-sort_key", "-product_id"),
    "price": ("price", "product_id"),
    "-price": ("-price", "-product_id"),
    "updated": ("updated_at", "product_id"),
    "-updated": ("-updated_at", "-product_id"),
}


def _parameter(name: str, description: str, kind: Any = OpenApiTypes.STR, **more: Any) -> Any:
    return OpenApiParameter(name, kind, description=description, **more)


PARAMETERS = [
    _parameter(
        "q",
        "Words that must all be found in the names of the product, its SKUs, category, county, "
        f"supplier or producer, or in their codes; at most {LONGEST_SEARCH} characters. Chinese in "
        "either script, pinyin, initials or English; a word may be the beginning of one.",
    ),
    _parameter("category", "A category's code."),
    _parameter("county", "The code of the county of origin."),
    _parameter("supplier", "A supplier's code."),
    _parameter("certificate", "A kind of certificate, valid today.", enum=Certificate.Kind.values),
    _parameter("storage", "How it is stored.", enum=Product.Storage.values),
    _parameter("in_season", "Whether it is delivered today.", OpenApiTypes.BOOL),
    _parameter("in_stock", "Whether any of its SKUs can be ordered.", OpenApiTypes.BOOL),
    _parameter("min_price", "Lowest unit price today, in yuan.", OpenApiTypes.DECIMAL),
    _parameter("max_price", "Lowest unit price today, in yuan.", OpenApiTypes.DECIMAL),
    _parameter("ordering", "Names sort by pinyin.", enum=list(ORDERINGS), default="name"),
    _parameter("cursor", "Where the page starts; take it from `next` or `previous`."),
    _parameter("page_size", "From 1 to 100.", OpenApiTypes.INT, default=20),
]


class ListingPagination(KeysetPagination):
    """Pages of the listings of a day."""

    def __init__(self, day: date) -> None:
        self.day = day

    def fetch(
        self, queryset: Any, ordering: Sequence[str], position: Sequence[Any] | None, limit: int
    ) -> list[Row]:
        try:
            return read_listings(self.day, queryset, ordering=ordering, after=position, limit=limit)
        except (DataError, ProgrammingError) as error:
            # A cursor that somebody made up: its values do not fit the columns.
            raise Invalid from error


class ProductListView(APIView):
    permission_classes = [AllowAny]
    orderings = ORDERINGS

    @extend_schema(
        operation_id="products_list", parameters=PARAMETERS, responses=ProductPageSerializer
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Find products on sale."""
        day = timezone.localdate()

        def say() -> tuple[Any, Sequence[Row]]:
            refuse_unknown_parameters(request, FILTERS.keys() | ALWAYS_KNOWN)
            if request.query_params.get("q"):
                learn_spellings()
            page = ListingPagination(day)
            conditions = asked_for(request.query_params, day=day)
            listings = page.paginate_queryset(conditions, request, view=self)
            return {
                "next": page.get_next_link(),
                "previous": page.get_previous_link(),
                "results": [written(listing, day=day) for listing in listings],
            }, listings

        # Which products are in stock changes without a listing's changing.
        is_kept = "in_stock" not in request.query_params
        key = (request.build_absolute_uri(), day) if is_kept else None
        return answer(request._request, key, say)


class ProductView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="products_retrieve", responses=ProductSerializer)
    def get(self, request: Request, code: str) -> HttpResponseBase:
        """Read one product on sale."""
        day = timezone.localdate()

        def say() -> tuple[Any, Sequence[Row]]:
            listings = read_listings(day, [("code = %s", [code])], limit=1)
            if not listings:
                raise NotFound
            return written(listings[0], day=day), listings

        return answer(request._request, (code, day), say)


class CalendarView(APIView):
    permission_classes = [AllowAny]

    @extend_schema(operation_id="products_calendar", responses=CalendarSerializer)
    def get(self, request: Request, code: str) -> Response:
        """Read when how much of a product can be delivered."""
        product = Product.objects.on_sale().filter(code=code).first()
        if product is None:
            raise NotFound
        promises = SupplyPromise.objects.ahead(timezone.localdate())
        skus = (
            product.skus.filter(is_active=True)
            .select_related("stock")
            .prefetch_related(Prefetch("promises", promises))
        )
        return Response(calendar_of(product, skus))


class CategoryListView(generics.ListAPIView[Category]):
    """Read all categories."""

    permission_classes = [AllowAny]
    queryset = Category.objects.all()
    serializer_class = CategorySerializer
    ordering = ("position", "code")


class CountyListView(generics.ListAPIView[Division]):
    """Read Qiannan's counties."""

    permission_classes = [AllowAny]
    queryset = Division.objects.counties()
    serializer_class = CountySerializer
    ordering = ("code",)
