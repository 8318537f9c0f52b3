"""Addresses that exist only for the tests of the HTTP shell."""

from django.contrib.auth import get_user_model
from django.db import OperationalError
from django.urls import path
from psycopg.errors import LockNotAvailable
from rest_framework.generics import ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.serializers import QuantityField, StrictSerializer, TextField
from accounts.models import Division
from accounts.refusals import ErrorItem, Refusal


class Line(StrictSerializer):
    quantity = QuantityField()


class Body(StrictSerializer):
    name = TextField()
    lines = Line(many=True)


class Echo(APIView):
    def get(self, request: Request) -> Response:
        return Response({"user": request.user.username})

    def post(self, request: Request) -> Response:
        body = Body(data=request.data)
        body.is_valid(raise_exception=True)
        return Response({"name": body.validated_data["name"]})


class DivisionShape(StrictSerializer):
    code = TextField()


class Divisions(ListAPIView):
    permission_classes = [AllowAny]
    queryset = Division.objects.all()
    serializer_class = DivisionShape
    ordering = ("level", "-name_en", "code")


class Failing(APIView):
    permission_classes = [AllowAny]

    def get(self, request: Request, how: str) -> Response:
        if how == "refusal":
            raise Refusal(errors=[ErrorItem("/lines/0", "short", "short", {"available": "3"})])
        if how == "busy":
            raise OperationalError("busy") from LockNotAvailable()
        if how == "gone":
            raise OperationalError("gone")
        raise get_user_model().DoesNotExist("a secret: hunter2")


urlpatterns = [
    path("api/echo/", Echo.as_view()),
    path("api/divisions/", Divisions.as_view()),
    path("api/failing/<how>/", Failing.as_view()),
]
handler400 = "accounts.api.problems.bad_request"
handler403 = "accounts.api.problems.forbidden"
handler404 = "accounts.api.problems.not_found"
handler500 = "accounts.api.problems.server_error"
