"""Why a declaration, a file or a cell of it is refused, in words."""

from django.utils.translation import gettext_lazy as _

from accounts.refusals import ErrorItem, Invalid, Refusal


class AlreadyImported(Refusal):
    """The same content is booked, or on its way there; revoke that declaration first."""

    code = "already_imported"
    detail = _("A declaration with this content was imported already.")


class DeclarationInWrongState(Refusal):
    """A step was asked for that does not follow on the declaration's status."""

    code = "wrong_state"
    detail = _("The declaration's status does not allow this.")


class UnknownReporter(Invalid):
    """No division has the reporter's code."""

    def __init__(self) -> None:
        detail = _("There is no division with this code.")
        super().__init__(errors=[ErrorItem("/reporter", "unknown_reporter", detail)])


class FileTooLarge(Refusal):
    """The file is larger than MAX_SIZE."""

    code = "too_large"
    status = 413
    detail = _("The file is larger than is allowed.")


class FileRejected(Refusal):
    """The file as a whole cannot be read; `reason` is one of FILE_REASONS."""

    code = "file_rejected"
    status = 400
    detail = _("The file cannot be read as a declaration.")

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(errors=[ErrorItem("/file", reason, FILE_REASONS[reason])])


FILE_REASONS = {
    "empty": _("The file has no rows."),
    "too_many_rows": _("A file has at most 1,000,000 rows."),
    "unknown_encoding": _("The text is neither UTF-8 nor GB18030."),
    "broken_csv": _("The quotes of this CSV file do not match, or a line is too long."),
    "not_a_workbook": _("This is not a sound XLSX workbook."),
    "old_workbook": _("This is an old or protected workbook; save it as plain XLSX."),
    "encrypted": _("The workbook is encrypted."),
    "active_content": _("The workbook holds macros, links or embedded files; save it without."),
    "too_many_parts": _("The workbook has too many parts."),
    "unpacks_too_big": _("The workbook unpacks to more than is allowed."),
    "doctype": _("The workbook's XML declares a document type, which is not allowed."),
    "dates_from_1904": _("The workbook counts its dates from 1904; switch it to 1900."),
    "text_too_long": _("A cell holds more text than Excel allows."),
    "too_many_columns": _("The sheet has cells far right of its columns."),
    "altered": _("The file on disk is not the one that was uploaded."),
    "gave_up": _("The file could not be worked through in several attempts."),
}

CELL_REASONS = {
    "required": _("This may not be empty."),
    "unknown_column": _("A declaration has no such column."),
    "duplicate_column": _("This column appears twice."),
    "missing_column": _("This column is missing."),
    "too_many_cells": _("The row has more cells than the header."),
    "formula": _("This cell holds a formula; paste its value."),
    "cell_error": _("This cell holds an error of the spreadsheet."),
    "control_character": _("This text holds a line break or an invisible character."),
    "too_long": _("This text is too long."),
    "digits_lost": _("The spreadsheet turned this code into a number; format it as text."),
    "bad_date": _("Write the date as 2026-10-05, 2026/10/5 or 2026年10月5日."),
    "too_early": _("Sales are counted since 2010-01-01."),
    "in_future": _("This day is still to come."),
    "month_closed": _("The month is closed; declare the row in a file marked late."),
    "unknown_county": _("This is not a county of Qiannan."),
    "unknown_region": _(
        "Write the region as a six-digit code; this name is not unique or not known."
    ),
    "unknown_buyer_kind": _("There is no such kind of buyer."),
    "unknown_channel": _("There is no such channel."),
    "bad_number": _("Write a plain number, such as 1234.5."),
    "too_many_decimals": _("This number has too many decimals."),
    "too_large": _("This number is too large."),
    "zero_quantity": _("The quantity may not be zero."),
    "signs_differ": _("A return has a negative quantity and a negative amount."),
    "bad_fapiao_no": _("A fapiao number has 20 digits, or 8 if it is an old one."),
    "duplicate_line": _("An earlier row of the file has the same document and line."),
    "already_declared": _("The document's line was declared before."),
    "duplicate_fapiao": _("The fapiao was declared before with another document."),
}
