"""Where buyers order and suppliers deliver."""

from django.urls import path

from .views import buying, claiming, supplying

urlpatterns = [
    path("me/", buying.MeView.as_view(), name="me"),
    path("addresses/", buying.AddressesView.as_view(), name="addresses"),
    path("quotes/", buying.QuotesView.as_view(), name="quotes"),
    path("orders/", buying.OrdersView.as_view(), name="orders"),
    path("orders/<str:number>/", buying.OrderView.as_view(), name="order"),
    path("orders/<str:number>/events/", buying.OrderEventsView.as_view(), name="order-events"),
    path("orders/<str:number>/approve/", buying.ApproveView.as_view(), name="order-approve"),
    path("orders/<str:number>/reject/", buying.RejectView.as_view(), name="order-reject"),
    path("orders/<str:number>/cancel/", buying.CancelView.as_view(), name="order-cancel"),
    path("consignments/<str:number>/", supplying.ConsignmentView.as_view(), name="consignment"),
    path("supply/consignments/", supplying.SupplyView.as_view(), name="supply"),
    path(
        "supply/consignments/<str:number>/",
        supplying.SuppliedView.as_view(),
        name="supplied",
    ),
    path(
        "supply/consignments/<str:number>/confirm/",
        supplying.ConfirmView.as_view(),
        name="supply-confirm",
    ),
    path(
        "supply/consignments/<str:number>/decline/",
        supplying.DeclineView.as_view(),
        name="supply-decline",
    ),
    path(
        "supply/consignments/<str:number>/ship/",
        supplying.ShipView.as_view(),
        name="supply-ship",
    ),
    path("claims/", claiming.ClaimsView.as_view(), name="claims"),
    path("claims/<int:pk>/", claiming.ClaimView.as_view(), name="claim"),
]
