"""Images whose classes stand in a table."""

import pytest
import reader_fixtures as fx

from convstudy.readers import open_source

PIXELS = fx.encoded(fx.picture())
OPTIONS = {"image_column": "id", "label_column": "breed"}


def files(tmp_path, text: str, images: dict[str, bytes] | None = None, name: str = "labels.csv"):
    if images is None:
        images = {f"train/img{i}.png": PIXELS for i in range(12)}
    images = {"notes.txt": b"x"} | images
    fx.write_files(tmp_path, {name: text.encode()})
    return {"table": tmp_path / name, "images": fx.write_files(tmp_path / "data", images)}


def rows(count: int = 12, separator: str = ",") -> str:
    lines = [("id", "breed"), *((f"img{i}", ("beagle", "pug")[i % 2]) for i in range(count))]
    return "".join(separator.join(line) + "\r\n" for line in lines)


@pytest.mark.parametrize(
    ("name", "separator"), [("a.csv", ","), ("a.tsv", "\t"), ("a.csv", ";"), ("a.CSV", ",")]
)
@pytest.mark.parametrize("start", ["", "\ufeff"])
def test_classes_come_from_the_table(tmp_path, name, separator, start):
    given = files(tmp_path, start + rows(separator=separator), name=name)
    options = OPTIONS | {"image_suffix": ".png"}
    data = fx.prepared("table", given, tmp_path, options=options)
    assert data["attributes"]["class_names"] == ["beagle", "pug"]
    assert set(data["facts"]["made_of"]) >= {"sha256_table", "sha256_images", "option_image_column"}
    assert [len(data[part][0]) for part in ("train", "validation", "test")] == [8, 2, 2]
    for part in ("train", "validation", "test"):
        for label, image in zip(data[part][1], data[part][2], strict=True):
            assert label == int(image.decode()[len("train/img") : -len(".png")]) % 2
    separated = [note for note in data["facts"]["notes"] if "separated" in note]
    assert bool(separated) == (separator != ",")


def test_the_order_of_rows_means_nothing(tmp_path):
    text = rows()
    head, *lines = text.splitlines(keepends=True)
    options = OPTIONS | {"image_suffix": ".png"}
    found = []
    for name, body in (("a", lines), ("b", lines[::-1])):
        (tmp_path / name).mkdir()
        given = files(tmp_path / name, head + "".join(body))
        found.append(fx.prepared("table", given, tmp_path / name, options=options)["test"])
    assert found[0][2].tolist() == found[1][2].tolist()


def test_archives_parts_groups_and_unnamed_images(tmp_path):
    images = {f"d/{i}.png": PIXELS for i in range(9)}
    text = "image,label,part,who,more\n" + "".join(
        f"somewhere/d/{i}.png,{'ab'[i % 2]},{'train' if i < 4 else 'Val' if i < 6 else 'TEST'},"
        f"P{i // 2},\n"
        for i in range(8)
    )
    given = files(tmp_path, text + "\n")
    given["images"] = fx.write_zip(tmp_path / "d.zip", images)
    options = {"split_column": "part", "group_column": "who"}
    with open_source("table", given, options) as source:
        assert source.names == [f"d/{i}.png" for i in range(8)]
        assert source.labels.tolist() == [0, 1] * 4
        assert source.parts == ["train"] * 4 + ["validation"] * 2 + ["test"] * 2
        assert source.groups == [f"P{i // 2}" for i in range(8)]
        assert source.left_out == [("d/8.png", "no row of labels.csv names it")]
        assert source.notes == ["Left out 1 images that no row of labels.csv names."]


def test_texts_are_not_taken_for_numbers_or_nothing(tmp_path):
    images = {f"{name}.png": PIXELS for name in ("007", "NA", "1e3", "true")}
    text = 'image,label\n007,01\n"NA",None\n1e3,01\ntrue,None\n'
    given = files(tmp_path, text, images)
    with open_source("table", given, {"image_suffix": ".png"}) as source:
        assert source.class_names == ["01", "None"]
        assert source.names == ["007.png", "1e3.png", "NA.png", "true.png"]


TWICE = {"a/1.png": PIXELS, "b/1.png": PIXELS, "a/2.png": PIXELS, "a/3.nef": b""}


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("img,label\n1.png,x\n", {}, "no column 'image' .option image_column.*Columns: img, label"),
        ("image,labels\n1.png,x\n", {}, "no column 'label' .*Did you mean 'labels'"),
        ("image,label\na/1.png,x\n2.png,\n", {}, "row 3 has nothing in the column 'label'"),
        ("image,label\n\n,x\n", {}, "row 3 has nothing in the column 'image'"),
        ("image,label\n1.png,x\n", {}, "several such images: a/1.png, b/1.png"),
        ("image,label\n2.png,x\n7.png,x\n8.png,x\n", {}, "2 of 3 images are not in .*'7.png'"),
        ("image,label\nc/2.png,x\n", {}, "1 of 1 images are not in"),
        ("image,label\n2,x\n", {}, 'image_suffix: ".png"'),
        ("image,label\na/3.nef,x\n", {}, "in a format that cannot be read"),
        ("image,label\n2.png,x\na/2.png,y\n", {}, "rows 2 and 3 name the same image 'a/2.png'"),
        ("image,label,s\n2.png,x,all\n", {"split_column": "s"}, "row 2 has the part 'all'"),
        ("image,label,s\n2.png,x,test\n", {"split_column": "s"}, "the parts are test"),
        ("image,label,label\n2.png,x,y\n", {}, "two columns have the name 'label'"),
        ("image,label\n", {}, "has no rows"),
        ("", {}, "cannot be read as a table"),
        ("image,label\n2.png,x,y\n", {}, "cannot be read as a table"),
        ("\0\1\n", {}, "is no text"),
    ],
)
def test_what_a_table_lacks_is_said(tmp_path, text, options, expected):
    fx.refused("table", files(tmp_path, text, TWICE), tmp_path, expected, options=options)


def test_other_kinds_of_tables(tmp_path):
    for name, expected in (("a.xlsx", "spreadsheet"), ("a.parquet", "pyarrow|cannot be read")):
        fx.refused("table", files(tmp_path, "x", name=name), tmp_path, expected)
    given = files(tmp_path, "")
    given["table"].write_bytes("image,label\ncaf\u00e9.png,x\n".encode("latin-1"))
    fx.refused("table", given, tmp_path, "not a text in UTF-8")
