"""Image folders: small images in the real format, from files to a search."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from configs import alexnet_olmp
from experiments import training
from experiments import workdir
from experiments.datasets import batches
from experiments.datasets import image_folders
from tfprune import applications
from tfprune.applications import caltech

CLASSES = ("001.ak47", "002.american-flag", "257.clutter")
PER_CLASS, SIZE = 4, 24


@pytest.fixture
def folder(tmp_path):
    """Six images of one colour for each class: red, green, blue."""
    root = tmp_path / "256_ObjectCategories"
    for label, name in enumerate(CLASSES):
        (root / name).mkdir(parents=True)
        for number in range(6):
            shape = (20 + number, 30, 3)
            pixels = np.full(shape, 10 * number, np.uint8)
            pixels[..., label] = 250
            jpeg = number % 2
            encode = tf.io.encode_jpeg if jpeg else tf.io.encode_png
            file = f"{label + 1:03}_{number:04}.{'jpg' if jpeg else 'PNG'}"
            (root / name / file).write_bytes(encode(pixels).numpy())
        (root / name / "greg").mkdir()  # Caltech-256 has such things.
        (root / name / "notes.txt").write_text("no image")
    return root


def load(folder, **changes):
    arguments = {"validation": 2, "per_class": PER_CLASS, "size": SIZE}
    return image_folders.load(folder, **{**arguments, **changes})


def test_splits(folder):
    found = load(folder)
    assert [len(x.labels) for x in found] == [10, 2, 6]
    labels = np.concatenate([x.labels for x in found])
    assert np.bincount(labels).tolist() == [6, 6, 6]
    assert np.bincount(found.test.labels).tolist() == [2, 2, 2]
    for split in found:
        assert split.images.shape[1:] == (SIZE, SIZE, 3)
        assert split.images.dtype == np.uint8
        # The colour tells the class, through decoding and resizing.
        colours = split.images.reshape(len(split.labels), -1, 3).mean(axis=1)
        np.testing.assert_array_equal(colours.argmax(axis=1), split.labels)


def test_equals_resizing_by_hand(folder):
    file = folder / CLASSES[1] / "002_0004.PNG"
    plain = tf.io.decode_png(file.read_bytes())
    expected = np.round(tf.image.resize(plain, (SIZE, SIZE)).numpy())
    found = load(folder)
    images = np.concatenate([split.images for split in found])
    assert (images == expected).all(axis=(1, 2, 3)).sum() == 1


def test_is_decoded_once(folder, monkeypatch):
    first = load(folder)
    with monkeypatch.context() as patch:
        patch.setattr(image_folders, "_decode", None)
        again = load(folder)
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.labels, other.labels)
        assert isinstance(other.images, np.memmap)
    next((folder / CLASSES[0]).glob("*.jpg")).touch()
    monkeypatch.setattr(image_folders, "_decode", no_more)
    with pytest.raises(InterruptedError):
        load(folder)
    assert len(list((folder / ".tfprune").iterdir())) == 1


def no_more(*arguments):
    raise InterruptedError


def test_batches_equal_those_of_arrays(folder):
    on_disk = load(folder).train
    in_memory = type(on_disk)(np.array(on_disk.images), on_disk.labels)
    for make in (
        lambda split: batches.shuffled(split, 3, 1, 2, 5).take(6),
        lambda split: batches.in_order(split, 4),
    ):
        count = 0
        for one, other in zip(make(on_disk), make(in_memory), strict=True):
            assert one[0].shape[1:] == (SIZE, SIZE, 3)
            for a, b in zip(one, other, strict=True):
                np.testing.assert_array_equal(a, b)
            count += 1
        assert count in (6, 3)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"per_class": 6}, "per_class=6, but 001.ak47 has 6 images"),
        ({"per_class": 0}, "`per_class` must be an integer from 1"),
        ({"size": 0}, "`size` must be an integer from 1"),
        ({"validation": 12}, "`validation` must be from 0 to 11"),
    ],
)
def test_bad_arguments(folder, changes, words):
    with pytest.raises(ValueError, match=words):
        load(folder, **changes)
    assert not (folder / ".tfprune").exists()


def test_a_damaged_file_is_named_and_leaves_no_cache(folder):
    file = folder / CLASSES[2] / "257_0001.jpg"
    file.write_bytes(b"\xff\xd8 this is none")
    with pytest.raises(ValueError, match="257_0001.jpg must be an image"):
        load(folder)
    assert not list((folder / ".tfprune").iterdir())


@pytest.mark.parametrize("make", [True, False])
def test_a_folder_without_classes(tmp_path, make):
    (tmp_path / "data" / "empty").mkdir(parents=True) if make else None
    with pytest.raises(FileNotFoundError, match="a folder of images for each"):
        load(tmp_path / "data")


def test_size_of_alexnet():
    model = applications.build("alexnet_caltech", seed=0)
    assert model.count_params() == 57_921_153
    assert model.input_shape[1:] == (256, 256, 3)
    assert model.get_layer("window").output.shape[1:] == (227, 227, 3)
    kinds = [type(layer).__name__ for layer in model.layers]
    assert kinds[:2] == ["RandomWindow", "Rescaling"]
    assert kinds.count("Dropout") == 2


def test_windows_are_the_middle_where_nothing_is_trained():
    x = np.random.default_rng(0).integers(0, 256, (2, 8, 9, 3))
    window = caltech.RandomWindow(5)
    np.testing.assert_array_equal(window(x, training=False), x[:, 1:6, 2:7])
    twin = caltech.RandomWindow.from_config(window.get_config())
    assert twin(x, training=True).shape == (2, 5, 5, 3)


def test_windows_of_training_are_anywhere_and_mirrored():
    """Each pixel is its own place, so that a window tells where it is from."""
    rows, columns = np.meshgrid(range(5), range(6), indexing="ij")
    image = np.stack([rows, columns, 0 * rows], axis=-1).astype("float32")
    window = caltech.RandomWindow(4)
    found = set()
    for one in np.array(window(np.stack([image] * 200), training=True)):
        top, left = one.min(axis=(0, 1))[:2].astype(int)
        cut = image[top : top + 4, left : left + 4]
        mirrored = one[0, 0, 1] > one[0, 1, 1]
        np.testing.assert_array_equal(one, cut[:, ::-1] if mirrored else cut)
        found.add((int(top), int(left), bool(mirrored)))
    assert len(found) == 2 * 3 * 2


def small(seed):
    """Layers of AlexNet's names on small images, with its random front."""
    keras.utils.set_random_seed(seed)
    return keras.Sequential(
        [
            keras.Input((SIZE, SIZE, 3)),
            caltech.RandomWindow(19),
            keras.layers.Rescaling(1 / 256),
            keras.layers.Conv2D(4, 5, strides=3, name="conv1"),
            keras.layers.Flatten(),
            keras.layers.Dense(3, name="fc8"),
        ]
    )


def test_config_runs_from_files_to_a_compressed_net(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setitem(applications.MODELS, "small", small)
    config = alexnet_olmp.get_config()
    config.model, config.batch_size = "small", 5
    config.log_every = config.checkpoint_every = config.train.steps = 4
    config.steps_per_execution = 1
    config.data.update(data_dir=str(folder), validation=4, per_class=PER_CLASS)
    config.data.size = SIZE
    config.olmp.steps = 6
    config.olmp.method.update(interval=3, prune_stop=5, evaluations=16)
    config.olmp.method.delta = 1.0
    workdir.create(tmp_path / "run", config, "python scripts/train.py")
    outcome = training.run(config, tmp_path / "run")
    assert outcome["median"]["compression"] > 1
    assert (tmp_path / "run/seeds/0/olmp.jsonl").exists()
