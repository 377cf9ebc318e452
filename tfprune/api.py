"""Verbs on a model: prune, plan_budget, factorize, freeze, settings."""

from __future__ import annotations

import logging
import typing
import warnings

import keras
import numpy as np

from tfprune import methods
from tfprune import planning
from tfprune.compress import low_rank
from tfprune.compress.low_rank import factorize as factorize_lib
from tfprune.core import structures
from tfprune.core import units as units_lib
from tfprune.graph import pruned
from tfprune.planning import plan as plan_lib
from tfprune.planning import rank_budget
from tfprune.utils import validation
from tfprune.wrapping import in_place
from tfprune.wrapping import wrap as wrapping


def prune(
    model: keras.Model,
    method: str | methods.Method,
    filters: typing.Any = None,
    budget: str | plan_lib.SparsityPlan | None = None,
    data: tuple | None = None,
    accuracy_drop: float = 0.001,
    wrap: bool = False,
) -> keras.Model:
    """Prunes a model in place while it is trained, like `model.quantize`.

    No layer, class or name changes: the model's own variables hold the masked
    weights. A model that is compiled stays so, with a
    `tfprune.PruningOptimizer` around its optimizer: call `fit`. Another one is
    to be compiled with a `PruningOptimizer`. Where Keras saves the model, masks
    and all that pruning knows are saved with it.

    Args:
        model: Keras model of any class, built.
        method: `tfprune.methods.Method`, or the name of one for its defaults.
        filters: Which layers: a regular expression, a list of them, or a
            callable `layer -> bool`. A layer that is chosen here or in the
            method's settings must fit the method. Defaults to None: every
            layer that fits; those with weights that do not are listed in a
            warning with the reason.
        budget: String, what the model may cost: `"parameters<=2%"`,
            `"macs<=50%"`, `"bytes<=100KB"`, `"latency<=2ms"`. The method's
            `target_sparsity` is found for each layer; the plan is logged, by
            the logger `tfprune` at level INFO. Or such a plan, as
            `plan_budget` returns it. Latency is that of one example on this
            machine, of layers measured dense and sparse at several densities;
            what `tfprune.sparsify` makes of the model in the end is measured
            as a whole. Defaults to None.
        data: Tuple of arrays (examples, labels), training data that is held
            out, for a budget: layers are pruned most where it costs least
            accuracy. Defaults to None: all layers alike.
        accuracy_drop: Float >= 0, the drop of accuracy on `data` above
            which there is a warning. Defaults to 0.001.
        wrap: Bool: leave the model as it is, and return a clone whose layers
            are `tfprune.Prunable` wrappers, which learn the same. For
            Sequential and Functional models. Defaults to False.

    Returns:
        The model. With `wrap`, a clone with the same names of layers and the
        same weights, not compiled: a subclass of Functional whose constructor
        takes other arguments comes back as a Functional, as does, of a method
        that couples filters, a layer that is made of Keras' own ones.

    Raises:
        ValueError: for an unknown method, a subclassed model that is to be
            wrapped or to lose coupled filters, a pattern that
            matches no layer, an unknown setting, a chosen layer that does not
            fit, a model with nothing to prune, or a budget that no sparsity
            meets.

    Example:

    ```python
    method = tfprune.methods.Surgery(0.95, settings={"logits": None})
    model = tfprune.prune(model, method)
    model.compile(tfprune.PruningOptimizer("sgd"), loss="mse")
    ```
    """
    method = _method(method)
    validation.check("accuracy_drop", accuracy_drop, accuracy_drop >= 0, ">= 0")
    if isinstance(budget, plan_lib.SparsityPlan):
        alone = data is None
        validation.check("data", type(data), alone, "None beside a plan")
    elif budget is not None:
        budget = plan_budget(model, method, budget, filters, data)
    if wrap:
        model = wrapping.wrap(model, method, filters)
    else:
        in_place.prune(model, method, filters)
    if budget is not None:
        _follow(model, budget)
        _warn_of_drop(budget, accuracy_drop)
    return model


def plan_budget(
    model: keras.Model,
    method: str | methods.Method,
    budget: str,
    filters: typing.Any = None,
    data: tuple | None = None,
) -> plan_lib.SparsityPlan:
    """Finds how a method meets a budget; the model is not changed.

    Args:
        model: As `prune` takes it.
        method: As `prune` takes it.
        budget: String, as `prune` takes it.
        filters: As `prune` takes it. Defaults to None.
        data: As `prune` takes it. Defaults to None.

    Returns:
        A `SparsityPlan`: print it, and give it to `prune` as its `budget`.

    Raises:
        ValueError: as `prune`.

    Example:

    ```python
    plan = tfprune.plan_budget(model, "magnitude", "macs<=50%")
    print(plan)
    model = tfprune.prune(model, "magnitude", budget=plan)
    ```
    """
    with in_place.tried(model, _method(method), filters) as coupling:
        return _plan(model, coupling, budget, data)


def factorize(
    model: keras.Model,
    energy: float | dict | None = None,
    ranks: dict | None = None,
    budget: str | None = None,
    method: str | low_rank.Channels | low_rank.Spatial = "pca",
    data: typing.Any = None,
    split_where: str = "macs",
    batch_size: int = 1,
    rounds: int = 30,
) -> factorize_lib.Factorized:
    """Makes an ordinary model with low-rank layers in the place of others.

    A convolution of rank r becomes one of r filters, `<name>_lowrank`, and
    one of size 1, `<name>_linear`, with the old bias and activation; a Dense
    layer becomes two, and so does an EinsumDense whose kernel is a matrix. The
    rank of a grouped convolution is that of each group. Attention, and a layer
    of your own that is made of others, becomes a Functional model where
    something in it is split; `"attention/query"` is what that is called by. At
    full rank the new model gives what the old one did. Give one of `energy`,
    `ranks` and `budget`.

    Args:
        model: Sequential or Functional model without `Prunable` layers.
        energy: Float in (0, 1], what ranks keep of each layer. Or dict, layer
            name or regular expression to such a number, or to None: only the
            layers that it names. Defaults to 0.95, if nothing else is given.
        ranks: Dict, layer name or regular expression to a rank, or to None.
        budget: String, what the model may cost: `"macs<=50%"`,
            `"parameters<=1M"`, `"bytes<=100KB"`, `"latency<=2ms"` (a call
            with one example, measured here). All layers keep the same energy,
            as much as the budget allows.
        method: `"pca"` (default), `"svd"`, `"kmeans"`, or `"lra"` for filters
            that are vertical and then horizontal; or a form like
            `tfprune.compress.low_rank.Channels(tfprune.compress.low_rank.PCA(centered=True))`.
        data: Examples, as the model takes them. PCA then keeps the
            activation statistics of the filters on them, and not the filters.
            Defaults to None.
        split_where: A layer is split only where that saves `"macs"`
            (default), where it saves measured `"time"`, or `"always"`.
        batch_size: Integer, examples in a call, for times. Defaults to 1.
        rounds: Integer, how often each layer is timed. Defaults to 30.

    Returns:
        A `Factorized`: the model, and a table of ranks, energies and costs.

    Raises:
        ValueError: for a subclassed model, one that is not stripped, NaN
            weights, a rank above the full one, an energy outside (0, 1], a
            pattern that matches no layer, or a budget that no ranks meet.

    Example:

    ```python
    found = tfprune.factorize(model, budget="macs<=50%")
    print(found)
    ```

    Reference:
        Wen et al. Coordinating Filters for Faster Deep Neural Networks. ICCV
        2017.
    """
    choose = rank_budget.chooser(energy, ranks, budget)
    return factorize_lib.factorize(
        model, choose, method, data, split_where, batch_size, rounds
    )


def freeze(
    model: keras.Model,
    kinds: typing.Iterable = (structures.Unstructured(),),
) -> keras.Model:
    """Makes all masks of a pruned model final, in place, for fine-tuning.

    Pruned weights are set to zero and stay there, whatever the method allowed
    before. Compile the model again before training on.

    Args:
        model: Keras model that is pruned.
        kinds: Structures of `tfprune.core.structures`: what stays out is
            groups of these kinds of which nothing is left. Defaults to single
            weights (SkimCaffe's DISCONNECTED_ELTWISE). With `[Filter(),
            FilterShape()]` scattered zeros may learn again, and empty rows
            and columns of the kernel's matrix stay out (DISCONNECTED_GRPWISE).

    Returns:
        The same model.
    """
    kinds = tuple(kinds)
    for unit in pruned.units(model).values():
        unit.freeze(kinds)
    model.train_function = model.test_function = model.predict_function = None
    return model


def settings(model: keras.Model) -> dict[str, units_lib.Settings]:
    """The live settings of each pruned layer, by its name.

    Example:

    ```python
    tfprune.settings(model)["conv1"]["c"] = 1.5  # from the next step on
    ```
    """
    return {x: unit.settings for x, unit in pruned.units(model).items()}


def set_mask(
    model: keras.Model, layer: str, mask: typing.Any, weight: str = "kernel"
) -> None:
    """Replaces a mask of a live model, between two steps.

    Args:
        model: Keras model that is pruned.
        layer: String, name of the layer, as in `tfprune.settings`.
        mask: Bool array of the weight's shape, True keeps.
        weight: `"kernel"`, `"bias"`, or the end of the weight's path where
            the layer has several: `"recurrent_kernel"`, `"query/kernel"`.
            Defaults to `"kernel"`.

    Raises:
        ValueError: for an unknown layer or weight, or another shape or dtype.
    """
    units = pruned.units(model)
    if layer not in units:
        raise ValueError(validation.unknown("layer", layer, units))
    target = _target(units[layer].targets, weight)
    mask = np.asarray(mask)
    if mask.dtype != bool or mask.shape != tuple(target.mask.shape):
        raise ValueError(
            f"`mask` must be bool of shape {tuple(target.mask.shape)}. "
            f"Received: mask of dtype {mask.dtype}, shape {mask.shape}"
        )
    target.assign(target.dense(), mask)


def _plan(model, coupling, budget, data):
    """The plan of a method's budget: of weights, or of filters."""
    if coupling is None:
        return planning.plan_weights(model, budget, data)
    if data is not None:
        raise ValueError(
            "`data` must be None where filters are coupled: their layers are "
            f"pruned alike. Received: {len(data)} arrays. Leave it out."
        )
    if not any(
        plan_lib.SETTING in unit.settings
        for unit in pruned.units(model).values()
    ):
        raise ValueError(
            "`budget` needs a method that prunes each layer by a share of "
            f"its own. Received: budget={budget!r} and a method without "
            "`target_sparsity` for layers. Give it `allocation=Uniform()`."
        )
    return planning.plan_filters(model, budget, coupling.graph, coupling.free)


def _follow(model, plan):
    """Prunes as a plan says, from the first step on."""
    logging.getLogger("tfprune").info("%s", plan)
    settings = plan.settings
    for name, unit in pruned.units(model).items():
        # A threshold of its own would go before the target.
        free = {"c": np.nan} if "c" in unit.settings else {}
        unit.settings.update({**free, **settings.get(name, {})})


def _warn_of_drop(plan, accuracy_drop):
    if plan.accuracy_drop > accuracy_drop:
        warnings.warn(
            f"accuracy drops by {plan.accuracy_drop:.4f} before training, more "
            f"than accuracy_drop={accuracy_drop}: training has to make up "
            "for it",
            stacklevel=3,
        )


def _target(targets, weight):
    """The one target of that path, or else of that role."""
    paths = {target.variable.path: target for target in targets}
    ends = [x for path, x in paths.items() if f"/{path}".endswith(f"/{weight}")]
    found = ends or [x for x in targets if x.role == weight]
    if len(found) != 1:
        raise ValueError(validation.unknown("weight", weight, paths))
    return found[0]


def _method(method):
    if isinstance(method, str):
        return methods.build(method)
    if not isinstance(method, methods.Method):
        raise ValueError(
            "`method` must be a Method or the name of one. Received: "
            f"method={method!r}. For example: tfprune.methods.Magnitude(0.9)"
        )
    return method
