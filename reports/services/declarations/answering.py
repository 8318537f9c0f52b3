"""Say what became of a declaration, and hand its file back with a column of errors."""

import csv
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from typing import Any

import xlsxwriter

from accounts.spreadsheets.reading import encoding_of, read_rows
from accounts.spreadsheets.refusals import FILE_REASONS
from reports.models import Declaration, DeclarationEvidence, DeclarationProblem

from .checking import NUMBER
from .columns import COLUMNS, ERRORS
from .refusals import CELL_REASONS

#: How many problems an answer lists; the error file has them all.
LISTED = 1_000

HEADING_BY_COLUMN = {column.identifier: column.heading for column in COLUMNS}


def describe(declaration: Declaration) -> dict[str, Any]:
    """Return a declaration with its counts, preview, problems and evidence, as JSON values."""
    problems = declaration.problems.all()
    evidence = declaration.evidence.select_related("uploaded_by")
    return {
        **summarise(declaration),
        "evidence": [_describe_evidence(file) for file in evidence],
        "preview": declaration.preview,
        "errors_total": problems.count(),
        "errors": [
            {
                "row": problem.row,
                "column": problem.column,
                "code": problem.code,
                "detail": str(CELL_REASONS[problem.code]),
            }
            for problem in problems[:LISTED]
        ],
    }


def _describe_evidence(evidence: DeclarationEvidence) -> dict[str, Any]:
    """Return what an evidence file is, as JSON values."""
    return {
        "id": str(evidence.pk),
        "title": evidence.title,
        "media_type": evidence.media_type,
        "size": evidence.size,
        "sha256": evidence.sha256,
        "uploaded_by": evidence.uploaded_by.username,
        "uploaded_at": evidence.uploaded_at,
    }


def summarise(declaration: Declaration) -> dict[str, Any]:
    """Return a declaration's state, as JSON values."""
    failure = declaration.failure
    return {
        "id": str(declaration.pk),
        "status": declaration.status,
        "reporter": declaration.reporter_id,
        "file_name": declaration.file_name,
        "format": declaration.format,
        "size": declaration.size,
        "sha256": declaration.sha256,
        "late": declaration.is_late,
        "uploaded_at": declaration.uploaded_at,
        "booked_at": declaration.booked_at,
        "revoked_at": declaration.revoked_at,
        "revoke_reason": declaration.revoke_reason,
        "failure": {"code": failure, "detail": str(FILE_REASONS[failure])} if failure else None,
        "rows": declaration.rows,
        "bad_rows": declaration.bad_rows,
        "amount": None if declaration.amount is None else f"{declaration.amount:.2f}",
    }


def write_errors(declaration: Declaration) -> None:
    """Write the declaration's file again, with what is wrong with each row at its end."""
    part = declaration.errors_path.with_suffix(".part")
    rows = _rows_with_errors(declaration)
    if declaration.format == Declaration.Format.XLSX:
        _write_xlsx(part, rows)
    else:
        encoding = encoding_of(declaration.path)
        with part.open("w", encoding=encoding, newline="") as file:
            csv.writer(file).writerows([_inert(cell) for cell in row] for row in rows)
    part.replace(declaration.errors_path)


def _rows_with_errors(declaration: Declaration) -> Iterator[list[str]]:
    problems = groupby(declaration.problems.order_by("row", "id").iterator(), attrgetter("row"))
    bad_row, found = next(problems, (0, iter(())))
    width, old = 0, -1
    for row in read_rows(declaration.path, declaration.format):
        if not width:
            # A corrected error file still has the column of the last time.
            old = row.cells.index(ERRORS) if ERRORS in row.cells else -1
            width = len(row.cells)
            errors = ERRORS
        else:
            errors = ""
        if row.number == bad_row:
            sentences = [_sentence(problem) for problem in found]
            errors = "; ".join([errors, *sentences] if errors else sentences)
            bad_row, found = next(problems, (0, iter(())))
        cells = row.cells + [""] * (width - len(row.cells))
        if old >= 0:
            del cells[old]
        yield [*cells, errors]


def _sentence(problem: DeclarationProblem) -> str:
    column = HEADING_BY_COLUMN.get(problem.column, problem.column)
    reason = str(CELL_REASONS[problem.code])
    return f"{column}: {reason}" if column else reason


def _inert(cell: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run; a re-import takes it off."""
    if cell[:1] in tuple("=+-@\t\r") and cell and not NUMBER.fullmatch(cell):
        return f"'{cell}"
    return cell


def _write_xlsx(path: Path, rows: Iterator[list[str]]) -> None:
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(str(path), options) as workbook:
        sheet = workbook.add_worksheet()
        for number, row in enumerate(rows):
            for index, cell in enumerate(row):
                sheet.write_string(number, index, cell)
