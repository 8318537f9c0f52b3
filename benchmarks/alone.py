"""Work in a process of its own, so that its time and its memory are nobody else's."""

import multiprocessing
import resource
import time
from collections.abc import Callable
from statistics import median
from typing import NamedTuple

from django.db import connection

from reports.models import LedgerEntry

#: How much more than an idle process a job may need, in MiB.
MEMORY = 150.0


class Cost(NamedTuple):
    """What a run took, in seconds and at its highest in MiB."""

    seconds: float
    mib: float


def alone(work: Callable[..., object], *arguments: object) -> Cost:
    """Run `work` once in a process of its own."""
    connection.close()
    with multiprocessing.get_context("fork").Pool(1) as pool:
        return pool.apply(_measured, (work, arguments))


def idle() -> Cost:
    """Return what a process needs that only asks the database something."""
    return alone(LedgerEntry.objects.exists)


def together(runs: list[Cost]) -> Cost:
    """Return the median time of some runs, and the most memory of any."""
    return Cost(median(run.seconds for run in runs), max(run.mib for run in runs))


def _measured(work: Callable[..., object], arguments: tuple[object, ...]) -> Cost:
    began = time.perf_counter()
    work(*arguments)
    seconds = time.perf_counter() - began
    return Cost(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
