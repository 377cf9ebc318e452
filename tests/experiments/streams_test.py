"""Images that are decoded while a net is trained, beside NumPy references."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from experiments import datasets
from experiments.datasets import batches
from experiments.datasets import imagenet
from experiments.datasets import records
from experiments.datasets import streams

CLASSES = ("n01440764", "n01443537", "n01484850")
PER_CLASS, SIZE, CROP = 5, 24, 16


def picture(label, number):
    """A picture whose strongest channel is its label, and not a square."""
    rng = np.random.default_rng([label, number])
    pixels = rng.integers(0, 90, (20 + number, 30, 3), np.uint8)
    pixels[..., label] += 150
    return pixels


@pytest.fixture
def folder(tmp_path):
    root = tmp_path / "images"
    for split, count in (("train", PER_CLASS), ("val", 2)):
        for label, name in enumerate(CLASSES):
            (root / split / name).mkdir(parents=True)
            for number in range(count):
                data = tf.io.encode_jpeg(picture(label, number), quality=95)
                file = root / split / name / f"{name}_{number}.JPEG"
                file.write_bytes(data.numpy())
    return root


def shards(root, count=4, first=1):
    """The same pictures as TFRecords, in the order of numbers."""
    root.mkdir()
    for prefix, per_class in (("train", PER_CLASS), ("validation", 2)):
        for shard in range(count):
            path = str(root / f"{prefix}-{shard:05}-of-{count:05}")
            with tf.io.TFRecordWriter(path) as writer:
                for i in range(shard, 3 * per_class, count):
                    data = tf.io.encode_jpeg(picture(i % 3, i // 3)).numpy()
                    writer.write(example(data, i % 3 + first))
    return root


def example(data, label):
    feature = {
        "image/encoded": tf.train.Feature(
            bytes_list=tf.train.BytesList(value=[data])
        ),
        "image/class/label": tf.train.Feature(
            int64_list=tf.train.Int64List(value=[label])
        ),
    }
    features = tf.train.Features(feature=feature)
    return tf.train.Example(features=features).SerializeToString()


def load(root, **arguments):
    arguments = {"classes": 3, "size": SIZE, "crop": CROP, **arguments}
    return imagenet.load(root, **arguments)


def taken(split, count, begin=0, seed=7, stage=1, batch=4):
    found = batches.shuffled(split, batch, seed, stage, begin).take(count)
    return [(x.numpy(), y.numpy()) for x, y in found]


def layouts(folder, tmp_path):
    return {
        "folders": load(folder),
        "tfrecords": load(shards(tmp_path / "records"), layout="tfrecords"),
    }


@pytest.mark.parametrize("layout", ["folders", "tfrecords"])
class TestEveryLayout:
    def test_the_colour_tells_the_label(self, folder, tmp_path, layout):
        found = layouts(folder, tmp_path)[layout]
        passes = [taken(found.train, 6), batches.in_order(found.test)]
        for one in passes:
            for x, y in one:
                assert x.shape[1:] == (CROP, CROP, 3)
                colours = np.asarray(x).mean(axis=(1, 2)).argmax(axis=1)
                np.testing.assert_array_equal(colours, y)

    def test_a_resumed_run_sees_the_same_batches(
        self, folder, tmp_path, layout
    ):
        train = layouts(folder, tmp_path)[layout].train
        whole, rest = taken(train, 9), taken(train, 4, begin=5)
        for one, other in zip(whole[5:], rest, strict=True):
            np.testing.assert_array_equal(one[0], other[0])
            np.testing.assert_array_equal(one[1], other[1])

    def test_each_epoch_has_every_image_in_another_order(
        self, folder, tmp_path, layout
    ):
        train = layouts(folder, tmp_path)[layout].train
        labels = [y for _, y in taken(train, 6, batch=5)]
        epochs = np.concatenate(labels).reshape(2, 15)
        for epoch in epochs:
            assert np.bincount(epoch).tolist() == [5, 5, 5]
        assert np.any(epochs[0] != epochs[1])
        other = [y for _, y in taken(train, 6, seed=8, batch=5)]
        assert np.any(np.concatenate(other) != epochs.ravel())

    def test_the_test_set_is_seen_once(self, folder, tmp_path, layout):
        test = layouts(folder, tmp_path)[layout].test
        labels = np.concatenate([y for _, y in batches.in_order(test, 4)])
        assert np.bincount(labels).tolist() == [2, 2, 2]


def squared(pixels, size=SIZE):
    return tf.image.resize(pixels, (size, size)).numpy()


def encoded(pixels):
    return tf.io.encode_png(pixels)


def test_a_window_in_the_middle_minus_the_mean():
    pixels, mean = picture(1, 3), np.random.default_rng(0).random((SIZE,) * 2)
    mean = np.repeat(mean[..., None], 3, axis=2) * 100
    window = streams.Window(SIZE, CROP, mean, bgr=True)
    image = window.middle(window.whole(encoded(pixels)))
    found = window.ordered(image)
    begin = (SIZE - CROP) // 2
    expected = (squared(pixels) - mean)[begin:, begin:, ::-1][:CROP, :CROP]
    np.testing.assert_allclose(found, expected, 1e-4, 1e-3)


def test_windows_are_anywhere_and_mirrored():
    """Each pixel is its own place, so that a window tells where it is from."""
    rows, columns = np.meshgrid(range(6), range(6), indexing="ij")
    image = np.stack([rows, columns, 0 * rows], axis=-1).astype("float32")
    window, found = streams.Window(6, 4), set()
    for number in range(200):
        one = window.anywhere(image, tf.constant([number, 0], tf.int64)).numpy()
        top, left = one.min(axis=(0, 1))[:2].astype(int)
        cut = image[top : top + 4, left : left + 4]
        mirrored = one[0, 0, 1] > one[0, 1, 1]
        np.testing.assert_array_equal(one, cut[:, ::-1] if mirrored else cut)
        found.add((int(top), int(left), bool(mirrored)))
    assert len(found) == 3 * 3 * 2


def test_a_mean_for_each_channel(folder):
    plain = next(iter(batches.in_order(load(folder).test)))[0]
    shifted = load(folder, mean=(1.0, 2.0, 3.0)).test
    found = next(iter(batches.in_order(shifted)))[0]
    np.testing.assert_allclose(plain - found, np.ones_like(found) * [1, 2, 3])


def test_a_mean_image_from_a_file(folder, tmp_path):
    np.save(tmp_path / "mean.npy", np.full((SIZE, SIZE, 3), 2.0))
    plain = next(iter(batches.in_order(load(folder).test)))[0]
    shifted = load(folder, mean=str(tmp_path / "mean.npy")).test
    found = next(iter(batches.in_order(shifted)))[0]
    np.testing.assert_allclose(plain - found, np.full_like(found, 2.0))


def test_unreadable_images_are_skipped_counted_and_listed(folder):
    bad = folder / "train" / CLASSES[1] / f"{CLASSES[1]}_3.JPEG"
    bad.write_bytes(b"\xff\xd8\xff this is none")
    cut = folder / "train" / CLASSES[2] / f"{CLASSES[2]}_0.JPEG"
    cut.write_bytes(cut.read_bytes()[:200])
    words = rf"2 of 15 images can't be decoded(.|\n)*{bad.name}"
    with pytest.warns(UserWarning, match=words):
        found = load(folder)
    labels = np.concatenate([y for _, y in taken(found.train, 13, batch=1)])
    assert np.bincount(labels).tolist() == [5, 4, 4]
    listed = [x.read_text() for x in (folder / ".tfprune").iterdir()]
    assert any(str(bad) in text and str(cut) in text for text in listed)


def test_the_files_are_looked_at_once(folder, monkeypatch):
    load(folder)
    monkeypatch.setattr(streams, "unreadable", None)
    load(folder)
    next((folder / "train").rglob("*.JPEG")).touch()
    with pytest.raises(TypeError):
        load(folder)


def test_no_image_can_be_decoded(folder):
    for file in (folder / "val").rglob("*.JPEG"):
        file.write_bytes(b"none")
    with (
        pytest.warns(UserWarning, match="6 of 6"),
        pytest.raises(ValueError, match="of which none can be decoded"),
    ):
        load(folder)


def test_unreadable_records_are_skipped(tmp_path):
    root = shards(tmp_path / "records", count=1)
    path = str(root / "train-00000-of-00001")
    with tf.io.TFRecordWriter(path) as writer:
        writer.write(example(tf.io.encode_jpeg(picture(0, 0)).numpy(), 1))
        writer.write(example(b"none", 2))
        writer.write(example(tf.io.encode_jpeg(picture(2, 0)).numpy(), 3))
    train = load(root, layout="tfrecords").train
    assert streams.unreadable(train.source) == [1]
    labels = np.concatenate([y for _, y in taken(train, 4, batch=1)])
    assert sorted(labels) == [0, 0, 2, 2]


@pytest.mark.parametrize("first", [0, 2])
def test_labels_out_of_range(tmp_path, first):
    root = shards(tmp_path / "records", first=first)
    found = load(root, layout="tfrecords")
    with pytest.raises(tf.errors.InvalidArgumentError, match="labels must be"):
        taken(found.train, 4)


def test_folders_that_are_no_classes(folder):
    with pytest.raises(ValueError, match="labels would be out of range"):
        load(folder, classes=2)
    (folder / "val" / CLASSES[0]).rename(folder / "val" / "n00000000")
    with pytest.raises(ValueError, match="not in both are .*n00000000"):
        load(folder)


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="a folder of images for each"):
        load(tmp_path)
    with pytest.raises(FileNotFoundError, match="TFRecord files train-"):
        load(tmp_path, layout="tfrecords")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layout": "folder"}, "Did you mean 'folders'"),
        ({"crop": 25}, "`crop` must be from 1 to size=24"),
        ({"size": 0}, "`size` must be an integer from 1"),
        ({"mean": (1.0, 2.0)}, "`mean` must be 3 numbers or an array of"),
    ],
)
def test_wrong_arguments(folder, arguments, message):
    with pytest.raises(ValueError, match=message):
        load(folder, **arguments)


def test_tfds_is_imported_only_where_it_is_used(folder, monkeypatch):
    import builtins

    real = builtins.__import__

    def without(name, *rest, **more):
        if name.startswith("tensorflow_datasets"):
            raise ImportError(name)
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", without)
    found = load("", layout="tfds", cache_dir=folder)
    with pytest.raises(ImportError, match="pip install tensorflow-datasets"):
        taken(found.train, 1)


def test_tfds_gives_encoded_images(monkeypatch):
    """A stand-in with the two calls that are made of the package."""
    calls = []

    class Decode:
        class SkipDecoding:
            pass

    class Package:
        decode = Decode

        @staticmethod
        def load(name, split, data_dir, decoders):
            calls.append((name, split, type(decoders["image"]).__name__))
            rows = {
                "image": [encoded(picture(i % 3, 0)).numpy() for i in range(6)],
                "label": np.arange(6) % 3,
            }
            return tf.data.Dataset.from_tensor_slices(rows)

    monkeypatch.setattr(records, "_tfds", lambda: Package)
    found = load("", layout="tfds", dataset="imagenette")
    x, y = next(iter(batches.in_order(found.test)))
    colours = np.asarray(x).mean(axis=(1, 2)).argmax(axis=1)
    np.testing.assert_array_equal(colours, y)
    assert calls == [("imagenette", "validation", "SkipDecoding")]


def test_by_name(folder):
    config = {"name": "imagenet", "data_dir": str(folder), "classes": 3}
    found = datasets.load({**config, "size": SIZE, "crop": CROP})
    assert len(found.validation.labels) == 0
    model = keras.Sequential(
        [
            keras.Input((CROP, CROP, 3)),
            keras.layers.GlobalAveragePooling2D(),
            keras.layers.Rescaling(1 / 256),
            keras.layers.Dense(3),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(0.3), loss, metrics=["accuracy"])
    train = batches.shuffled(found.train, 5, 0, 0, 0)
    model.fit(train, steps_per_epoch=60, shuffle=False, verbose=0)
    _, accuracy = model.evaluate(batches.in_order(found.test), verbose=0)
    assert accuracy == 1
