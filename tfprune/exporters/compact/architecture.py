"""What a model is besides its weights, as bytes."""

from __future__ import annotations

import functools
import json
import pathlib
import zlib

_WORDS = pathlib.Path(__file__).with_name("words.json")
_LARGEST = 1 << 26  # Bytes of JSON.


def to_bytes(about: dict) -> bytes:
    """Compresses what JSON can say, by words that configs of Keras have."""
    text = json.dumps(about, separators=(",", ":"))
    packer = zlib.compressobj(9, wbits=-15, zdict=_words())
    return packer.compress(text.encode()) + packer.flush()


def from_bytes(data: bytes) -> dict:
    """Inverse of `to_bytes`.

    Raises:
        ValueError: for what is no such thing, or unpacks to more than 64 MB.
    """
    opener = zlib.decompressobj(wbits=-15, zdict=_words())
    try:
        text = opener.decompress(data, _LARGEST)
    except zlib.error as error:
        raise ValueError(f"its architecture is damaged: {error}") from error
    if not opener.eof:
        raise ValueError(
            f"its architecture is cut off, or has more than {_LARGEST} bytes"
        )
    return json.loads(text)


@functools.cache
def _words():
    """Never changed: what was written with it could not be read."""
    return _WORDS.read_bytes()
