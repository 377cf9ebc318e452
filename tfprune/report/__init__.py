"""What is left of a model, as tables, logs and plots."""

from tfprune.report.callbacks import SparsityLogger as SparsityLogger
from tfprune.report.filter_log import FilterLog as FilterLog
from tfprune.report.rank_logger import RankLogger as RankLogger
from tfprune.report.summary import Report as Report
from tfprune.report.summary import report as report
from tfprune.report.winograd import winograd_sparsity as winograd_sparsity
