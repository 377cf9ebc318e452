"""The channel graph: what is tied in each model of the zoo, and barriers."""

import pytest

from tests.compress import zoo
from tfprune.compress import channel_graph


@pytest.mark.parametrize("name", zoo.ZOO)
def test_as_many_ties_are_free_as_there_should_be(name):
    make, free = zoo.ZOO[name]
    graph = channel_graph.channel_graph(make())
    assert graph.free.sum() == free, str(graph)
