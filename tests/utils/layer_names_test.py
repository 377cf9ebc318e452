import pytest

from tfprune.utils import layer_names

LAYERS = ["conv1", "conv10", "fc"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("conv1", ["conv1"]),
        ("conv.*", ["conv1", "conv10"]),
        ("conv1.", ["conv10"]),
    ],
)
def test_a_name_or_a_whole_match(pattern, expected):
    assert layer_names.matching("x", pattern, LAYERS) == expected


def test_an_exact_name_goes_before_any_expression():
    found = layer_names.resolve("x", {"fc": 2, ".*": 1}, LAYERS)
    assert found == {"conv1": 1, "conv10": 1, "fc": 2}


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("fcc", r"`x` must be one of: conv1.*Did you mean 'fc'"),
        ("(", "`x` must be layer names or regular expressions"),
    ],
)
def test_what_means_no_layer_is_refused(pattern, message):
    with pytest.raises(ValueError, match=message):
        layer_names.matching("x", pattern, LAYERS)
