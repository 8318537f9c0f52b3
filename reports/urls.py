"""Where the ledger, its totals, months, files and declarations answer."""

from django.urls import path

from .views import declarations

urlpatterns = [
    path("declarations/", declarations.DeclarationsView.as_view(), name="declarations"),
    path("declarations/<uuid:pk>/", declarations.DeclarationView.as_view(), name="declaration"),
    path(
        "declarations/<uuid:pk>/commit/",
        declarations.CommitView.as_view(),
        name="declaration-commit",
    ),
    path(
        "declarations/<uuid:pk>/revoke/",
        declarations.RevokeView.as_view(),
        name="declaration-revoke",
    ),
    path(
        "declarations/<uuid:pk>/errors/",
        declarations.ErrorsView.as_view(),
        name="declaration-errors",
    ),
]
