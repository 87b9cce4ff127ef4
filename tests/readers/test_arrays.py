"""Images and labels as NumPy arrays."""

import io
import pickle

import numpy as np
import pytest
import reader_fixtures as fx

from convstudy.readers import open_source


def pixels(count: int, *shape: int, dtype: str = "uint8") -> np.ndarray:
    size, top = (count, *(shape or (8, 8, 3))), np.iinfo(dtype).max
    return np.random.default_rng(count).integers(0, top, size, endpoint=True).astype(dtype)


def labels(count: int) -> np.ndarray:
    return np.arange(count, dtype=np.uint8)[:, None] % 2


def medmnist(**changes: np.ndarray | None) -> dict[str, np.ndarray]:
    counts = {"train": 8, "val": 4, "test": 6}
    content = {f"{part}_images": pixels(count) for part, count in counts.items()}
    content |= {f"{part}_labels": labels(count) for part, count in counts.items()}
    return {key: x for key, x in (content | changes).items() if x is not None}


def npz(tmp_path, content: dict[str, np.ndarray], compressed: bool = True) -> dict:
    (np.savez_compressed if compressed else np.savez)(tmp_path / "d.npz", **content)
    return {"arrays": tmp_path / "d.npz"}


@pytest.mark.parametrize("compressed", [True, False])
def test_medmnist(tmp_path, compressed):
    content = medmnist()
    data = fx.prepared("arrays", npz(tmp_path, content, compressed), tmp_path)
    assert data["attributes"]["class_names"] == ["0", "1"]
    for part, key in (("train", "train"), ("validation", "val"), ("test", "test")):
        assert np.array_equal(data[part][0], content[f"{key}_images"])
        assert np.array_equal(data[part][1], content[f"{key}_labels"][:, 0])
    assert data["test"][2][5] == b"test_images/00005"


def test_keras_names_and_names_of_classes(tmp_path):
    content = {"x_train": pixels(10), "Y_train": labels(10)[:, 0].astype(np.int64)}
    content |= {"x_test": pixels(4), "y_test": labels(4)[:, 0].astype(np.int64), "more": pixels(1)}
    options = {"class_names": ["shirt", "shoe"]}
    data = fx.prepared("arrays", npz(tmp_path, content), tmp_path, options=options)
    assert data["attributes"]["class_names"] == ["shirt", "shoe"]
    assert data["facts"]["made_of"]["option_class_names"] == ["shirt", "shoe"]
    assert [len(data[part][0]) for part in ("train", "validation", "test")] == [8, 2, 4]
    assert data["facts"]["notes"] == ["Left out arrays: more."]
    options = {"class_names": ["shirt"]}
    fx.refused(
        "arrays", npz(tmp_path, content), tmp_path / "x", "labels are 0 to 1", options=options
    )


@pytest.mark.parametrize("form", ["npz", "folder", "zip"])
def test_one_pair_in_every_form(tmp_path, form):
    content = {"images": pixels(20, 8, 8), "labels": np.repeat([3, 10], 10)}
    files = npz(tmp_path, content)
    if form != "npz":
        members = {f"d/{key}.npy": saved(array) for key, array in content.items()}
        write = fx.write_files if form == "folder" else fx.write_zip
        files = {"arrays": write(tmp_path / "d.zip", members)}
    with open_source("arrays", files) as source:
        assert source.class_names == ["3", "10"] and source.parts == ()
        assert source.labels.tolist() == [0] * 10 + [1] * 10
        assert np.array_equal(source.image(13), content["images"][13])
    data = fx.prepared("arrays", files, tmp_path, classes=[10, 3])
    assert data["attributes"]["class_names"] == ["10", "3"]
    assert [len(data[part][0]) for part in ("train", "validation", "test")] == [14, 2, 4]


@pytest.mark.parametrize("dtype", ["uint8", "uint16", ">u2"])
@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 1), (8, 8, 3)])
def test_every_kind_of_pixels_is_handed_on_as_it_is(tmp_path, dtype, shape):
    content = {"images": pixels(6, *shape, dtype=dtype), "labels": labels(6)}
    with open_source("arrays", npz(tmp_path, content)) as source:
        for index in range(6):
            image = source.image(index)
            assert np.array_equal(image, content["images"][index])
            assert image.dtype in (np.uint8, np.uint16) and image.dtype.isnative


def test_grey_arrays_become_pictures(tmp_path):
    content = {"images": pixels(20, 8, 8, 1), "labels": labels(20)}
    data = fx.prepared("arrays", npz(tmp_path, content), tmp_path)
    index = int(data["test"][2][0].decode().split("/")[1])
    assert np.array_equal(data["test"][0][0], np.repeat(content["images"][index], 3, axis=2))


def saved(array: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, **options)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"train_labels": np.zeros((8, 14), np.uint8)}, "14 labels an image"),
        ({"train_labels": labels(7)}, r"\(7, 1\) for 8 images"),
        ({"train_labels": np.zeros(8)}, "float64, expected whole numbers"),
        ({"train_images": np.zeros((8, 8, 8, 3), np.float32)}, "float32, expected uint8"),
        ({"train_images": pixels(8, 3, 8, 8)}, "channels come first"),
        ({"train_images": pixels(8, 8, 8, 4)}, r"has the shape \(8, 8, 8, 4\)"),
        ({"train_images": np.asfortranarray(pixels(8))}, "Fortran"),
        ({"test_labels": None}, "holds 'test_images' and no 'test_labels'"),
        ({"train_images": None}, "holds 'train_labels' and no 'train_images'"),
        ({"train_images": None, "train_labels": None}, "the arrays are test_images"),
    ],
)
def test_arrays_of_another_kind_are_refused(tmp_path, changes, expected):
    fx.refused("arrays", npz(tmp_path, medmnist(**changes)), tmp_path, expected)


class Canary:
    def __reduce__(self):
        return (pytest.fail, ("a pickle was loaded",))


def test_hostile_arrays_are_refused(tmp_path):
    good = {"images.npy": saved(pixels(8)), "labels.npy": saved(labels(8))}
    objects = saved(np.array([None] * 8), allow_pickle=True)
    for content, expected in (
        (pickle.dumps(Canary()), "cannot be read as an array"),
        (objects[: objects.index(b"\n") + 1] + pickle.dumps(Canary()), "pickled Python objects"),
        (good["labels.npy"].replace(b"(8, 1), ", b"(8000000000000, 1), "), "array"),
        (good["labels.npy"].replace(b"(8, 1)", b"(9, 1)"), "claims the shape"),
        (good["labels.npy"][:-1], "claims the shape"),
        (b"", "cannot be read as an array"),
    ):
        folder = fx.write_files(tmp_path / "d", good | {"labels.npy": content})
        fx.refused("arrays", {"arrays": folder}, tmp_path, expected)
    one = fx.write_files(tmp_path, {"x.npy": good["images.npy"]}) / "x.npy"
    fx.refused("arrays", {"arrays": one}, tmp_path, "is one array")
