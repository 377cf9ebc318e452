import pytest

from tfprune.utils import quantities

KNOWN = {
    "parameters": quantities.COUNTS,
    "macs": quantities.COUNTS,
    "bytes": quantities.BYTES,
    "latency": quantities.MILLISECONDS,
}


@pytest.mark.parametrize(
    ("text", "objective", "limit", "is_fraction"),
    [
        ("parameters<=2%", "parameters", 0.02, True),
        ("macs <= 50 %", "macs", 0.5, True),
        ("bytes<=100KB", "bytes", 100_000, False),
        ("parameters<=1.5M", "parameters", 1_500_000, False),
        ("macs<=300", "macs", 300, False),
        ("latency<=2ms", "latency", 2, False),
        ("latency <= 500us", "latency", 0.5, False),
        ("latency<=.1s", "latency", 100, False),
        ("latency<=50%", "latency", 0.5, True),
    ],
)
def test_forms(text, objective, limit, is_fraction):
    found = quantities.parse(text, KNOWN)
    assert found == quantities.Budget(
        objective, pytest.approx(limit), is_fraction
    )


@pytest.mark.parametrize(
    "text",
    [
        *("2%", "parameters=2%", "macs<=2GHz", "macs<=2ms", "latency<=2"),
        *("parameters<=2KB", "macs<=1.2.3", "macs<=.", None),
    ],
)
def test_other_forms_are_refused(text):
    with pytest.raises(ValueError, match="`budget` must be like"):
        quantities.parse(text, KNOWN)


def test_amounts_as_text():
    assert quantities.text(1234567.0) == "1,234,567"
    assert quantities.text(0.51234) == "0.512"


def test_unknown_objective():
    with pytest.raises(ValueError, match="Did you mean 'parameters'"):
        quantities.parse("parameter<=2%", KNOWN)
