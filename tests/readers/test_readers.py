"""The readers on well-formed data, in all the forms they promise to read."""

import io
import os
import tarfile
from collections import Counter

import numpy as np
import pytest
import reader_fixtures as fx

from convstudy.demo import formats
from convstudy.foundation.errors import UserError
from convstudy.readers import open_source


@pytest.mark.parametrize("protocol", [0, 2, 3, 4, 5])
def test_cifar100_in_every_pickle_protocol(tmp_path, protocol):
    archive = fx.write_tar(tmp_path / "c.tar.gz", fx.cifar100_members(protocol))
    data = fx.prepared("cifar", {"archive": archive}, tmp_path, image_size=(32, 32))
    assert data["attributes"]["class_names"] == list(fx.CLASSES)
    assert [len(data[s][0]) for s in ("train", "validation", "test")] == [9, 3, 12]
    pixels = fx.batch((), 4, 2)[b"data"]
    assert np.array_equal(data["test"][0], pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    assert data["test"][1].tolist() == [0, 1, 2] * 4
    assert data["test"][2][3] == b"2_3.png"


def test_cifar100_coarse_labels(tmp_path):
    archive = fx.write_tar(tmp_path / "c.tar.gz", fx.cifar100_members())
    options = {"labels": "coarse"}
    data = fx.prepared("cifar", {"archive": archive}, tmp_path, options=options)
    assert data["attributes"]["class_names"] == ["insect", "mammal"]
    assert data["facts"]["made_of"]["option_labels"] == "coarse"
    assert data["test"][1].tolist() == [0, 0, 1] * 4


@pytest.mark.parametrize("protocol", [0, 4])
def test_cifar10_joins_its_five_batches(tmp_path, protocol):
    archive = fx.write_tar(tmp_path / "c.tar.gz", fx.cifar10_members(protocol))
    with open_source("cifar", {"archive": archive}) as source:
        assert Counter(source.parts) == {"train": 15, "test": 6} and len(source.labels) == 21
        for index, number in ((0, 1), (3, 2), (14, 5)):
            row = fx.batch((), 1, number)[b"data"][index % 3]
            image = source.image(index)
            assert np.array_equal(image, row.reshape(3, 32, 32).transpose(1, 2, 0))


def test_cifar10_has_no_coarse_labels(tmp_path):
    archive = fx.write_tar(tmp_path / "c.tar.gz", fx.cifar10_members())
    options = {"labels": "coarse"}
    fx.refused("cifar", {"archive": archive}, tmp_path, "no coarse labels", options=options)


def test_cifar_from_an_unpacked_folder(tmp_path):
    folder = fx.write_files(tmp_path / "data", fx.cifar100_members())
    assert len(fx.prepared("cifar", {"archive": folder}, tmp_path)["test"][0]) == 12


def test_cub_keeps_the_split_of_the_lists(tmp_path):
    images, lists = fx.cub_members()
    images["images/001.ant/unlisted.jpg"] = b"never read"
    images["images/001.ant/._ant_0000.jpg"] = b"what macOS leaves in archives"
    lists["lists/._train.txt"] = b"\x00\x05\x16\x07"
    files = {
        "images": fx.write_tar(tmp_path / "images.tgz", images),
        "lists": fx.write_tar(tmp_path / "lists.tgz", lists),
    }
    data = fx.prepared("cub200_2010", files, tmp_path)
    assert data["attributes"]["class_names"] == ["001.ant", "002.bee", "003.cat"]
    assert data["test"][2][:2].tolist() == [b"001.ant/ant_0003.jpg", b"001.ant/ant_0004.jpg"]
    assert [len(data[s][0]) for s in ("train", "validation", "test")] == [6, 3, 6]
    assert set(data["facts"]["made_of"]) >= {"sha256_images", "sha256_lists"}


def test_the_demo_data_walks_through_the_readers(tmp_path):
    archive = tmp_path / "objects.tar.gz"
    formats.write_objects(archive, seed=1, train_per_class=2, test_per_class=1)
    data = fx.prepared("cifar", {"archive": archive}, tmp_path, image_size=(32, 32))
    assert data["test"][0].shape == (25, 32, 32, 3)


FORMS = {
    "folder": fx.write_files,
    "d.tar": lambda path, members: fx.write_tar(path, members, "w"),
    "d.tgz": fx.write_tar,
    "d.tar.bz2": lambda path, members: fx.write_tar(path, members, "w:bz2"),
    "d.tar.xz": lambda path, members: fx.write_tar(path, members, "w:xz"),
    "d.zip": fx.write_zip,
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("top", ["", "./", "my data/"])
def test_every_form_of_an_image_folder_gives_the_same(tmp_path, form, top):
    members = fx.folder_members(top=top)
    members |= {f"{top}ant/.DS_Store": b"x", f"{top}ant/Thumbs.db": b"x", "notes.txt": b"x"}
    path = FORMS[form](tmp_path / form, members)
    data = fx.prepared("image_folder", {"images": path}, tmp_path)
    plain = fx.write_files(tmp_path / "plain", fx.folder_members())
    (tmp_path / "other").mkdir()
    other = fx.prepared("image_folder", {"images": plain}, tmp_path / "other")
    for subset in ("train", "validation", "test"):
        for mine, others in zip(data[subset][:2], other[subset][:2], strict=True):
            assert np.array_equal(mine, others)


def test_drawn_test_part_is_stratified_seeded_and_stable(tmp_path):
    def drawn(classes, **options):
        members = fx.folder_members(10, classes=classes)
        path = fx.write_tar(tmp_path / "d.tar", members, "w")
        names = fx.prepared("image_folder", {"images": path}, tmp_path, **options)["test"][2]
        return [name.decode() for name in names]

    test = drawn(("ant", "bee"), test_fraction=0.3)
    assert len(test) == 6 and sum(name.startswith("ant") for name in test) == 3
    assert test == drawn(("ant", "bee"), test_fraction=0.3)
    assert test != drawn(("ant", "bee"), test_fraction=0.3, seed=1)
    more = drawn(("aardvark", "ant", "bee", "cat"), test_fraction=0.3)
    assert test == [name for name in more if name.startswith(("ant", "bee"))]


def test_a_folder_may_hold_links_even_in_circles(tmp_path):
    fx.write_files(tmp_path / "elsewhere", fx.folder_members(3, classes=("ant",)))
    folder = fx.write_files(tmp_path / "data", fx.folder_members(3, classes=("bee",)))
    (folder / "ant").symlink_to(tmp_path / "elsewhere" / "ant")
    (folder / "bee" / "circle").symlink_to(folder)
    os.mkfifo(folder / "bee" / "pipe.png")
    with open_source("image_folder", {"images": folder}) as source:
        assert source.class_names == ["ant", "bee"]
        assert len(source.names) == 6


def test_names_that_are_not_utf8_are_escaped(tmp_path):
    path = tmp_path / "d.tar"
    member = tarfile.TarInfo()
    content = fx.encoded(fx.picture())
    member.size = len(content)
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, encoding="latin-1") as tar:
        for index in range(8):
            member.name = ("café", "größe")[index % 2] + f"/{index}.png"
            tar.addfile(member, io.BytesIO(content))
    data = fx.prepared("image_folder", {"images": path}, tmp_path)
    assert data["attributes"]["class_names"] == ["caf\\xe9", "gr\\xf6\\xdfe"]


def test_unknown_readers_files_and_options(tmp_path):
    archive = fx.write_tar(tmp_path / "c.tar.gz", fx.cifar100_members())
    for kind, files, options, expected in (
        ("cifarr", {"archive": archive}, {}, "did you mean 'cifar'"),
        ("cifar", {}, {}, "files.archive is missing"),
        ("cifar", {"archive": tmp_path / "no.tgz"}, {}, "no.tgz: there is no such file"),
        ("cifar", {"archive": archive}, {"label": "fine"}, "did you mean 'labels'"),
        ("cifar", {"archive": archive}, {"labels": "thin"}, "expected 'fine' or 'coarse'"),
    ):
        with pytest.raises(UserError, match=expected), open_source(kind, files, options):
            pass
