"""Writes `.caffemodel` files as Caffe does, by the numbers of caffe.proto."""

import struct

import numpy as np


def varint(value):
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def field(number, data):
    """A field of bytes."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def number(number, value):
    """A field of one integer."""
    return varint(number << 3) + varint(value)


def blob(array, dtype="<f4"):
    """BlobProto: shape = 7 {packed dim = 1}, data = 5 or double_data = 8."""
    array = np.asarray(array)
    shape = field(1, b"".join(map(varint, array.shape)))
    data = field(8 if dtype == "<f8" else 5, array.astype(dtype).tobytes())
    return field(7, shape) + data


def old_blob(array):
    """As before 2014: num, channels, height, width; numbers one by one."""
    array = np.asarray(array)
    shape = (1,) * (4 - array.ndim) + array.shape
    sizes = b"".join(number(i, size) for i, size in enumerate(shape, 1))
    floats = [struct.pack("<f", x) for x in array.ravel()]
    return sizes + b"".join(varint(5 << 3 | 5) + x for x in floats)


def layer(name, blobs, kind="Convolution"):
    """Field 100 of NetParameter: name = 1, type = 2, blobs = 7."""
    head = field(1, name.encode()) + field(2, kind.encode())
    head += field(3, b"data") + number(10, 1)
    return field(100, head + b"".join(field(7, x) for x in blobs))


def old_layer(name, blobs):
    """Field 2: V1LayerParameter: name = 4, type = 5, blobs = 6."""
    head = field(2, b"data") + field(4, name.encode()) + number(5, 4)
    return field(2, head + b"".join(field(6, x) for x in blobs))


def net(*layers, name="net"):
    """NetParameter: name = 1, and an input that nobody reads here."""
    return field(1, name.encode()) + field(3, b"data") + b"".join(layers)
