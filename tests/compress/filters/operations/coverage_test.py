"""Every operation of Keras has a class, or is a barrier with a reason."""

import keras

from tfprune.compress.filters.operations import barriers
from tfprune.compress.filters.operations import base

# What other classes are made of, models, and what is no part of a graph.
ABSTRACT = {
    *("BaseAdaptiveAveragePooling", "BaseAdaptiveMaxPooling"),
    *("BaseAdaptivePooling", "BaseConv", "BaseConvTranspose"),
    *("BaseDepthwiseConv", "BaseGlobalPooling", "BaseImagePreprocessingLayer"),
    *("BasePooling", "BaseSeparableConv", "BaseSpatialDropout", "ConvLSTM"),
    *("DataLayer", "Distiller", "Function", "Functional", "IndexLookup"),
    *("Layer", "Merge", "Model", "Sequential", "Wrapper"),
}


def classes(parent=keras.Operation):
    """The operations of Keras below a class, by name."""
    found = {}
    for each in parent.__subclasses__():
        if each.__module__.startswith("keras."):
            found[each.__qualname__] = each
        found |= classes(each)
    return found


def test_every_operation_is_known():
    """A new one gets a class, or a line in `barriers` with the reason."""
    unknown = classes().keys() - base.KNOWN.keys() - ABSTRACT
    assert sorted(unknown) == []


def test_what_is_known_is_there():
    """A name that Keras has no more is a name too many."""
    keras_own = {x for x in base.KNOWN if "." not in x}
    later = {"CustomScaleLayer", "Erf", "Rsqrt"}
    assert sorted(keras_own - classes().keys() - later) == []


def test_every_barrier_has_a_reason():
    found = [x for x in base.KNOWN.values() if isinstance(x, barriers.Barrier)]
    assert all(x.reason for x in found)
