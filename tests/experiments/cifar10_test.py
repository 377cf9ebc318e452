"""CIFAR-10 in its real format, small; how it is moved; its nets."""

import numpy as np
import pytest
import tensorflow as tf

from experiments import datasets
from experiments.datasets import augmentation
from experiments.datasets import batches
from experiments.datasets import cifar10
from tests.compress.filters import zoo
from tfprune import applications
from tfprune.graph import model_graph
from tfprune.graph import shortcuts
from tfprune.graph import traversal


@pytest.fixture
def folder(tmp_path):
    """Files of 4 records each; red is 1, green is 2, blue counts up."""
    for number, name in enumerate((*cifar10.TRAIN, cifar10.TEST)):
        records = b"".join(
            bytes([(number + i) % 10])
            + bytes([1] * 1024)
            + bytes([2] * 1024)
            + bytes(j % 256 for j in range(1024))
            for i in range(4)
        )
        (tmp_path / name).write_bytes(records)
    return tmp_path


def test_records_become_images(folder):
    data = {"name": "cifar10", "data_dir": str(folder), "validation": 3}
    train, validation, test = datasets.load(data)
    assert train.images.shape == (17, 32, 32, 3)
    assert validation.images.shape == (3, 32, 32, 3)
    assert train.labels[:6].tolist() == [0, 1, 2, 3, 1, 2]
    assert validation.labels.tolist() == [5, 6, 7]
    assert test.labels.tolist() == [5, 6, 7, 8]
    assert (train.images[..., 0] == 1).all() and train.images.dtype == np.uint8
    expected = np.arange(1024).reshape(32, 32) % 256
    np.testing.assert_array_equal(test.images[3, ..., 2], expected)


def test_a_folder_without_it(folder, monkeypatch):
    (folder / "data_batch_3.bin").unlink()
    with pytest.raises(FileNotFoundError, match="lacks data_batch_3.bin"):
        cifar10.load(folder)
    monkeypatch.delenv("TFPRUNE_CIFAR10_DIR", raising=False)
    with pytest.raises(FileNotFoundError, match="cifar-10-binary.tar.gz"):
        cifar10.load()


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 3072, b"\0" * 6147, b"\x0b" + b"\0" * 3072]
)
def test_damaged_files(folder, content):
    (folder / "test_batch.bin").write_bytes(content)
    with pytest.raises(ValueError, match="test_batch.bin must have records"):
        cifar10.load(folder)


def test_too_many_held_out(folder):
    with pytest.raises(ValueError, match=r"`validation` must be in \[0, 20\)"):
        cifar10.load(folder, 20)


def test_images_move_and_mirror():
    """Each is a window of itself with a border, or of its mirror image."""
    random = np.random.default_rng(0)
    images = random.integers(1, 255, (20, 6, 5, 3)).astype("uint8")
    moved = augmentation.crop_and_flip(tf.constant(images), tf.constant([1, 2]))
    border = np.pad(images, ((0, 0), (4, 4), (4, 4), (0, 0)))
    found = []
    for image, before in zip(moved.numpy(), border, strict=True):
        found += [
            (row, column, flipped)
            for row in range(9)
            for column in range(9)
            for flipped in (False, True)
            if np.array_equal(
                image[:, ::-1] if flipped else image,
                before[row : row + 6, column : column + 5],
            )
        ]
    rows, columns, flipped = zip(*found, strict=True)
    assert len(found) == 20 and 0 < sum(flipped) < 20
    assert len(set(rows)) > 4 and len(set(columns)) > 4


def test_a_resumed_run_sees_the_same_images():
    split = (
        np.arange(20 * 48, dtype="uint8").reshape(20, 4, 4, 3),
        np.arange(20),
    )

    def run(begin, count, seed=0):
        made = batches.shuffled(split, 8, seed, 1, begin, "crop_and_flip")
        return [images.numpy() for images, _ in made.take(count)]

    whole = run(0, 4)
    np.testing.assert_array_equal(whole[2:], run(2, 2))
    assert not np.array_equal(whole, run(0, 4, seed=1))
    with pytest.raises(ValueError, match="Did you mean 'crop_and_flip'"):
        batches.shuffled(split, 8, 0, 1, 0, "crop_and_flop")


def test_vgg16():
    model = applications.build("vgg16_cifar10", 0)
    assert model.count_params() == 14_995_146
    assert model(np.zeros((1, 32, 32, 3))).shape == (1, 10)


def test_resnet20():
    model = applications.build("resnet20", 0)
    names = [x.name for x in model.layers if x.name.endswith("_conv")]
    assert len(names) == 19 + 2 and model.name == "resnet20"
    assert names[-1] == "stage3_block3_2_conv"


def test_resnet56_and_its_shortcuts():
    model = applications.build("resnet56", 0)
    convs = [x for x in traversal.leaves(model) if x.name.endswith("_conv")]
    assert len(convs) == 55 + 2  # and two shortcuts
    free = shortcuts.bypassed(model_graph.ModelGraph(model))
    held = {x.name for x in convs if id(x) not in free}
    assert held == {"stem_conv"}
    zoo.randomize(model)
    x = np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3))
    logits = model(x.astype("float32")).numpy()
    assert logits.shape == (2, 10) and np.isfinite(logits).all()
