"""Every page of our own has its picture."""

from django.urls import URLPattern

from config.urls import urlpatterns
from screenshots.pages import PAGES

NO_PAGES = {"healthz", "readyz", "metrics", "apply/done/"}


class TestPages:
    def test_show_every_address_that_is_one(self) -> None:
        routes = [pattern.pattern for pattern in urlpatterns if isinstance(pattern, URLPattern)]
        pages = {
            str(route).split("<")[0]
            for route in routes
            if not str(route).endswith(("download/", "<path:path>"))
            and not str(route).startswith(("files/", "welcome/"))
            and str(route) not in NO_PAGES
        }
        assert "office/" in pages
        for page in pages:
            assert any(shown.address.startswith(f"/{page}") for shown in PAGES), page

    def test_have_names_of_their_own(self) -> None:
        names = [page.name for page in PAGES]
        assert len(set(names)) == len(names)

    def test_are_shown_in_every_language_and_on_a_phone(self) -> None:
        dashboards = [page for page in PAGES if page.address == "/dashboard/"]
        assert {page.language for page in dashboards} == {"zh-CN", "zh-HK", "en-GB"}
        assert {page.width for page in dashboards} == {1280, 390}
