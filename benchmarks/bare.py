"""
The limits for reads, with nothing around them: a Django view that returns prebuilt JSON, and
the same after asking the database for one number.
"""

import os
from pathlib import Path

import dj_database_url
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path

settings.configure(
    SECRET_KEY="bare",  # noqa: S106 - signs nothing
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=[],
    DATABASES={"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=None)},
)

PAYLOAD = Path(os.environ["BARE_PAYLOAD"]).read_bytes()


def prebuilt(request: HttpRequest) -> HttpResponse:
    length = {"Content-Length": str(len(PAYLOAD))}
    return HttpResponse(PAYLOAD, content_type="application/json", headers=length)


def after_one_query(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return prebuilt(request)


urlpatterns = [path("", prebuilt), path("query/", after_one_query)]
application = get_wsgi_application()
