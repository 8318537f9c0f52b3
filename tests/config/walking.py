"""Every address of the admin, asked and posted to by somebody whose rows it is not about."""

import re
import uuid
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from datetime import date
from http.cookies import SimpleCookie
from typing import Any, NamedTuple

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.contrib.messages import get_messages
from django.db import models, transaction
from django.forms import FileField, ModelChoiceField, ModelMultipleChoiceField
from django.test import Client
from django.urls import URLPattern, URLResolver
from django.utils import timezone

from accounts.models import User
from shop.admin.reviewing import STEPS
from shop.models import SKU
from suppliers.models import Supplier

from .rivals import LOOKED_FOR, NUMBER, OWNED, WORD, Rivals

NOTHING = {models.UUIDField: uuid.UUID(int=0), models.CharField: "missing",
           models.DateField: date(1900, 1, 1)}  # fmt: skip
SECRET = re.compile(f"{WORD}|{NUMBER}", re.IGNORECASE)
#: What a page says anew each time.
CHANGING = re.compile(r'csrfmiddlewaretoken" value="[^"]*"|"X-CSRFToken": "[^"]*"')


class Address(NamedTuple):
    """A pattern of the admin's resolver, and the model that it is about."""

    name: str
    route: str
    model: type[models.Model] | None

    def __str__(self) -> str:
        return self.name or self.route


class Asked(NamedTuple):
    """An answer: its status, and what it says, leaving out what it was asked for."""

    status: int
    text: str


def addresses() -> list[Address]:
    """Return every address of the admin."""
    by_route = {
        f"{model._meta.app_label}/{model._meta.model_name}/": model
        for model in admin.site._registry
    }

    def walk(patterns: Iterable[URLPattern | URLResolver], before: str) -> Iterator[Address]:
        for pattern in patterns:
            route = before + str(pattern.pattern)
            if isinstance(pattern, URLResolver):
                yield from walk(pattern.url_patterns, route)
            else:
                model = by_route.get("/".join(route.split("/")[:2]) + "/")
                yield Address(pattern.name or "", route, model)

    return list(walk(admin.site.urls[0], ""))


def missing(model: type[models.Model]) -> Any:
    """Return a key that no row has."""
    field = model._meta.pk
    while field.is_relation:
        field = field.target_field
    return next((key for kind, key in NOTHING.items() if isinstance(field, kind)), 2**40)


def urls(address: Address, key: object) -> list[str]:
    """Return the address with a key in it; with everything else that may stand there."""
    filled = [address.route]
    if "object_id" in address.route and "content_type_id" in address.route:
        kinds = sorted(kind.pk for kind in ContentType.objects.get_for_models(*OWNED).values())
        filled = [f"r/{kind}/{key}/" for kind in kinds]
    if "(?P<app_label>" in address.route:
        filled = [f"{label}/" for label in {m._meta.app_label for m in admin.site._registry}]
    if "(?P<url>" in address.route:
        filled = ["nowhere/"]
    if "<int:shipment>" in address.route:
        filled = [address.route.replace("<int:shipment>", "1")]
    if "<str:step>" in address.route:
        filled = [address.route.replace("<str:step>", step) for step in (*STEPS, "nonsense")]
    filled = [re.sub(r"<(path:object_id|int:pk|int:sku_id|id)>", str(key), url) for url in filled]
    for url in filled:
        assert "<" not in url, f"Say in `urls` what stands for the parameter of {url}."
    return [f"/admin/{url}" for url in filled]


class Walk:
    """What one person finds; `findings` names each address that told or changed too much."""

    def __init__(
        self, world: Rivals, who: User | None, *, pages: Collection[type[models.Model]] = (),
        sees_all: bool = False,
    ) -> None:  # fmt: skip
        """Walk the pages of these models and the site's own, or all that there are."""
        self.world, self.sees_all = world, sees_all
        self.pages = [model for model in admin.site._registry if not pages or model in pages]
        self.client = Client(raise_request_exception=False)
        if who:
            self.client.force_login(who)
        self.signed_in = {name: cookie.value for name, cookie in self.client.cookies.items()}
        self.before = world.stored()
        self.findings: list[str] = []
        self.asked: set[str] = set()

    def get(self, url: str, given: Mapping[str, Any] | None = None, *, sent: object = "") -> Asked:
        given = given or {}
        return self._told(f"GET {url} {dict(given)}", lambda: self.client.get(url, given), sent)

    def post(self, url: str, given: Mapping[str, Any], *, sent: object = "") -> Asked:
        return self._told(f"POST {url} {dict(given)}", lambda: self.client.post(url, given), sent)

    def same(self, what: str, hidden: Asked, absent: Asked) -> None:
        """Note where a row of Sam's is answered otherwise than one that there is not."""
        if hidden != absent:
            self.findings.append(f"{what}: {hidden.status}, not {absent.status} as for nothing")

    def _told(self, what: str, ask: Callable[[], Any], sent: object) -> Asked:
        # Each request is undone, so that none depends on those before it.
        self.client.cookies = SimpleCookie(self.signed_in)
        with transaction.atomic():
            touched = self.world.touched()
            response = ask()
            if self.world.touched() != touched:
                if self.world.stored() != self.before:
                    self.findings.append(f"{what}: changed a row")
                if entangled := self.world.entangled():
                    self.findings.append(f"{what}: entangled {entangled}")
            transaction.set_rollback(True)
        if response.status_code >= 500:
            self.findings.append(f"{what}: {response.status_code}")
        body = b"".join(response.streaming_content) if response.streaming else response.content
        said = [response.headers.get("Location", "")]
        if hasattr(response.wsgi_request, "_messages"):
            said += [message.message for message in get_messages(response.wsgi_request)]
        text = "\n".join([*said, CHANGING.sub("", body.decode(errors="replace"))])
        for word in {str(sent), *str(sent).split()} - {""}:
            text = text.replace(word, "…")
        if not self.sees_all and (secret := SECRET.search(text)):
            self.findings.append(f"{what}: told {text[max(0, secret.start() - 60) :][:150]!r}")
        return Asked(response.status_code, text)


def ask_everything(walk: Walk) -> None:
    """Ask for each address with Sam's row and with none, and post nothing to it."""
    for address in addresses():
        if address.model and address.model not in walk.pages:
            continue
        walk.asked.add(address.route)
        model = SKU if "<int:sku_id>" in address.route else address.model or Supplier
        row = walk.world.sams(model)
        hidden, absent = (row.pk if row else missing(model)), missing(model)
        for url, other in zip(urls(address, hidden), urls(address, absent), strict=True):
            asked = walk.get(url, sent=hidden)
            posted = walk.post(url, {"post": "yes"}, sent=hidden)
            if url != other and model in OWNED:
                walk.same(f"GET {url}", asked, walk.get(other, sent=absent))
                walk.same(f"POST {url}", posted, walk.post(other, {"post": "yes"}, sent=absent))


def search_everything(walk: Walk) -> None:
    """Look for Sam's rows through lists, filters, lookups and actions."""
    for model in walk.pages:
        page = admin.site._registry[model]
        url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        if walk.get(url).status != 200:
            continue
        walk.same(f"{url}?q", walk.get(url, {"q": LOOKED_FOR}, sent=LOOKED_FOR),
                  walk.get(url, {"q": "NOTHING"}, sent="NOTHING"))  # fmt: skip
        walk.get(url, {"_popup": "1", "_to_field": "id", "o": "-1", "all": ""})
        if page.date_hierarchy:
            walk.get(url, {f"{page.date_hierarchy}__year": str(timezone.localdate().year)})
        for name, value, none in lookups(walk.world, model):
            found = walk.get(url, {name: value}, sent=value)
            if found.status == 200:
                walk.same(f"{url}?{name}={value}", found, walk.get(url, {name: none}, sent=none))
        key, none = walk.world.sams(model), missing(model)
        for action in {*page.actions, "delete_selected"} if key and model in OWNED else ():
            name = action if isinstance(action, str) else action.__name__
            given = {"action": name, "select_across": "1", "post": "yes"}
            walk.same(
                f"{url} {name}",
                walk.post(url, {**given, "_selected_action": key.pk}, sent=key.pk),
                walk.post(url, {**given, "_selected_action": none}, sent=none),
            )


def lookups(world: Rivals, model: type[models.Model]) -> Iterator[tuple[str, object, object]]:
    """Yield lookups that would find a row of Sam's, each with what finds nothing."""
    for field in model._meta.get_fields():
        target = field.related_model if field.is_relation else None
        if (target not in OWNED and target is not User) or target._meta.pk.name == "pk":
            continue
        row, none = world.sams(target), missing(target)
        yield f"{field.name}__id__exact", row.pk, none
        yield f"{field.name}__{text_of(target)}__startswith", LOOKED_FOR, "NOTHING"
    if model in OWNED:
        yield f"{text_of(model)}__startswith", LOOKED_FOR, "NOTHING"
        yield "pk__in", world.sams(model).pk, missing(model)


def text_of(model: type[models.Model]) -> str:
    """Return the text that most likely names a row."""
    names = [f.name for f in model._meta.concrete_fields if isinstance(f, models.CharField)]
    known = [name for name in ("username", "code", "number", "name") if name in names]
    return [*known, *names, "pk"][0]


def complete_everything(walk: Walk) -> None:
    """Ask the autocomplete of each relation that any page could have."""
    shown = set(walk.pages)
    shown |= {
        inline.model for model in walk.pages for inline in admin.site._registry[model].inlines
    }
    for model in sorted(shown, key=lambda model: model._meta.label):
        for field in (*model._meta.concrete_fields, *model._meta.many_to_many):
            if field.is_relation and field.related_model in admin.site._registry:
                for term in ("", LOOKED_FOR):
                    given = {"app_label": model._meta.app_label,
                             "model_name": model._meta.model_name, "field_name": field.name,
                             "term": term}  # fmt: skip
                    walk.get("/admin/autocomplete/", given)


def forge_everything(walk: Walk) -> None:
    """Send each form of the own rows with Sam's keys where a key can stand."""
    world = walk.world
    for model in walk.pages:
        url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        if model not in OWNED or walk.get(url).status != 200:
            continue
        own = world.rows_of(model, world.other_supplier).first()
        for place in (f"{url}{own.pk}/change/", f"{url}add/"):
            response = walk.client.get(place)
            if response.status_code != 200 or "adminform" not in (response.context or {}):
                continue
            forms = [response.context["adminform"].form]
            given = {"_save": "", **data_of(forms)}
            for inline in response.context["inline_admin_formsets"]:
                forms += inline.formset.forms
                given |= data_of([inline.formset.management_form, *inline.formset.forms])
            # Fields that the form does not offer are sent along all the same.
            given |= {
                field.name: world.sams(field.related_model).pk
                for field in model._meta.concrete_fields
                if field.related_model in OWNED and field.name not in given
            }
            walk.post(place, given)
            for name, target in keys_in(forms):
                walk.get(place, {name: world.sams(target).pk}, sent=world.sams(target).pk)
                walk.same(
                    f"{place} {name}",
                    walk.post(place, {**given, name: world.sams(target).pk},
                              sent=world.sams(target).pk),
                    walk.post(place, {**given, name: missing(target)}, sent=missing(target)),
                )  # fmt: skip
            for inline in response.context["inline_admin_formsets"]:
                if (target := inline.formset.model) not in OWNED:
                    continue
                for forged in rows_of_others(inline.formset, target, world):
                    walk.post(place, {**given, **forged}, sent=world.sams(target).pk)


def data_of(forms: Iterable[Any]) -> dict[str, Any]:
    """Return what a browser would send for these forms as they stand."""
    given = {}
    for form in forms:
        for name, field in form.fields.items():
            value = form[name].value()
            html = form.add_prefix(name)
            if hasattr(field.widget, "widgets"):
                parts = field.widget.decompress(value)
                given |= {f"{html}_{n}": part or "" for n, part in enumerate(parts)}
            elif value is not False and not isinstance(field, FileField):
                given[html] = "" if value is None else value
    return given


def keys_in(forms: Iterable[Any]) -> Iterator[tuple[str, type[models.Model]]]:
    """Yield the fields that take a supplier's key, with whose."""
    for form in forms:
        for name, field in form.fields.items():
            if isinstance(field, (ModelChoiceField, ModelMultipleChoiceField)):
                queryset = getattr(field, "queryset", None)
                target = queryset.model if queryset is not None else None
                if target in OWNED:
                    yield form.add_prefix(name), target


def rows_of_others(
    formset: Any, model: type[models.Model], world: Rivals
) -> Iterator[dict[str, Any]]:
    """Yield an inline that claims to hold Sam's row: to change it, and to delete it."""
    row, prefix = world.sams(model), formset.prefix
    values = {
        f"{prefix}-0-{field.name}": value
        for field in model._meta.concrete_fields
        if (value := field.value_from_object(row)) is not None
        # What is sent comes back, and would look like a secret told.
        and (field.is_relation or field.primary_key or not SECRET.search(str(value)))
    }
    counts = {f"{prefix}-TOTAL_FORMS": 1, f"{prefix}-INITIAL_FORMS": 1}
    changed = {f"{prefix}-0-{text_of(model)}": "STELLA-X"}
    yield {**counts, **values, **changed}
    yield {**counts, **values, f"{prefix}-0-DELETE": "on"}
