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


PATHS = ["h", "e1/h", "e2/h", "e2/inner/k", "e2k/out"]
NAMES = ["h", "e1/h", "e2/h", "k", "out"]


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("h", ["h"]),
        ("e1/h", ["e1/h"]),
        ("inner/k", ["k"]),
        ("e2/inner/k", ["k"]),
        ("e2", ["e2/h", "k"]),
        (".*k", ["k"]),
        ("e[12]/h", ["e1/h", "e2/h"]),
        ("inner/.*", ["k"]),
        ("e2/.*", ["e2/h", "k"]),
        ("e2.*", ["e2/h", "k", "out"]),
        ("[hk]", ["h", "e1/h", "e2/h", "k"]),
    ],
)
def test_paths(pattern, expected):
    assert layer_names.matching("x", pattern, NAMES, PATHS) == expected


def test_a_name_means_all_layers_that_have_it():
    paths = ["e1/h", "e2/h", "out"]
    assert layer_names.matching("x", "h", paths) == ["e1/h", "e2/h"]


def test_paths_go_before_names_and_names_before_expressions():
    values = {"e1/h": 1, "h": 2, "e1": 3, ".*": 4}
    paths = ["e1/h", "e1/k", "e2/h", "e2/k"]
    for order in (values, dict(reversed(values.items()))):
        assert layer_names.resolve("x", order, paths) == {
            **{"e1/h": 1, "e2/h": 2},
            **{"e1/k": 3, "e2/k": 4},
        }


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a", "b"], ["a", "b"]),
        (["m/a", "m/b"], ["a", "b"]),
        (["m/a", "n/a", "m/b"], ["m/a", "n/a", "b"]),
        (["x/m/a", "y/m/a", "y/n/a"], ["x/m/a", "y/m/a", "n/a"]),
        (["a", "m/a"], ["a", "m/a"]),
        (["a", "a", "a_1", "a"], ["a", "a_2", "a_1", "a_3"]),
    ],
)
def test_the_shortest_ends_that_tell_paths_apart(paths, expected):
    assert layer_names.shortest(paths) == expected
