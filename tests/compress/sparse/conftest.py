"""What tests of sparse models have in common."""

import pytest

from tfprune.profiling import timer


@pytest.fixture
def sparse_is_faster(monkeypatch):
    """All that has a sparse form is chosen."""

    def times(candidates, *args):
        order = {"dense": 3.0, "given": 3.0, "folded": 2.0}
        return {name: order.get(name, 1.0) for name in candidates}

    monkeypatch.setattr(timer, "layers", times)
    monkeypatch.setattr(timer, "models", times)
