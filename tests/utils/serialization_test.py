"""Every part and method is a value: it can be saved, and compared."""

import dataclasses
import json

import keras
import numpy as np
import pytest

from tests import conformance_rows
from tfprune import methods
from tfprune.compress.low_rank import forms
from tfprune.core import allocation
from tfprune.core import coupled_axis
from tfprune.core import criteria
from tfprune.core import force
from tfprune.core import pruner
from tfprune.core import selection
from tfprune.core import shrinkage
from tfprune.core import signals
from tfprune.core import sparsity_schedules
from tfprune.core import structures
from tfprune.core import update_schedules
from tfprune.methods import filter_ranking
from tfprune.methods import force as methods_force
from tfprune.methods import guided
from tfprune.methods import l1_winograd
from tfprune.methods import olmp
from tfprune.methods import ssl
from tfprune.methods import surgery
from tfprune.methods import threshold_surgery
from tfprune.numerics import decompositions
from tfprune.regularizers import group_lasso
from tfprune.utils import serialization
from tfprune.utils import validation

PARTS = [
    allocation.ErdosRenyiKernel(),
    allocation.Explicit(),
    allocation.Global(2, normalize=True),
    allocation.Pattern(3, 7),
    allocation.Uniform(),
    criteria.Deviation(),
    criteria.Gamma(),
    criteria.GeometricMedian(),
    criteria.GroupNorm(order=1),
    criteria.Magnitude(),
    criteria.Taylor(),
    decompositions.KMeans(3, 9),
    decompositions.PCA(centered=True),
    decompositions.SVD(),
    filter_ranking.RankPruner(),
    group_lasso.GroupLasso(0.1, structures.Channel(), 0.0),
    force.Force(0.5, "gravity", {"a": 2.0}, "same", True, 9),
    force.Force(keras.optimizers.schedules.ExponentialDecay(0.1, 9, 0.5)),
    forms.Channels(decompositions.KMeans()),
    forms.Spatial(),
    methods_force.Idle(),
    methods.Method("mine", pruner.Pruner(), settings={"a": None}),
    guided.GuidedPruner(decay=0.1, signal=signals.Gradient()),
    l1_winograd.L1WinogradPruner(decay=0.1, threshold=0.2),
    olmp.OLMPPruner(c=0.5, plan=olmp.Plan(delta=0.1, sigma=2.0)),
    olmp.Plan(interval=7, sigma=[(0, 5.0), (70, 1.0)]),
    pruner.Pruner(),
    pruner.Pruner(
        structure=structures.Block(2, 2),
        criterion=criteria.GroupNorm(1),
        allocation=allocation.Global(),
        update_schedule=update_schedules.Probabilistic(0.5),
        sparsity_schedule=sparsity_schedules.Polynomial(),
        selection=selection.TopK(row=4),
        gradient="dense",
    ),
    sparsity_schedules.Constant(0.25),
    sparsity_schedules.Polynomial(0.1, 0.9, 5, 50, 2.0),
    selection.Hysteresis(0.8, 1.2),
    selection.Threshold(),
    selection.TopK(row=4),
    shrinkage.Guided(factor=5.0),
    shrinkage.Hard(),
    shrinkage.Hidden(),
    shrinkage.Soft(gradient_term=True),
    signals.Gradient(),
    signals.Step(),
    ssl.SSLPruner(strengths=(0.1, None, 0.2, None), power=0.0),
    structures.Block(2, 8),
    structures.Channel(),
    structures.Filter(),
    structures.FilterShape(),
    structures.Layer(),
    structures.NM(3, 7, axis=0),
    structures.CoupledFilter(covers=["kernel", "gamma"]),
    structures.Unstructured(),
    surgery.SurgeryPruner(c=1.5),
    surgery.SurgeryPruner(c=None, target_sparsity=0.9),
    threshold_surgery.BandPruner(z=1.281),
    coupled_axis.CoupledAxis("bias", "bias", 0, [[-1, 2], [7, 3]]),
    update_schedules.Probabilistic(0.1, 2.0, 77, 5, shared=True),
    update_schedules.Every(7, 8, 9),
    update_schedules.Staged(4, 50, "exp", 900),
]

METHODS = [
    methods.FilterRanking(0.5, settings={"a": None}),
    methods.Force(0.1, force_mult={"a": 2.0}, settings={"b": None}),
    methods.Force(stop_step=9, method=methods.NM(1, 4)),
    methods.Guided(0.1, signal="gradient", settings={"a": {"decay": 0.0}}),
    methods.L1Winograd(0.1, threshold=0.2, settings={"a": {"decay": 0.0}}),
    methods.Winograd(0.1, shrinkage="hard", settings={"a": None}),
    methods.Magnitude(0.9, begin_step=5, end_step=50, frequency=5),
    methods.Magnitude(
        structure=structures.Block(4, 4), allocation=allocation.Global()
    ),
    methods.Magnitude(settings={"a": {"target_sparsity": 0.5}, "b.*": None}),
    methods.NM(1, 4, end_step=10, axis=-1, settings={"a": None}),
    methods.OLMP(0.05, interval=9, settings={"a": None}),
    methods.SSL(0.1, shapes=0.2, settings={"ip1": {"shapes": 0.0}, "a": None}),
    methods.Surgery(0.95, settings={"ip3": {"c": 1, "stop_step": 7}}),
    methods.Surgery(c=-0.5, gamma=1e-3, power=2, stop_step=100, seed=3),
    methods.ThresholdSurgery(1.281, settings={"conv1": {"z": 0.6}}),
    methods.ThresholdSurgery(every_step=True),
]

for row in conformance_rows.ROWS.values():
    METHODS.append(row.make())
    PARTS.append(METHODS[-1].pruner)

EVERYTHING = pytest.mark.parametrize(
    "value", PARTS + METHODS, ids=lambda value: type(value).__name__
)


@EVERYTHING
def test_survives_a_model_file(value):
    text = json.dumps(keras.saving.serialize_keras_object(value))
    loaded = keras.saving.deserialize_keras_object(json.loads(text))
    assert loaded == value
    assert type(loaded) is type(value)
    again = json.dumps(keras.saving.serialize_keras_object(loaded))
    assert again == text


@EVERYTHING
def test_from_config_undoes_get_config(value):
    config = value.get_config()
    json.dumps(config)
    assert type(value).from_config(config) == value


@EVERYTHING
def test_is_frozen(value):
    for field in dataclasses.fields(value):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(value, field.name, None)


def test_every_part_is_tested_here():
    tested = {type(value) for value in PARTS + METHODS}
    parts = {
        cls
        for cls in subclasses(serialization.Serializable)
        if cls.__module__.startswith(("tfprune.core", "tfprune.methods"))
        and "__dataclass_params__" in vars(cls)
    }
    assert parts <= tested


def test_every_method_is_tested_here():
    tested = {value.name for value in METHODS}
    assert set(methods.REGISTRY) == tested


def test_equality_is_by_value_and_class():
    assert update_schedules.Every(5) == update_schedules.Every(frequency=5)
    assert update_schedules.Every(5) != update_schedules.Every(6)
    assert criteria.Magnitude() == criteria.Magnitude()
    assert criteria.Magnitude() != criteria.Deviation()
    assert methods.Magnitude(0.5) == methods.Magnitude(0.5)
    assert methods.Magnitude(0.5) != methods.Magnitude(0.6)
    settings = {"a": {"target_sparsity": 0.5}}
    assert methods.Magnitude(settings=settings) != methods.Magnitude()


def test_a_method_does_not_share_its_settings():
    settings = {"a": None}
    method = methods.Magnitude(settings=settings)
    settings["b"] = None
    assert method.settings == {"a": None}


@pytest.mark.parametrize(
    "make, message",
    [
        (
            lambda: methods.Magnitude(1.2),
            r"`target_sparsity` must be in \[0, 1\). "
            "Received: target_sparsity=1.2",
        ),
        (
            lambda: methods.Magnitude(-0.1),
            "Received: target_sparsity=-0.1",
        ),
        (lambda: methods.Magnitude(True), "Received: target_sparsity=True"),
        (
            lambda: methods.Magnitude(begin_step=10, end_step=5),
            "`end_step` must be .*begin_step=10. Received: end_step=5",
        ),
        (
            lambda: methods.Magnitude(frequency=0),
            "`frequency` must be a positive integer. Received: frequency=0",
        ),
        (lambda: methods.NM(4, 2), "`n:m` must be .* Received: n:m=4:2"),
        (lambda: methods.NM(0, 4), "`n:m` must be .* Received: n:m=0:4"),
        (
            lambda: methods.Surgery(1.0),
            r"`target_sparsity` must be in \[0, 1\). Received: ",
        ),
        (
            lambda: methods.Surgery(0.5, c=1.0),
            "`c` must be None where `target_sparsity` is given. "
            "Received: c=1.0",
        ),
        (
            lambda: methods.Surgery(settings={"a": {"target_sparsity": 2}}),
            "`target_sparsity` must be .* Received: target_sparsity=2",
        ),
        (
            lambda: methods.Surgery(gamma=-1e-4),
            "`gamma` must be >= 0. Received: gamma=-0.0001",
        ),
        (
            lambda: methods.ThresholdSurgery(0.0),
            "`z` must be > 0. Received: z=0.0",
        ),
        (
            lambda: pruner.Pruner(gradient="sparse"),
            "`gradient` must be 'masked' or 'dense'. Received: gradient=sparse",
        ),
    ],
)
def test_errors_name_the_argument_and_the_value(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_a_wrong_argument_is_refused_by_name():
    with pytest.raises(ValueError, match="magnitude.*'sparsity'"):
        methods.build("magnitude", sparsity=0.5)
    with pytest.raises(ValueError, match="`method` .*Did you mean 'surgery'"):
        methods.build("sugery")


def test_build_by_name():
    assert methods.build("nm", n=1, m=2) == methods.NM(1, 2)


class TestCheckSparsity:
    @pytest.mark.parametrize("value", [0, 0.0, 0.5, 0.999999, np.float64(0.3)])
    def test_fine(self, value):
        assert validation.check_sparsity("s", value) is None

    @pytest.mark.parametrize("value", [1, 1.0, -1e-9, True, False, None, "0"])
    def test_not_fine(self, value):
        message = rf"`s` must be in \[0, 1\). Received: s={value}"
        with pytest.raises(ValueError, match=message):
            validation.check_sparsity("s", value)


def subclasses(cls):
    for child in cls.__subclasses__():
        yield child
        yield from subclasses(child)
