"""Reads protobuf's wire format, field by field, from hostile bytes, too.

A message is a sequence of fields. Nothing is copied, nothing recurses, and no
length is believed that goes beyond the bytes at hand.

    key = number << 3 | kind; kind 0: varint, 1: 8 bytes, 2: a length (varint)
    and so many bytes, 5: 4 bytes

Reference:
    Protocol Buffers, Encoding: protobuf.dev/programming-guides/encoding
"""

from __future__ import annotations

import collections.abc

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_FIXED = {FIXED64: 8, FIXED32: 4}
_LONGEST = 10  # Bytes of a varint of 64 bits.


class WireError(ValueError):
    """The bytes are no message."""


def fields(data: memoryview) -> collections.abc.Iterator[tuple]:
    """Yields (number, kind, value) of each field.

    Args:
        data: Memoryview of bytes.

    Yields:
        Value is an integer for kind 0, else a memoryview into `data`.

    Raises:
        WireError: where the bytes end in a field, or are none.
    """
    place = 0
    while place < len(data):
        key, place = _varint(data, place)
        number, kind = key >> 3, key & 7
        if number == 0 or kind not in (VARINT, BYTES, *_FIXED):
            raise WireError(f"byte {place} has no field (key {key})")
        if kind == VARINT:
            value, place = _varint(data, place)
        else:
            length = _FIXED.get(kind)
            if length is None:
                length, place = _varint(data, place)
            if length > len(data) - place:
                raise WireError(
                    f"field {number} has {length} bytes, and "
                    f"{len(data) - place} are left"
                )
            value, place = data[place : place + length], place + length
        yield number, kind, value


def varints(data: memoryview, most: int) -> list[int]:
    """The integers of a packed field.

    Args:
        data: Memoryview of the field.
        most: Integer, how many there may be.

    Raises:
        WireError: if there are more, or the last one has no end.
    """
    found: list[int] = []
    place = 0
    while place < len(data):
        if len(found) == most:
            raise WireError(f"there are more than {most} integers in a list")
        value, place = _varint(data, place)
        found.append(value)
    return found


def _varint(data, place):
    """The integer that begins at a place, and the place behind it."""
    value = 0
    for index, byte in enumerate(data[place : place + _LONGEST]):
        value |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return value, place + index + 1
    raise WireError(f"byte {place} begins an integer that has no end")
