"""Parts of a file: whole, or refused."""

import io

import pytest

from tfprune.exporters.compact import container

PARTS = [b"", b"a", bytes(127), bytes(128), bytes(range(256)) * 100]


def written(parts=PARTS):
    file = io.BytesIO()
    sizes = container.write(file, parts)
    return file.getvalue(), sizes


def read(data, count=len(PARTS)):
    parts = container.Parts(io.BytesIO(data))
    found = [parts.read() for _ in range(count)]
    parts.finish()
    return found


def test_parts_come_back():
    data, sizes = written()
    assert read(data) == PARTS
    assert len(data) == 4 + sum(sizes)
    assert sizes[:3] == [5, 6, 132]


def test_a_file_that_is_cut_off_is_refused_wherever():
    data, _ = written(PARTS[:4])
    for length in range(len(data)):
        with pytest.raises(ValueError, match="cut off|another|damaged"):
            read(data[:length], 4)


def test_a_changed_bit_is_found_wherever():
    data, _ = written(PARTS[:4])
    for place in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[place] ^= 1 << bit
            with pytest.raises(ValueError):
                read(bytes(changed), 4)


def test_what_follows_is_refused():
    with pytest.raises(ValueError, match="follows"):
        read(written()[0] + b"\0")


def test_a_length_takes_no_memory_before_it_is_believed():
    data = container.MARK + bytes([container.VERSION]) + b"\xff" * 8 + b"\x7f"
    with pytest.raises(ValueError, match="cut off"):
        read(data + bytes(4))


def test_another_version_is_named():
    data = container.MARK + bytes([container.VERSION + 1]) + bytes(20)
    with pytest.raises(ValueError, match="newer tfprune"):
        read(data)
