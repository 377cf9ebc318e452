"""The file: a mark, a version, and parts that are whole or refused."""

from __future__ import annotations

import typing
import zlib

MARK, VERSION = b"TFP", 1
_CHECKSUM = 4  # Bytes.
_LONGEST = 9  # Bytes of a length.


def write(file: typing.BinaryIO, parts: typing.Iterable[bytes]) -> list[int]:
    """Writes a file part by part.

    Args:
        file: Open for writing.
        parts: Iterable of bytes.

    Returns:
        List of integers: the bytes that each part takes.
    """
    file.write(MARK + bytes([VERSION]))
    sizes = []
    for part in parts:
        check = zlib.crc32(part).to_bytes(_CHECKSUM, "little")
        sizes.append(file.write(_length(len(part)) + check + part))
    return sizes


def is_one(path) -> bool:
    """Whether a file begins as one of these."""
    with open(path, "rb") as file:
        return file.read(len(MARK)) == MARK


class Parts:
    """Reads a file part by part; no more than one is in memory.

    Args:
        file: Open for reading, seekable.

    Raises:
        ValueError: for another kind of file or version.
    """

    def __init__(self, file: typing.BinaryIO):
        self._file = file
        self._end = file.seek(0, 2)
        file.seek(0)
        start = file.read(len(MARK) + 1)
        if start[: len(MARK)] != MARK:
            raise ValueError("it is another kind of file")
        if start[len(MARK) :] != bytes([VERSION]):
            raise ValueError(
                f"it has another version than {VERSION}, which a newer tfprune "
                "may read"
            )

    def read(self) -> bytes:
        """Returns the next part.

        Raises:
            ValueError: if it is cut off or damaged.
        """
        length = self._read_length()
        check = self._file.read(_CHECKSUM)
        if length > self._end - self._file.tell():
            raise ValueError("it is cut off")
        part = self._file.read(length)
        if zlib.crc32(part).to_bytes(_CHECKSUM, "little") != check:
            raise ValueError("it is damaged: a checksum differs")
        return part

    def finish(self) -> None:
        """Raises a ValueError if anything follows."""
        if self._file.tell() != self._end:
            raise ValueError("it is damaged: something follows its last part")

    def _read_length(self):
        length = 0
        for shift in range(0, 7 * _LONGEST, 7):
            byte = self._file.read(1)
            if not byte:
                raise ValueError("it is cut off")
            length |= (byte[0] & 127) << shift
            if byte[0] < 128:
                return length
        raise ValueError("it is damaged: a length has no end")


def _length(size):
    """Seven bits a byte, the lowest first; the last byte is below 128."""
    encoded = bytearray()
    while size >= 128:
        encoded.append(size & 127 | 128)
        size >>= 7
    return bytes([*encoded, size])
