"""What is left of a model, as tables, logs and plots."""

from tfprune.reports.summary import Report as Report
from tfprune.reports.summary import report as report
from tfprune.reports.winograd import winograd_sparsity as winograd_sparsity

__all__ = [
    "Report",
    "report",
    "winograd_sparsity",
]
