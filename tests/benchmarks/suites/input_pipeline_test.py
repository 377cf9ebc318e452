"""The benchmark of the input pipeline; its rates are never tested."""

from benchmarks.suites import input_pipeline


def test_images_per_second_are_counted():
    text = input_pipeline.run(rounds=1, images=12, batch=4)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == 4
    for row in rows[2:]:
        assert float(row.split("|")[2]) > 0
