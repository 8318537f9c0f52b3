"""The suppliers' addresses."""

from django.urls import path

from . import views

urlpatterns = [
    path("suppliers/", views.SupplierListView.as_view(), name="suppliers"),
    path("suppliers/<str:code>/", views.SupplierView.as_view(), name="supplier"),
]
