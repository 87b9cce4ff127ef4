"""A data set that is prepared in shards is that of one job, to the byte; an edit is one shard's."""

import numpy as np
import pytest
import reader_fixtures as fx
from PIL import Image

from convstudy.data import batch_shards, hdf5, preparation, shards
from convstudy.foundation.errors import UserError


def in_shards(block, folder, count):
    """Prepare a data set in shards, and return its files and those of its shards."""
    listing = folder / "images.json"
    packs = [folder / f"{number}.zip" for number in range(count)]
    made = [path.with_suffix(".h5") for path in packs]
    preparation.deal(block, listing, packs)
    for pack, shard in zip(packs, made, strict=True):
        shards.decode(pack, shard)
    outputs = fx.outputs(folder / "data.h5")
    preparation.gather(block, listing, made, outputs)
    return outputs, packs, made


def contents(outputs):
    return {name: path.read_bytes() for name, path in vars(outputs).items()}


def of_one_job(block, folder):
    outputs = fx.outputs(folder / "data.h5")
    preparation.prepare(block, outputs)
    return contents(outputs)


def mixed_folder(tmp_path):
    """Twelve images a class: of many kinds, one not readable, some equal, some near."""
    members = fx.folder_members(per_class=12)
    names = sorted(members)
    members[names[3]] = b"\x89PNG\r\n\x1a\n no more"
    members[names[5]] = members[names[4]]
    photo = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    photo = Image.fromarray(photo).resize((90, 120))
    members[names[7]] = fx.encoded(photo)
    members[names[20]] = fx.encoded(photo.resize((45, 60)))
    deep = np.arange(64, dtype=np.uint16).reshape(8, 8) * 60
    members[names[9]] = fx.encoded(Image.fromarray(deep))
    members[names[10]] = fx.encoded(Image.new("CMYK", (7, 9), (9, 80, 7, 3)), "TIFF")
    return {"images": fx.write_files(tmp_path / "raw", members)}


SETTINGS = {
    "plain": {},
    "groups of twins": {"duplicates": "one_group"},
    "range of all": {"value_range": "data", "channels": 1},
    "cropped": {"fit": "crop", "image_size": [6, 10]},
    "some classes": {"max_classes": 2, "max_train_per_class": 5},
    "folds": {"folds": 3, "validation_fraction": 0.4},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
@pytest.mark.parametrize("count", [1, 4])
def test_a_folder_in_shards_has_the_bytes_of_one_job(tmp_path, settings, count):
    block = fx.block("image_folder", mixed_folder(tmp_path), unreadable="skip", **settings)
    outputs, _, _ = in_shards(block, tmp_path / "shards", count)
    assert contents(outputs) == of_one_job(block, tmp_path)


def test_an_archive_of_arrays_in_more_shards_than_it_has_images_in_some(tmp_path):
    archive = fx.write_tar(tmp_path / "cifar.tar.gz", fx.cifar100_members())
    block = fx.block("cifar", {"archive": archive}, max_classes=2)
    outputs, _, made = in_shards(block, tmp_path / "shards", 30)
    assert contents(outputs) == of_one_job(block, tmp_path)
    with hdf5.open_hdf5(made[0]) as file:
        assert file["images"].dtype == np.uint8


@pytest.mark.parametrize("settings", [{}, {"duplicates": "one_group"}])
def test_images_that_cannot_be_read_are_refused_in_the_same_words(tmp_path, settings):
    block = fx.block("image_folder", mixed_folder(tmp_path), **settings)
    with pytest.raises(UserError, match="1 image cannot be used") as whole:
        of_one_job(block, tmp_path)
    with pytest.raises(UserError) as parts:
        in_shards(block, tmp_path / "shards", 3)
    assert str(parts.value) == str(whole.value)
    assert not (tmp_path / "shards/data.h5").exists()


@pytest.mark.parametrize("edit", ["changed", "removed", "added"])
def test_an_edit_of_one_image_is_an_edit_of_one_pack(tmp_path, edit):
    files = {"images": fx.write_files(tmp_path / "raw", fx.folder_members(per_class=12))}
    block = fx.block("image_folder", files)
    _, packs, _ = in_shards(block, tmp_path / "shards", 5)
    before = [path.read_bytes() for path in packs]
    image = sorted(files["images"].rglob("*.png"))[0]
    if edit == "removed":
        image.unlink()
    else:
        image = image.with_name("0a.png") if edit == "added" else image
        image.write_bytes(fx.encoded(fx.picture(777)))
    outputs, packs, _ = in_shards(block, tmp_path / "shards", 5)
    assert sum(path.read_bytes() != x for path, x in zip(packs, before, strict=True)) == 1
    assert contents(outputs) == of_one_job(block, tmp_path)


def damage(path, start=0.6):
    content = bytearray(path.read_bytes())
    place = int(len(content) * start)
    content[place : place + 40] = bytes(x ^ 0xFF for x in content[place : place + 40])
    path.write_bytes(content)


def test_a_damaged_pack_or_shard_is_named_with_its_repair(tmp_path):
    files = {"images": fx.write_files(tmp_path / "raw", fx.folder_members(per_class=12))}
    block = fx.block("image_folder", files)
    _, packs, made = in_shards(block, tmp_path / "shards", 2)
    others = (tmp_path / "shards/images.json", made, fx.outputs(tmp_path / "shards/data.h5"))
    damage(made[1])
    with pytest.raises(UserError, match=r"1\.h5: cannot be read .* delete it and run the same"):
        preparation.gather(block, *others)
    damage(packs[1], 0.3)
    with pytest.raises(UserError, match=r"1\.zip: cannot be read .* delete it and run the same"):
        shards.decode(packs[1], made[1])
    shards.decode(packs[0], made[1])
    with pytest.raises(UserError, match=r"1\.h5: cannot be read .it has \d+ images, expected \d+"):
        preparation.gather(block, *others)


def test_a_changed_byte_anywhere_in_a_pack_is_damage_or_nothing(tmp_path):
    """As the checksums of its images, its directory and its headers see it."""
    files = {"images": fx.write_files(tmp_path / "raw", fx.folder_members(per_class=3))}
    _, (pack,), (shard,) = in_shards(fx.block("image_folder", files), tmp_path / "shards", 1)
    whole, pixels = pack.read_bytes(), shard.read_bytes()
    directory = whole.index(b"PK\x01\x02")
    for place in [*range(0, directory, 23), *range(directory, len(whole))]:
        for flipped in (0x01, 0xFF):
            content = bytearray(whole)
            content[place] ^= flipped
            pack.write_bytes(content)
            try:
                shards.decode(pack, shard)
            except UserError as error:
                assert "0.zip: cannot be read" in str(error), place
            else:
                assert shard.read_bytes() == pixels, place


@pytest.mark.parametrize("n", [5, 96, 130])
def test_batches_come_back_in_their_order_with_labels(tmp_path, n):
    rng = np.random.default_rng(0)
    with hdf5.create_hdf5(tmp_path / "data.h5", {"class_names": ["a", "b"]}) as file:
        for subset, count in zip(hdf5.SUBSETS, (n, 40, 1), strict=True):
            group = hdf5.create_group(file, subset)
            hdf5.write_array(group, "images", rng.integers(0, 255, (count, 4, 4, 3), np.uint8))
            hdf5.write_array(group, "labels", rng.integers(0, 2, count).astype(np.int32))
    dealt = [tmp_path / f"{number}.images.h5" for number in range(3)]
    batch_shards.deal(tmp_path / "data.h5", dealt)
    features = [tmp_path / f"{number}.h5" for number in range(3)]
    for images, vectors in zip(dealt, features, strict=True):
        with hdf5.open_hdf5(images) as source, hdf5.create_hdf5(vectors, {}) as target:
            for subset in hdf5.SUBSETS:
                pixels = source[subset]["images"][...]
                group = hdf5.create_group(target, subset)
                mean = pixels.mean(axis=(1, 2), dtype=np.float32)
                hdf5.write_array(group, "vectors", mean.reshape(len(pixels), 3))
    batch_shards.gather(tmp_path / "data.h5", features, tmp_path / "all.h5")
    for subset in hdf5.SUBSETS:
        pixels, labels = hdf5.read_subset(tmp_path / "data.h5", subset)
        found = hdf5.read_subset(tmp_path / "all.h5", subset, ("vectors", "labels"))
        assert np.array_equal(found[0], pixels.mean(axis=(1, 2), dtype=np.float32))
        assert np.array_equal(found[1], labels)
    (tmp_path / "1.h5").write_bytes((tmp_path / "2.h5").read_bytes())
    if n == 130:
        with pytest.raises(UserError, match="1.h5: cannot be read .* vectors in 'train'"):
            batch_shards.gather(tmp_path / "data.h5", features, tmp_path / "all.h5")
