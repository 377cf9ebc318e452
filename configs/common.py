"""What the configs share."""

import ml_collections


def mnist(name: str, model: str) -> ml_collections.ConfigDict:
    """Returns a config without stages.

    Fields: `seeds`, run in turn or in so many `processes` at once; `data`,
    of which `validation` training images are held out, and `validation_as_test`
    ones take the place of the test set (to choose settings); `log_every` and
    `checkpoint_every` in steps; `stages`, names of fields that each have a
    `change` of the model (none, prune, freeze, strip, slim, factorize,
    winograd), an `optimizer` and a number of `steps`, and may have a
    `jit_compile` of their own. What a net was before a stage that prunes or
    factorizes is what results compare it with, but for `from_dense=False`. A
    stage `winograd` looks at so many `examples`, or at none. Where a method
    searches, it sees the first `search_examples` of the images held out, or all
    of them.
    """
    config = ml_collections.ConfigDict()
    config.name = name
    config.model = model
    config.seeds = (0, 1, 2)
    config.processes = 1
    config.data = {
        "name": "mnist",
        "data_dir": "",
        "validation": 0,
        "validation_as_test": 0,
    }
    config.batch_size = 64
    config.jit_compile = False
    config.steps_per_execution = 10
    config.log_every = 500
    config.checkpoint_every = 5000
    return config


def cifar10(name: str, model: str) -> ml_collections.ConfigDict:
    """Returns a config without stages, with the fields of `mnist`.

    Images are moved and mirrored. `data.data_dir` is where
    cifar-10-batches-bin is; TFPRUNE_CIFAR10_DIR does as well.
    """
    config = mnist(name, model)
    config.data = {"name": "cifar10", "data_dir": "", "validation": 0}
    config.augment = "crop_and_flip"
    config.batch_size = 128
    config.jit_compile = True
    config.log_every = 1000
    return config


def imagenet(
    name: str, model: str, crop: int = 227
) -> ml_collections.ConfigDict:
    """Returns a config without stages, with the fields of `mnist`.

    Windows of so many pixels, blue first, less the mean of each channel, as
    Caffe's nets see them. `data.data_dir` has `train` and `val`, with a folder
    of JPEGs for each class.
    """
    config = mnist(name, model)
    config.seeds = (0,)
    config.batch_size = 256
    config.log_every = 1000
    config.data = {
        "name": "imagenet",
        "data_dir": "imagenet",
        "mean": (122.68, 116.67, 104.01),
        "bgr": True,
        "crop": crop,
    }
    return config


def force(decay: float, mult: dict, force_type: str = "degradation") -> dict:
    """Returns what a stage under force has, but for its steps and solver."""
    method = {
        "name": "force",
        "force_decay": decay,
        "force_type": force_type,
        "force_mult": mult,
    }
    return {"change": "prune", "method": method}


def untrained(change: str, **fields) -> dict:
    """Returns a stage that changes the model, and takes no steps."""
    optimizer = {"name": "sgd", "learning_rate": 0.0}
    return {"change": change, "steps": 0, "optimizer": optimizer, **fields}


def solver(base, steps, gamma, weight_decay) -> dict:
    """Returns Caffe's SGD with the learning-rate policy multistep."""
    return {
        "name": "caffe_sgd",
        "learning_rate": {
            "policy": "multistep",
            "base": base,
            "steps": steps,
            "gamma": gamma,
        },
        "momentum": 0.9,
        "weight_decay": weight_decay,
    }
