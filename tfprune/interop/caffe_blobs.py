"""Arrays of a `.caffemodel`, read without Caffe and without protobuf.

Fields of the public schema (caffe.proto) that are read:

    NetParameter      layers = 2 (V1LayerParameter), layer = 100
    LayerParameter    name = 1, blobs = 7
    V1LayerParameter  name = 4, blobs = 6
    BlobProto         num, channels, height, width = 1, 2, 3, 4,
                      data = 5 (floats), shape = 7, double_data = 8
    BlobShape         dim = 1
"""

from __future__ import annotations

import math
import mmap
import os
import typing

import numpy as np

from tfprune.interop import wire

# Far more than any net has; each costs memory before it is looked at.
_MOST_LAYERS, _MOST_BLOBS, _MOST_AXES = 10_000, 100, 32
_LONGEST_NAME = 1000


class _Layer(typing.NamedTuple):
    """The numbers of the fields of a layer in one version of the schema."""

    name: int
    blobs: int


_LAYERS = {100: _Layer(1, 7), 2: _Layer(4, 6)}


def read(path: str | os.PathLike) -> dict[str, list[np.ndarray]]:
    """The arrays of each layer by its name, as Caffe has them.

    The arrays are read-only and stay in the file until they are used. No more
    memory is taken than for one array, however large the file says it is.

    Args:
        path: Path of a `.caffemodel` file.

    Returns:
        Dict of the layers with arrays, float32 or float64.

    Raises:
        FileNotFoundError: if there is none.
        ValueError: for a file that is truncated, damaged or of another kind.
    """
    with open(path, "rb") as file:
        if not os.fstat(file.fileno()).st_size:
            raise ValueError(_wrong(path, "it is empty"))
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    try:
        found = _net(memoryview(mapped))
    except wire.WireError as error:
        raise ValueError(_wrong(path, error)) from error
    if not found:
        raise ValueError(_wrong(path, "it has no layer with arrays"))
    return found


def _net(data):
    found, count = {}, 0
    for number, kind, value in wire.fields(data):
        if number not in _LAYERS or kind != wire.BYTES:
            continue
        count += 1
        if count > _MOST_LAYERS:
            raise wire.WireError(f"it has more than {_MOST_LAYERS} layers")
        name, blobs = _layer(value, _LAYERS[number])
        # Nets of several phases have layers twice, of which one has arrays.
        if blobs and name in found:
            raise wire.WireError(f"it has two layers {name!r} with arrays")
        if blobs:
            found[name] = blobs
    return found


def _layer(data, numbers):
    name, blobs = "", []
    for number, kind, value in wire.fields(data):
        if kind != wire.BYTES:
            continue
        if number == numbers.name:
            name = _text(value)
        elif number == numbers.blobs:
            if len(blobs) == _MOST_BLOBS:
                raise wire.WireError(
                    f"layer {name!r} has more than {_MOST_BLOBS} arrays"
                )
            blobs.append(_blob(value))
    return name, blobs


def _text(value):
    if len(value) > _LONGEST_NAME:
        raise wire.WireError(f"a name has {len(value)} bytes")
    try:
        return bytes(value).decode()
    except UnicodeDecodeError as error:
        raise wire.WireError("a name is no text") from error


def _blob(data):
    shape, old_shape, parts = None, {}, {5: [], 8: []}
    for number, kind, value in wire.fields(data):
        if number in parts and kind != wire.VARINT:
            parts[number] = _joined(parts[number], value)
        elif number == 7 and kind == wire.BYTES:
            shape = _shape(value)
        elif number in (1, 2, 3, 4) and kind == wire.VARINT:
            old_shape[number] = value
    if shape is None:
        shape = [old_shape.get(number, 0) for number in (1, 2, 3, 4)]
    floats = _array(parts[5], "<f4")
    return _shaped(floats if floats.size else _array(parts[8], "<f8"), shape)


def _joined(parts, value):
    """Adds bytes: numbers of an old file may be in fields of their own."""
    if not parts:
        return [value]
    if not isinstance(parts[0], bytearray):
        parts = [bytearray(parts[0])]
    parts[0] += value
    return parts


def _array(parts, dtype):
    data = parts[0] if parts else b""
    if len(data) % np.dtype(dtype).itemsize:
        raise wire.WireError(f"an array of {dtype} has {len(data)} bytes")
    return np.frombuffer(data, dtype)


def _shape(data):
    shape = []
    for number, kind, value in wire.fields(data):
        if number == 1:
            many = kind == wire.BYTES
            left = _MOST_AXES - len(shape)
            shape += wire.varints(value, left) if many else [value]
        if len(shape) > _MOST_AXES:
            raise wire.WireError(f"an array has more than {_MOST_AXES} axes")
    return shape


def _shaped(array, shape):
    if not all(isinstance(size, int) for size in shape):
        raise wire.WireError("a shape has entries that are no integers")
    if math.prod(shape) != array.size:
        raise wire.WireError(
            f"an array of the shape {tuple(shape)} has {array.size} numbers"
        )
    return array.reshape(shape)


def _wrong(path, why):
    return (
        "`path` must be a .caffemodel file, in binary protobuf. Received: "
        f"path={os.fspath(path)!r}: {why}. It is truncated, damaged or of "
        "another kind (a .caffemodel.h5, a page of HTML)."
    )
