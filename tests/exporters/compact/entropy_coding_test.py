"""Symbols in, bytes, symbols out; and how many bytes."""

import numpy as np
import pytest

from tfprune.exporters.compact import entropy_coding


def through(code):
    """What a reader gets of what a writer wrote by the same function."""
    writer = entropy_coding.Writer()
    code(writer, True)
    data = writer.to_bytes()
    return code(entropy_coding.Reader(data), False), len(data)


@pytest.mark.parametrize("size", [1, 2, 3, 255, 65536, 65537, 2**23, 2**31])
@pytest.mark.parametrize("count", [0, 1, 17, 5000])
def test_uniform_symbols_come_back(size, count):
    symbols = np.random.default_rng(0).integers(0, size, count)
    found, length = through(
        lambda coder, writes: entropy_coding.uniform(
            coder, symbols if writes else None, count, size
        )
    )
    np.testing.assert_array_equal(found, symbols)
    assert length <= count * np.ceil(np.log2(size)) / 8 * 1.01 + 4


@pytest.mark.parametrize("size", [1, 2, 5, 511])
@pytest.mark.parametrize("count", [0, 1, 15, 16, 17, 4000])
def test_learned_symbols_come_back(size, count):
    symbols = np.random.default_rng(1).zipf(1.5, count) % size
    found, _ = through(
        lambda coder, writes: entropy_coding.adaptive(
            coder, symbols if writes else None, count, size
        )
    )
    np.testing.assert_array_equal(found, symbols)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5])
def test_learned_bits_take_what_their_share_says(share):
    bits = (np.random.default_rng(2).random(200_000) < share).astype(int)
    _, length = through(
        lambda coder, writes: entropy_coding.adaptive(
            coder, bits if writes else None, bits.size, 2
        )
    )
    share = bits.mean()
    entropy = -share * np.log2(share) - (1 - share) * np.log2(1 - share)
    assert length < 1.002 * entropy * bits.size / 8 + 8


def test_contexts_are_learned_apart():
    rng = np.random.default_rng(3)
    contexts = rng.integers(0, 4, 50_000)
    symbols = (contexts + (rng.random(50_000) < 0.02)) % 5
    lengths = []
    for own in (contexts, np.zeros_like(contexts)):
        found, length = through(
            lambda coder, writes, own=own: entropy_coding.in_contexts(
                coder, symbols if writes else None, own, 4, 5
            )
        )
        np.testing.assert_array_equal(found, symbols)
        lengths.append(length)
    assert lengths[0] < 0.2 * lengths[1]


def test_blocks_cover_everything_once_and_grow():
    found = list(entropy_coding.blocks(10**7))
    assert found[0] == (0, 16) and found[-1][1] == 10**7
    assert all(a[1] == b[0] for a, b in zip(found, found[1:], strict=False))
    assert max(end - begin for begin, end in found) == 1 << 18
    assert len(found) < 200


def test_an_alphabet_without_symbols_is_an_error():
    with pytest.raises(ValueError, match="no symbols"):
        entropy_coding.adaptive(entropy_coding.Reader(b""), None, 3, 0)


def test_without_the_library_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "constriction", None)
    with pytest.raises(ImportError, match=r"tfprune\[compact\]"):
        entropy_coding.Writer()
