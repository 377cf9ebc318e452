"""The recipe of recovery: distil, with masks or in a smaller net.

keras.distillation trains the student from the net that it was made of.
"""

import keras
import numpy as np
from keras import layers

import tfprune
from tfprune import methods


def teacher():
    keras.utils.set_random_seed(0)
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(8, 3, activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(4, name="out", kernel_initializer="he_normal"),
        ]
    )


def distil(teacher, student, optimizer, epochs=1):
    distiller = keras.distillation.Distiller(
        teacher,
        student,
        keras.distillation.LogitsDistillation(temperature=2.0),
        student_loss_weight=0.0,
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    distiller.compile(optimizer, loss)
    x = images()
    y = np.argmax(teacher(x), axis=-1)
    distiller.fit(x, y, 16, epochs, verbose=0)
    return distiller.student


def images():
    random = np.random.default_rng(0)
    return random.normal(size=(64, 6, 6, 1)).astype("float32")


def distance(one, other):
    """Between the outputs of two nets."""
    one, other = (model(images(), training=False) for model in (one, other))
    return float(np.abs(one - other).mean())


def test_a_method_runs_while_its_net_is_distilled():
    dense = teacher()
    weights = dense.get_weights()
    student = tfprune.prune(dense, methods.Magnitude(0.8, frequency=1))
    student = distil(dense, student, tfprune.PruningOptimizer("sgd"))
    unit = student.get_layer("conv").unit
    (target,) = unit.targets
    assert int(unit.updates) == 4
    assert target.mask.numpy().mean() < 0.25
    assert not np.any(target.variable.numpy()[~target.mask.numpy()])
    for before, now in zip(weights, dense.get_weights(), strict=True):
        np.testing.assert_array_equal(before, now)


def test_a_smaller_net_comes_near_to_the_one_it_was_made_of():
    dense = teacher()
    student = tfprune.remove_filters(tfprune.zero_filters(dense, 0.5))
    assert student.get_layer("conv").filters == 4
    before = distance(student, dense)
    student = distil(dense, student, keras.optimizers.Adam(0.003), 10)
    assert distance(student, dense) < 0.9 * before
