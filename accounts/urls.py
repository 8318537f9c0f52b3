"""Where the audit trail answers."""

from django.urls import path

from . import views

urlpatterns = [
    path("audit/", views.AuditView.as_view(), name="audit"),
    path("audit/export/", views.AuditExportView.as_view(), name="audit-export"),
    path("audit/blocks/", views.AuditBlocksView.as_view(), name="audit-blocks"),
]
