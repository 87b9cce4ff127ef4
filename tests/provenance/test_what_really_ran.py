"""What a step executes and reads is what its record says, whatever happens around it."""

import json
import os
import py_compile
import re
import subprocess
import sys
from pathlib import Path

import h5py
import pytest
from jobs import copy, job_of

from convstudy.foundation import own_imports, plugin_files
from convstudy.provenance import code_digests, records, steps

SCRIPTS = Path(steps.__file__).parents[2]


@pytest.fixture(autouse=True)
def project(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("own/models").mkdir(parents=True)
    Path("results").mkdir()
    Path("given").mkdir()
    Path("given/a.txt").write_text("one")
    yield tmp_path
    for name in [x for x in sys.modules if "_of_this_test" in x]:
        del sys.modules[name]
    plugin_files.use(None)


def write(name: str, text: str) -> Path:
    path = Path("own", name)
    path.write_text(text)
    code_digests._looked = -1
    return path


def run(name: str, before=lambda: None) -> str:
    """Build a model in a step, whose output is what the model is; what the step logs."""
    plugin_files.use("own")
    code = records.code_param(code_digests.of("plot_samples.py", f"models/{name}"))
    job = job_of(source="given", code=code)
    job.config["plugins"] = "own"

    def work(job, step):
        before()
        built = plugin_files.load("models", name).build()
        Path(job.output.text).write_text(str(built))

    try:
        steps.run(job, work)
    except SystemExit:
        pass  # Snakemake removes what a failed job left
    return Path("log.txt").read_text()


def result() -> str:
    return Path("results/out.txt").read_text()


def test_an_edit_after_the_record_does_not_run():
    path = write("models/early_of_this_test.py", "def build():\n    return 1\n")
    run("early_of_this_test", before=lambda: path.write_text("def build():\n    return 2\n"))
    assert result() == "1"


def test_code_that_was_imported_before_the_record_is_held_against_it(tmp_path):
    path = str(tmp_path / "module.py")
    own_imports._executed[path] = "0" * 64
    with pytest.raises(Exception, match="was edited while this step was starting"):
        with own_imports.pinned({path: b""}):
            pass
    del own_imports._executed[path]


def test_a_model_that_is_loaded_by_a_name_made_at_run_time_is_refused():
    write("models/inner_of_this_test.py", "def build():\n    return 1\n")
    write(
        "models/outer_of_this_test.py",
        "from convstudy.foundation import plugin_files\n\n\ndef build():\n"
        "    return plugin_files.load('models', 'inner_of_this_test').build()\n",
    )
    said = run("outer_of_this_test")
    assert "inner_of_this_test.py: is imported by this step, but its code is not in" in said


READERS = {
    "file": (
        "from pathlib import Path\nWIDTH = Path(__file__).with_name('width.json').read_text()\n\n\n"
        "def build():\n    return WIDTH\n",
        "file_of_this_test.py reads own/models/width.json, which is no input of this step",
    ),
    "caught": (
        "def build():\n    try:\n        return open('own/models/width.json').read()\n"
        "    except Exception:\n        return 7\n",
        "caught_of_this_test.py reads own/models/width.json",
    ),
    "home": (
        "import os\n\n\ndef build():\n    return open(os.path.expanduser('~/width.json')).read()\n",
        "home_of_this_test.py reads .*width.json, which is no input",
    ),
    "hidden": (
        "def build():\n    return open('given/.width').read()\n",
        "hidden_of_this_test.py reads given/.width, which is hidden or",
    ),
    "variable": (
        "import os\n\n\ndef build():\n    return os.getenv('WIDTH', 3)\n",
        "variable_of_this_test.py reads the variable WIDTH of the environment",
    ),
    "variables": (
        "import os\n\n\ndef build():\n    return os.environ['WIDTH']\n",
        "variables_of_this_test.py reads the variable WIDTH of the environment",
    ),
    "expanded": (
        "import os\n\n\ndef build():\n    return os.path.expandvars('$WIDTH')\n",
        "expanded_of_this_test.py reads the variable WIDTH of the environment",
    ),
    "mapped": (
        "import numpy as np\n\n\ndef build():\n    return np.memmap('own/models/width.json')[0]\n",
        "mapped_of_this_test.py reads own/models/width.json",
    ),
    "hdf5": (
        "import h5py\n\n\ndef build():\n    return h5py.File('own/models/width.h5')['a'][()]\n",
        "hdf5_of_this_test.py reads own/models/width.h5",
    ),
    "listed": (
        "from pathlib import Path\n\n\ndef build():\n"
        "    return len(list(Path('own/models').glob('*.json')))\n",
        "listed_of_this_test.py reads own/models, which is no input of this step",
    ),
    "database": (
        "import sqlite3\n\n\ndef build():\n    return sqlite3.connect('own/models/width.db')\n",
        "database_of_this_test.py reads own/models/width.db",
    ),
    "program": (
        "import subprocess\n\n\ndef build():\n"
        "    return subprocess.check_output(['cat', 'own/models/width.json'])\n",
        r"program_of_this_test.py starts a program \(cat own/models/width.json\): what that reads",
    ),
    "shell": (
        "import os\n\n\ndef build():\n    return os.popen('echo $WIDTH').read()\n",
        r"shell_of_this_test.py starts a program \(/bin/sh -c echo \$WIDTH\)",
    ),
    "network": (
        "import urllib.request\n\n\ndef build():\n"
        "    return urllib.request.urlopen('http://127.0.0.1:9/width').read()\n",
        "network_of_this_test.py asks 127.0.0.1 over the network",
    ),
    "helped": (
        "from reads_of_this_test import WIDTH\n\n\ndef build():\n    return WIDTH\n",
        "own/reads_of_this_test.py reads own/models/width.json",
    ),
    "told": (
        "from asks_of_this_test import width\n\n\ndef build():\n    return width()\n",
        "own/asks_of_this_test.py reads the variable WIDTH of the environment",
    ),
}
HELPERS = {
    "reads": "from pathlib import Path\n\nWIDTH = Path('own/models/width.json').read_text()\n",
    "asks": "import os\n\n\ndef width():\n    return os.environ.get('WIDTH', 3)\n",
}


@pytest.mark.parametrize("name", READERS)
def test_what_is_read_beside_the_inputs_is_refused(name, monkeypatch):
    monkeypatch.setenv("HOME", "/var")
    monkeypatch.setenv("WIDTH", "5")
    text, expected = READERS[name]
    for helper, code in HELPERS.items():
        write(f"{helper}_of_this_test.py", code)
    write(f"models/{name}_of_this_test.py", text)
    with h5py.File("own/models/width.h5", "w") as file:
        file["a"] = 5
    Path("own/models/width.json").write_text("5")
    Path("given/.width").write_text("5")
    said = run(f"{name}_of_this_test")
    assert re.search(expected, said), said


def install(module: Path) -> None:
    """Leave beside a module what an installation leaves there: its version, and which files."""
    about = module.with_name(f"{module.stem}-1.0.dist-info")
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module.stem}\nVersion: 1.0\n")
    (about / "RECORD").write_text(f"{module.name},,\n")


@pytest.mark.parametrize("way", ["import loose", "__import__('loose')", "from loose.part import A"])
def test_a_module_that_nothing_installed_is_refused(project, way, monkeypatch):
    monkeypatch.syspath_prepend(str(project / "elsewhere"))
    (project / "elsewhere/loose").mkdir(parents=True)
    (project / "elsewhere/loose/__init__.py").write_text("")
    (project / "elsewhere/loose/part.py").write_text("A = 1\n")
    write("models/uses_loose_of_this_test.py", f"{way}\n\n\ndef build():\n    return 'one'\n")
    said = run("uses_loose_of_this_test")
    assert "loose/__init__.py: is imported by this step" in said
    assert "nor was installed with a version" in said and "Put it in the folder" in said
    assert not Path("results/out.txt").exists()


def test_inputs_libraries_and_the_system_are_read(project):
    install(project / "library.py")
    (project / "library.py").write_text("SETTINGS = open('settings.txt').close()\n")
    (project / "settings.txt").write_text("what a library reads while it is imported")
    sys.path.append(str(project))
    write(
        "models/good_of_this_test.py",
        "import importlib.metadata\nimport os\nimport tempfile\nimport library\nimport wave\n"
        "\n\ndef build():\n    open('/etc/passwd').close()\n"
        "    open(wave.__file__).close()\n    assert os.listdir('given') == ['a.txt']\n"
        "    with tempfile.TemporaryFile('w+', dir='.') as new:\n        assert not new.read()\n"
        "    assert importlib.metadata.version('numpy')\n    with open('given/a.txt') as file:\n"
        "        return file.read()\n",
    )
    run("good_of_this_test")
    sys.path.remove(str(project))
    assert result() == "one", Path("log.txt").read_text()


def python(folder: Path, program: str, path: str = "") -> str:
    """What a fresh process prints that imports the package first."""
    lines = f"import sys; sys.path.append({str(SCRIPTS)!r}); import convstudy\n{program}"
    command = [sys.executable, "-c", lines]
    environment = os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": ""}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


USE = "from convstudy.foundation import plugin_files; plugin_files.use('own')\n"


def test_compiled_code_of_another_source_does_not_run(project):
    source = write("helper_of_this_test.py", "WIDTH = 1\n")
    py_compile.compile(str(source))
    status = source.stat()
    source.write_text("WIDTH = 2\n")
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns))
    program = USE + "import helper_of_this_test; print(helper_of_this_test.WIDTH)"
    assert python(project, program) == "2"


def test_a_module_of_the_same_name_elsewhere_does_not_run(project):
    write("helper_of_this_test.py", "WIDTH = 1\n")
    Path("elsewhere").mkdir()
    Path("elsewhere/helper_of_this_test.py").write_text("WIDTH = 2\n")
    # put on the path after the names were checked, as by a library's start-up file
    program = USE + (
        f"sys.path.insert(0, {str(project / 'elsewhere')!r})\n"
        "import helper_of_this_test; print(helper_of_this_test.WIDTH)"
    )
    assert python(project, program) == "1"


@pytest.mark.parametrize(
    "name", ["KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH", "DNNL_MAX_CPU_ISA", "TF_NEW_SWITCH"]
)
def test_switches_of_the_libraries_are_in_the_key(name, monkeypatch):
    Path("in.txt").write_text("one")
    before = records.key(records.before(job_of())[0])
    monkeypatch.setenv(name, "1")
    record, _ = records.before(job_of())
    assert record["versions"][name] == "1" and records.key(record) != before


def test_inputs_must_be_of_todays_code_and_of_the_inputs_that_are_there(monkeypatch):
    Path("in.txt").write_text("one")
    steps.run(job_of("results/first.txt"), copy)
    steps.run(job_of("results/second.txt", source="results/first.txt"), copy)
    good = records.path_of("results/first.txt").read_text()

    def said(**changes):
        made = json.loads(good) | changes
        records.path_of("results/first.txt").write_text(json.dumps(made))
        with pytest.raises(SystemExit):
            steps.run(job_of("results/third.txt", source="results/first.txt"), copy)
        return Path("log.txt").read_text()

    assert "made by code that has been edited since" in said(code_digest="0" * 64)
    other = [{"path": "results/second.txt", "sha256": "1" * 64}]
    assert "was made from another results/second.txt" in said(inputs=other)
    records.path_of("results/first.txt").unlink()
    with pytest.raises(SystemExit):
        steps.run(job_of("results/third.txt", source="results/first.txt"), copy)
    assert "results/first.txt has no record" in Path("log.txt").read_text()
