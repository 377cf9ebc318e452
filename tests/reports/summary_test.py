import json

import keras
import numpy as np
import pytest

import tfprune
from tfprune import applications
from tfprune.reports import report


def _pruned(method=None):
    """Dense 4 -> 3 with 5 weights kept, and one bias of surgery's pruned."""
    layers = [keras.Input((4,)), keras.layers.Dense(3, name="ip")]
    model = keras.Sequential(layers, name="net")
    model.get_layer("ip").bias.assign([1.0, 2.0, 3.0])
    model = tfprune.prune(model, method or tfprune.methods.Surgery(0.5))
    tfprune.set_mask(model, "ip", np.arange(12).reshape(4, 3) < 5)
    return model


def test_masked_entries_of_kernel_and_bias_are_not_kept():
    model = _pruned()
    tfprune.set_mask(model, "ip", np.array([True, False, True]), "bias")
    total = report(model).total
    assert (total.parameters, total.kept) == (15, 7)
    assert (total.macs, total.macs_kept) == (12, 5)
    assert total.weight_sparsity == 1 - 5 / 12
    assert report(model).compression == 15 / 7


def test_an_array_without_a_mask_is_kept_whole():
    model = _pruned(tfprune.methods.Magnitude(0.5))
    model.get_layer("ip").bias.assign([0.0, 0.0, 1.0])
    assert report(model).total.kept == 5 + 3


def test_fresh_biases_do_not_look_pruned():
    for method in ("surgery", "magnitude"):
        model = tfprune.prune(applications.build("lenet_300_100", 0), method)
        assert report(model).compression == 1.0
    assert report(applications.build("lenet_300_100", 0)).compression == 1.0


def test_one_zero_of_an_initialiser_is_no_pruning():
    layer = keras.layers.Dense(100, name="ip")
    model = keras.Sequential([keras.Input((300,)), layer])
    kernel = np.ones((300, 100))
    kernel[0, 0] = 0.0
    layer.kernel.assign(kernel)
    assert report(model).compression == 1.0
    kernel[:150] = 0.0
    layer.kernel.assign(kernel)
    assert report(model).total.kept == 15_000


def test_stripped_is_reported_as_pruned():
    model = _pruned()
    tfprune.set_mask(model, "ip", np.array([True, False, True]), "bias")
    before = report(model).to_dict()
    # Nothing is to be reached any more.
    stripped = report(tfprune.strip(model)).to_dict()
    assert stripped == {**before, "warnings": []}


def test_lenet_5_has_the_published_macs():
    found = report(applications.build("lenet_5", 0))
    assert [row.macs for row in found.rows] == [288000, 1600000, 400000, 5000]
    assert found.total.parameters == 431080
    assert found.bytes_raw == 4 * 431080
    assert (found.conv_sparsity, found.dense_sparsity) == (0.0, 0.0)


def test_batch_normalization_is_kept_whole_without_its_statistics():
    layers = [keras.Input((4,)), keras.layers.BatchNormalization(name="bn")]
    model = keras.Sequential([*layers, keras.layers.Dense(3, name="ip")])
    model = tfprune.prune(model, "magnitude")
    row = report(model).rows[0]
    assert (row.parameters, row.kept, row.macs) == (8, 8, 0)
    assert row.skipped == "no kernel"


def test_a_frozen_layer_still_has_parameters():
    model = applications.build("lenet_300_100", 0)
    model.trainable = False
    assert report(model).total.parameters == 266610


def test_wrappers_in_subclassed_and_nested_models_are_found():
    wrapper = tfprune.Prunable(
        keras.layers.Dense(3, name="ip"), tfprune.methods.Magnitude(0.5)
    )

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.nested = keras.Sequential([wrapper])

        def call(self, inputs):
            return self.nested(inputs)

    model = Net()
    model(np.zeros((2, 4)))
    tfprune.set_mask(model, "ip", np.arange(12).reshape(4, 3) < 5)
    (row,) = report(model).rows
    assert (row.kind, row.parameters, row.kept) == ("Dense", 15, 8)


def told(model):
    """Whether a report says that a plain optimizer trained the model."""
    return "plain optimizer" in str(report(model).warnings)


@pytest.mark.parametrize("wrap", [False, True])
@pytest.mark.filterwarnings("ignore:the model is pruned, and a plain")
def test_training_with_a_plain_optimizer_is_told(wrap):
    model = tfprune.prune(_stripped(), "magnitude", wrap=wrap)
    model.compile("sgd", "mse")
    assert not told(model)
    model.fit(np.ones((4, 4)), np.ones((4, 3)), verbose=0)
    with pytest.warns(UserWarning, match="plain optimizer"):
        found = report(model)
    assert "PruningOptimizer" in found.warnings[0]
    assert "plain optimizer" in str(found)


def test_training_with_a_pruning_optimizer_is_not_told():
    model = tfprune.prune(_stripped(), "magnitude")
    model.compile(tfprune.PruningOptimizer("sgd"), "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 3)), verbose=0)
    assert not report(model).warnings


def test_a_trained_model_that_is_pruned_in_place_is_not_told():
    model = _stripped()
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 4)), np.ones((4, 3)), verbose=0)
    assert not told(tfprune.prune(model, "magnitude"))


def test_json_round_trip(tmp_path):
    found = report(_pruned(), title="net")
    path = tmp_path / "report.json"
    assert found.to_json(path) == path.read_text()
    assert json.loads(path.read_text()) == found.to_dict()
    layer = found.to_dict()["layers"][0]
    assert (layer["name"], layer["parameters_kept"]) == ("ip", 8)


def test_tables_have_a_total_and_the_reductions():
    found = report(_pruned())
    last = f"compression 1.9x  MACs 2.4x  bytes 60 -> {found.bytes_gzip} gzipp"
    for table in (str(found), found.to_markdown()):
        assert "total" in table and last in table


def test_gzip_sees_the_masks():
    model = tfprune.prune(applications.build("lenet_300_100", 0), "surgery")
    before = report(model).bytes_gzip
    mask = np.random.default_rng(0).random((784, 300)) < 0.05
    tfprune.set_mask(model, "ip1", mask)
    assert report(model).bytes_gzip < before / 3


def test_what_is_no_built_model_is_refused():
    with pytest.raises(ValueError, match="Keras 3 model"):
        report(keras.layers.Dense(3))
    with pytest.raises(ValueError, match="not built"):
        report(keras.Sequential([keras.layers.Dense(3)]))


def _stripped():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
