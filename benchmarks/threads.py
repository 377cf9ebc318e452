"""How many threads TensorFlow takes, and with it tfprune."""

import tensorflow as tf


def use(count: int) -> None:
    """Sets the threads of an operation; one operation runs at a time."""
    tf.config.threading.set_intra_op_parallelism_threads(count)
    tf.config.threading.set_inter_op_parallelism_threads(1)
