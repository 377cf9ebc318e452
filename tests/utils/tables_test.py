"""Tables as text."""

from tfprune.utils import tables

ROWS = [("layer", "MACs", ""), ("conv", "90", "skipped"), ("d", "1234", "")]


def test_columns_are_as_wide_as_their_widest_cell():
    assert tables.aligned(ROWS) == [
        "layer  MACs",
        "conv   90    skipped",
        "d      1234",
    ]


def test_numbers_are_aligned_to_the_right():
    assert tables.aligned(ROWS, numbers=[1]) == [
        "layer  MACs",
        "conv     90  skipped",
        "d      1234",
    ]


def test_markdown_has_a_rule_below_the_header():
    assert tables.markdown(ROWS[:2], numbers=[1]) == [
        "| layer | MACs |  |",
        "| --- | ---: | --- |",
        "| conv | 90 | skipped |",
    ]
