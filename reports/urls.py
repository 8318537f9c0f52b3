"""Where ledger, rules, totals, months, targets, anomalies, files and declarations answer."""

from django.urls import path

from .views import (
    acceptance,
    anomalies,
    declaration_evidence,
    declarations,
    evidence,
    indicators,
    months,
    reports,
    rules,
    targets,
    totals,
    trace,
)

urlpatterns = [
    path("consignments/<str:number>/accept/", acceptance.AcceptView.as_view(), name="accept"),
    path("claims/<int:pk>/settle/", acceptance.SettleView.as_view(), name="settle"),
    path("consignments/<str:number>/fapiao/", evidence.FapiaosView.as_view(), name="fapiaos"),
    path(
        "fapiao/<str:number>/reverse/",
        evidence.ReverseFapiaoView.as_view(),
        name="fapiao-reverse",
    ),
    path("consignments/<str:number>/payments/", evidence.PaymentsView.as_view(), name="payments"),
    path(
        "payments/<int:pk>/reverse/",
        evidence.ReversePaymentView.as_view(),
        name="payment-reverse",
    ),
    path("totals/", totals.TotalsView.as_view(), name="totals"),
    path("totals/entries/", totals.EntriesView.as_view(), name="entries"),
    path("trace/", trace.TraceView.as_view(), name="trace"),
    path("rules/", rules.RulesView.as_view(), name="rules"),
    path("rules/<int:version>/approve/", rules.ApproveView.as_view(), name="rule-approve"),
    path("indicators/", indicators.IndicatorsView.as_view(), name="indicators"),
    path("indicators/<str:code>/", indicators.IndicatorView.as_view(), name="indicator"),
    path("months/", months.MonthsView.as_view(), name="months"),
    path("months/<str:month>/", months.MonthView.as_view(), name="month"),
    path("months/<str:month>/close/", months.CloseView.as_view(), name="month-close"),
    path("months/<str:month>/examine/", months.ExamineView.as_view(), name="month-examine"),
    path("months/<str:month>/publish/", months.PublishView.as_view(), name="month-publish"),
    path("anomalies/", anomalies.AnomaliesView.as_view(), name="anomalies"),
    path(
        "anomalies/<int:pk>/answer/",
        anomalies.AnomalyAnswerView.as_view(),
        name="anomaly-answer",
    ),
    path("targets/", targets.TargetsView.as_view(), name="targets"),
    path("rewards/", targets.RewardsView.as_view(), name="rewards"),
    path("months/<str:month>/compare/", months.CompareView.as_view(), name="month-compare"),
    path("reports/", reports.ReportsView.as_view(), name="reports"),
    path("reports/<uuid:pk>/", reports.ReportView.as_view(), name="report"),
    path("reports/<uuid:pk>/cancel/", reports.CancelView.as_view(), name="report-cancel"),
    path("reports/<uuid:pk>/retry/", reports.RetryView.as_view(), name="report-retry"),
    path("reports/<uuid:pk>/download/", reports.DownloadView.as_view(), name="report-download"),
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
    path(
        "declarations/<uuid:pk>/evidence/",
        declaration_evidence.EvidenceFilesView.as_view(),
        name="declaration-evidence",
    ),
    path(
        "declarations/<uuid:pk>/evidence/<uuid:evidence_pk>/",
        declaration_evidence.EvidenceFileView.as_view(),
        name="declaration-evidence-file",
    ),
]
