"""The catalogue's addresses."""

from django.urls import include, path

from . import views

urlpatterns = [
    path("products/", views.ProductListView.as_view(), name="products"),
    path("products/<str:code>/", views.ProductView.as_view(), name="product"),
    path("products/<str:code>/calendar/", views.CalendarView.as_view(), name="product-calendar"),
    path("categories/", views.CategoryListView.as_view(), name="categories"),
    path("counties/", views.CountyListView.as_view(), name="counties"),
    path("", include("suppliers.urls")),
]
