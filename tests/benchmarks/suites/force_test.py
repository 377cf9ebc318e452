"""The benchmark of the force runs; its times are never tested."""

import keras

from benchmarks.suites import force


def test_every_force_is_a_row():
    def net(weights, input_shape):
        return keras.Sequential(
            [
                keras.Input(input_shape),
                keras.layers.Conv2D(4, 3, name="conv1"),
                keras.layers.GlobalAveragePooling2D(),
                keras.layers.Dense(3, "softmax"),
            ]
        )

    text = force.run(60, 2, 8, net)
    rows = [line for line in text.split("\n") if line.startswith("| ")]
    assert [row.split("|")[1].strip() for row in rows[2:]] == [
        name for name in force.VARIANTS if name != "plain"
    ]
