"""Trained networks in use: exported, loaded where this project is not, and on image files."""

import contextlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import deployed
import keras
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from deployed import DATA, VARIANTS, run_of
from PIL import Image

from convstudy import generators
from convstudy.commands import main
from convstudy.data import hdf5
from convstudy.export import exported_network, finished_run
from convstudy.foundation.errors import UserError
from convstudy.networks import keras_file, keras_zip

ROOT = Path(__file__).parents[2]
# Loads every export of a folder and runs it on the test images, in three types of pixels.
OUTSIDE = """
import json, pathlib, sys
import h5py, keras, numpy as np
images = h5py.File(sys.argv[1])["test/images"][...]
for path in sorted(pathlib.Path(sys.argv[2]).glob("*.keras")):
    model = keras.saving.load_model(path, safe_mode=True)
    found = [model.predict(images.astype(kind), verbose=0) for kind in ("u1", "f4", "f8")]
    np.save(path.with_suffix(".npy"), np.array(found))
assert not [name for name in sys.modules if "convstudy" in name]
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """The current folder: that of a small study with a finished run of each variant."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "convstudy").symlink_to(ROOT / "convstudy")
    with contextlib.chdir(folder):
        deployed.make()
        yield folder


@pytest.fixture(scope="module")
def exports(project, tmp_path_factory):
    """An export of each run, and what it gives in a process that does not know this project."""
    folder = tmp_path_factory.mktemp("exports")
    for variant in VARIANTS:
        exported_network.save(of_run(run_of(variant)), folder / f"{variant}.keras")
    elsewhere(folder, "-I", "-c", OUTSIDE, project / DATA, folder)
    return folder


def elsewhere(folder, *arguments):
    """Run Python in a folder, without this project on its path."""
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def of_run(folder):
    return exported_network.of_run(finished_run.FinishedRun(Path(folder)))


def convstudy(*arguments):
    """Run a command in this process."""
    return CliRunner().invoke(main, list(map(str, arguments)), prog_name="convstudy")


@pytest.mark.parametrize("variant", VARIANTS)
def test_an_export_repeats_the_predictions_from_raw_pixels(project, exports, variant):
    expected, _ = hdf5.read_predictions(f"{run_of(variant)}/predictions.h5")
    assert np.ptp(expected, axis=0).max() > 0.1
    for found in np.load(exports / f"{variant}.npy"):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_an_export_says_what_it_is(exports):
    with zipfile.ZipFile(exports / "improved_net.keras") as archive:
        about = json.loads(archive.read("convstudy.json"))
    assert about["class_names"] == ["dark, grey", "bright", "red"]
    assert about["image_size"] == [16, 16]
    assert (about["dataset"], about["variant"], about["seed"]) == (
        "demo_objects",
        "improved_net",
        0,
    )
    assert len(about["sha256"]["model"]) == 64 and about["versions"]["keras"] == keras.__version__


def page(language):
    """The block of the page on trained networks that is in a language."""
    text = (ROOT / "docs/trained_models.md").read_text()
    return re.search(f"```{language}\n(.*?)```", text, re.S)[1]


def test_the_page_s_commands_and_its_snippet_work_as_written(project, exports, tmp_path):
    (images,) = hdf5.read_subset(DATA, "test", ("images",))
    Path("photos/more").mkdir(parents=True)
    Image.fromarray(images[0]).resize((40, 30)).save("photos/more/bird.png")
    shutil.copy("photos/more/bird.png", tmp_path / "photo.jpg")
    for line in page("sh").strip().splitlines():
        command = shlex.split(line, comments=True)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    export = project / "objects.keras"
    assert export.read_bytes() == (exports / "improved_net.keras").read_bytes()
    table = pd.read_csv("classes.csv")
    assert table["image"].tolist() == ["more/bird.png"]
    shutil.copy(export, tmp_path)
    snippet = page("python") + "import sys; assert 'convstudy' not in sys.modules\n"
    printed = elsewhere(tmp_path, "-c", snippet)
    assert printed.split("\n")[-2] == table["class_1"][0]


@pytest.fixture
def pictures(project, tmp_path):
    """The test images as files, more than a batch, at two depths."""
    (images,) = hdf5.read_subset(DATA, "test", ("images",))
    folder = tmp_path / "pictures"
    (folder / "sub").mkdir(parents=True)
    for k, image in enumerate(images):
        Image.fromarray(image).save(folder / ("sub" if k % 2 else ".") / f"{k:02}.png")
    (folder / "notes.txt").write_text("no image")
    (folder / ".hidden.png").write_text("no image")
    return folder


@pytest.mark.parametrize("source", ["run", "export"])
def test_the_table_has_the_best_classes_of_each_image(exports, pictures, tmp_path, source):
    network = run_of("improved_net") if source == "run" else exports / "improved_net.keras"
    output = tmp_path / "table.csv"
    done = convstudy("predict", network, pictures, output, "--top", 2)
    assert done.exit_code == 0, done.output
    assert "left out 1 other files, as 'notes.txt'" in done.stderr
    table = pd.read_csv(output, index_col="image")
    assert list(table) == ["class_1", "probability_1", "class_2", "probability_2"]
    assert sorted(table.index) == list(table.index) and len(table) == 40
    names = hdf5.read_attributes(DATA)["class_names"]
    expected, _ = hdf5.read_predictions(f"{run_of('improved_net')}/predictions.h5")
    for name, row in table.iterrows():
        probabilities = expected[int(Path(name).stem)]
        for rank, k in enumerate(np.argsort(-probabilities)[:2], start=1):
            assert row[f"class_{rank}"] == names[k]
            assert row[f"probability_{rank}"] == pytest.approx(probabilities[k], abs=2e-5)


def test_top_is_at_most_all_classes(exports, pictures, tmp_path):
    convstudy("predict", exports / "base_net.keras", pictures / "00.png", tmp_path / "t.csv")
    table = pd.read_csv(tmp_path / "t.csv")
    assert table["image"].tolist() == ["00.png"] and len(table.columns) == 7
    assert table.filter(like="prob").sum(axis=1)[0] == pytest.approx(1, abs=1e-5)


def test_whatever_a_file_holds_becomes_rgb(exports, tmp_path):
    folder = tmp_path / "kinds"
    folder.mkdir()
    grey = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16), dtype=np.uint8))
    turned = Image.Exif()
    turned[0x0112] = 3
    grey.save(folder / "grey.png")
    grey.convert("RGB").save(folder / "rgb.bmp")
    grey.convert("RGBA").save(folder / "rgba.png")
    grey.convert("P").save(folder / "palette.gif")
    grey.rotate(180).save(folder / "turned.png", exif=turned)
    grey.convert("CMYK").save(folder / "cmyk.JPG", quality=100)
    done = convstudy("predict", exports / "improved_net.keras", folder, tmp_path / "t.csv")
    assert done.exit_code == 0, done.output
    table = pd.read_csv(tmp_path / "t.csv", index_col="image")
    columns = table.filter(like="prob")
    assert len(table) == 6
    for name in table.index:
        close = 0.2 if name == "cmyk.JPG" else 1e-5
        assert table["class_1"][name] == table["class_1"]["rgb.bmp"]
        np.testing.assert_allclose(columns.loc[name], columns.loc["rgb.bmp"], atol=close)


def test_an_unreadable_image_is_named_and_leaves_no_table(exports, pictures, tmp_path):
    bad = pictures / "sub/99.png"
    bad.write_bytes((pictures / "00.png").read_bytes()[:-30])
    output = tmp_path / "t.csv"
    arguments = ("predict", exports / "base_net.keras", pictures, output)
    done = convstudy(*arguments)
    assert done.exit_code == 1 and str(bad) in done.stderr and "--skip-unreadable" in done.stderr
    assert sorted(p.name for p in tmp_path.iterdir()) == ["pictures"]
    done = convstudy(*arguments, "--skip-unreadable")
    assert done.exit_code == 0 and f"skipped: {bad}" in done.stderr
    assert "40 images, 1 skipped" in done.stdout and len(pd.read_csv(output)) == 40
    done = convstudy("predict", arguments[1], bad, tmp_path / "u.csv", "--skip-unreadable")
    assert done.exit_code == 1 and str(bad) in done.stderr and not (tmp_path / "u.csv").exists()


def test_a_name_that_is_no_text_does_not_stop_the_others(exports, pictures, tmp_path):
    shutil.copy(pictures / "00.png", os.fsencode(pictures) + b"/b\xe9.png")
    done = convstudy("predict", exports / "base_net.keras", pictures, tmp_path / "t.csv")
    assert done.exit_code == 0, done.output
    assert r"b\udce9.png" in pd.read_csv(tmp_path / "t.csv")["image"].tolist()


def test_what_is_there_is_replaced_only_when_forced(exports, pictures, tmp_path):
    output = tmp_path / "t.csv"
    output.write_text("mine")
    arguments = ("predict", exports / "base_net.keras", pictures, output)
    done = convstudy(*arguments)
    assert done.exit_code == 1 and "--force" in done.stderr and output.read_text() == "mine"
    assert convstudy(*arguments, "--force").exit_code == 0
    assert len(pd.read_csv(output)) == 40


@pytest.mark.parametrize(
    ("run", "output", "words"),
    [
        ("results/data", "new.keras", "is no folder of a run.*seed0"),
        ("results/runs/demo_objects/none/seed0", "new.keras", "is no folder of a run"),
        (run_of("base_net"), "new.h5", "ends in .keras"),
        (run_of("base_net"), "nowhere/new.keras", "no folder nowhere: create it"),
        (run_of("base_net"), "folder.keras", "is a folder"),
    ],
)
def test_what_cannot_be_exported_is_refused_in_a_sentence(project, run, output, words):
    Path("folder.keras").mkdir(exist_ok=True)
    done = convstudy("export", run, output)
    assert done.exit_code == 1 and re.search(words, done.stderr), done.stderr
    assert done.stderr.count("\n") == 1 and not Path(output).is_file()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "No such file"),
        (b"no archive", "not a zip file"),
        ("cut", "not a zip file"),
        ("flipped", "is damaged"),
        ("run", "does not say what its classes are.*seed<N>"),
        ("others", "its shapes are not"),
        ("code", "`Lambda` layer"),
    ],
)
def test_what_is_no_export_is_refused_in_a_sentence(exports, pictures, tmp_path, content, words):
    good, path = exports / "base_net.keras", tmp_path / "other.keras"
    whole = good.read_bytes()
    if content == "run":
        shutil.copy(Path(run_of("base_net")) / "model.keras", path)
    elif content == "others":
        keras_file.save_model(keras.saving.load_model(good), path)
        keras_zip.add_about(path, {"class_names": ["a", "b"], "image_size": [16, 16]})
    elif content == "code":
        pixels = keras.layers.Input((16, 16, 3))
        keras.Model(pixels, keras.layers.Lambda(lambda x: x[:, 0, 0])(pixels)).save(path)
        keras_zip.add_about(path, {"class_names": list("rgb"), "image_size": [16, 16]})
    elif content is not None:
        damaged = bytearray(whole)
        damaged[-len(whole) // 2] ^= 1
        path.write_bytes({"cut": whole[:-2000], "flipped": bytes(damaged)}.get(content, content))
    done = convstudy("predict", path, pictures / "00.png", tmp_path / "t.csv")
    assert done.exit_code == 1 and re.search(words, done.stderr), done.stderr
    assert done.stderr.count("\n") == 1 and "other.keras" in done.stderr
    assert not (tmp_path / "t.csv").exists()


def test_a_folder_without_images_is_refused(exports, tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    done = convstudy("predict", exports / "base_net.keras", tmp_path, tmp_path / "t.csv")
    assert done.exit_code == 1 and "holds no images" in done.stderr
    done = convstudy("predict", exports / "base_net.keras", tmp_path / "x", tmp_path / "t.csv")
    assert done.exit_code == 1 and "no such file or folder" in done.stderr


@pytest.fixture
def copy(project, tmp_path):
    """A copy of the study, elsewhere: its runs are found through their own path."""
    return Path(shutil.copytree(project / "results", tmp_path / "results"))


@pytest.mark.parametrize(
    ("variant", "name"),
    [
        ("improved_net", "preprocessing/demo_objects/normalize.h5"),
        ("features", "backbones/demo_objects/small.keras"),
        ("base_net", "runs/demo_objects/base_net/seed0/model.keras"),
        ("base_net", "data/demo_objects.h5"),
    ],
)
def test_inputs_that_changed_since_are_refused(copy, variant, name):
    run = copy.parent / run_of(variant)
    of_run(run)
    with open(copy / name, "ab") as file:
        file.write(b"more")
    with pytest.raises(
        UserError, match=f"results/{name}.*changed.*snakemake -c4 results/{name} results/runs"
    ):
        of_run(run)
    (copy / name).unlink()
    with pytest.raises(
        UserError, match=f"results/{name}.*snakemake -c4 results/{name} results/runs"
    ):
        of_run(run)


@pytest.mark.parametrize("name", ["model.keras", "metrics.json"])
def test_a_run_that_is_not_finished_is_refused(copy, name):
    run = copy.parent / run_of("base_net")
    record = copy / f".convstudy/records/{run_of('base_net')}/{name}.json"
    record.unlink()
    with pytest.raises(UserError, match="no record of its making"):
        of_run(run)
    (run / name).unlink()
    with pytest.raises(UserError, match=f"not finished.*{name}.*run `snakemake"):
        of_run(run)


def test_a_network_trained_again_must_be_evaluated_again(copy):
    run = copy.parent / run_of("base_net")
    record = copy / f".convstudy/records/{run_of('base_net')}/model.keras.json"
    record.write_text(re.sub('(model.keras": )".*"', r'\1"other"', record.read_text()))
    with pytest.raises(UserError, match="newer than its evaluation"):
        of_run(run)


def test_layers_that_do_not_do_what_the_generator_does_are_refused(project, monkeypatch):
    normalize = type(generators.make("normalize", {}))
    monkeypatch.setattr(normalize, "layers", lambda self, shape, statistics: [])
    with pytest.raises(UserError, match="generators/normalize.py does not do"):
        of_run(run_of("improved_net"))


def test_layers_of_one_s_own_are_not_exported(project, tmp_path):
    class Twice(keras.layers.Layer):
        def call(self, inputs):
            return inputs * 2

    good = of_run(run_of("base_net"))
    pixels = keras.layers.Input((16, 16, 3))
    model = keras.Model(pixels, good.model(Twice()(pixels)))
    with pytest.raises(UserError, match="Twice.*convstudy predict"):
        exported_network.save(
            exported_network.Deployed(model, good.about), tmp_path / "twice.keras"
        )
    assert not list(tmp_path.iterdir())
