"""Why a file with a table is refused, in words."""

from django.utils.translation import gettext_lazy as _

from accounts.refusals import ErrorItem, Refusal


class FileRejected(Refusal):
    """The file as a whole cannot be read; `reason` is one of FILE_REASONS."""

    code = "file_rejected"
    status = 400
    detail = _("The file cannot be read.")

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(errors=[ErrorItem("/file", reason, FILE_REASONS[reason])])


FILE_REASONS = {
    "empty": _("The file has no rows."),
    "too_many_rows": _("The file has too many rows."),
    "unknown_encoding": _("The text is neither UTF-8 nor GB18030."),
    "broken_csv": _("The quotes of this CSV file do not match, or a line is too long."),
    "not_a_workbook": _("This is not a sound XLSX workbook."),
    "old_workbook": _("This is an old or protected workbook; save it as plain XLSX."),
    "encrypted": _("The workbook is encrypted."),
    "active_content": _("The workbook holds macros, links or embedded files; save it without."),
    "too_many_parts": _("The workbook has too many parts."),
    "unpacks_too_big": _(
        "The workbook unpacks to more than is allowed; delete empty rows and formats around the"
        " list."
    ),
    "doctype": _("The workbook's XML declares a document type, which is not allowed."),
    "dates_from_1904": _("The workbook counts its dates from 1904; switch it to 1900."),
    "text_too_long": _("A cell holds more text than Excel allows."),
    "too_many_columns": _("The sheet has cells far right of its columns."),
    "altered": _("The file on disk is not the one that was uploaded."),
    "gave_up": _("The file could not be worked through in several attempts."),
}
