"""Answers from an exported SavedModel with plain TensorFlow, no tfprune.

python scripts/serve_check.py --saved_model=DIR --examples=test.npz
"""

import sys

import numpy as np
from absl import app
from absl import flags

sys.modules["tfprune"] = None  # An import would fail from here on.

_MODEL = flags.DEFINE_string("saved_model", None, "What export.py wrote.")
_EXAMPLES = flags.DEFINE_string("examples", None, "What eval.py wrote.")
flags.mark_flags_as_required(["saved_model", "examples"])


def main(argv):
    import tensorflow as tf

    served = tf.saved_model.load(_MODEL.value).signatures["serving_default"]
    name = next(iter(served.structured_input_signature[1]))
    with np.load(_EXAMPLES.value) as file:
        images, labels = file["images"].astype("float32"), file["labels"]
        expected = float(file["accuracy"])
    (logits,) = served(**{name: tf.constant(images)}).values()
    accuracy = float(np.mean(np.argmax(logits, axis=-1) == labels))
    print(f"accuracy {accuracy:.4f} from a fresh process without tfprune")
    if abs(accuracy - expected) > 1e-4:
        sys.exit(f"expected {expected:.4f}, as measured before the export")


if __name__ == "__main__":
    app.run(main)
