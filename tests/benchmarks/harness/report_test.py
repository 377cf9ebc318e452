"""A benchmark tells which processor it ran on."""

import platform

from benchmarks.harness import report

TABLE = """processor\t: 0
cpu family\t: 26
model\t\t: 2
model name\t: AMD EPYC

processor\t: 1
cpu family\t: 27
"""


def test_names_the_first_processor(tmp_path):
    (tmp_path / "cpuinfo").write_text(TABLE)
    found = report.processor(str(tmp_path / "cpuinfo"))
    assert found == "AMD EPYC, family 26, model 2"


def test_falls_back_where_there_is_no_such_table(tmp_path):
    found = report.processor(str(tmp_path / "missing"))
    assert found == (platform.processor() or platform.machine())


def test_falls_back_where_the_table_has_other_fields(tmp_path):
    (tmp_path / "cpuinfo").write_text("processor: 0\nFeatures: fp asimd\n")
    found = report.processor(str(tmp_path / "cpuinfo"))
    assert found == (platform.processor() or platform.machine())
