"""The digest of code: what it sees, and what it leaves alone."""

import sys
import time
from importlib import metadata

import pytest
from small_package import FILES, is_seen_in_far

from convstudy.foundation.errors import UserError
from convstudy.provenance import code_digests, versions


@pytest.mark.parametrize(
    "text",
    [
        "# why\nLIMIT = 1  # one\n\n\ndef g():\n    # here\n    return LIMIT\n",
        '"""A module."""\n\nLIMIT = 1\n\n\ndef g():\n    """Give the limit."""\n    return LIMIT\n',
        "LIMIT=(1)\ndef g( ):\n        return (\n            LIMIT)\n",
    ],
    ids=["comments", "docstrings", "formatting"],
)
def test_what_changes_no_result_is_not_in_it(digest, text):
    before = digest()
    assert digest({"convstudy/far.py": text}) == before


LOGS = """
import logging

log = logging.getLogger(__name__)
LIMIT = 1


def g():
    log.info("%d " + f"of {LIMIT:,}", LIMIT)
    log.warning("done")
    return LIMIT
"""


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"done"', '"over"'),
        ('"%d "', '"%05d pictures "'),
        ('f"of {LIMIT:,}"', 'f"of {LIMIT:,} in all"'),
    ],
)
def test_the_words_of_log_messages_change_no_result(digest, old, new):
    before = digest({"convstudy/far.py": LOGS})
    assert digest({"convstudy/far.py": LOGS.replace(old, new)}) == before
    for other in ("def log(", "log = [].append\n\n\ndef h(", "import log\n\n\ndef h("):
        # `log` may be something else, so its words may count
        text = LOGS + f"\n\n{other}x):\n    pass\n"
        assert digest({"convstudy/far.py": text}) != digest(
            {"convstudy/far.py": text.replace(old, new)}
        )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (", LIMIT)", ", -LIMIT)"),
        ("{LIMIT:,}", "{LIMIT:05}"),
        ("{LIMIT:,}", "{[LIMIT]}"),
        ('log.warning("done")', 'log.log(30, "done")'),
        ('log.warning("done")', ""),
    ],
)
def test_what_a_log_message_evaluates_is_code(digest, old, new):
    before = digest({"convstudy/far.py": LOGS})
    assert digest({"convstudy/far.py": LOGS.replace(old, new)}) != before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("job.py", FILES["job.py"].replace("print(f())", "print(f() + 1)")),
        ("convstudy/near.py", FILES["convstudy/near.py"].replace("far.g()", "far.g() + 1")),
        ("convstudy/far.py", FILES["convstudy/far.py"].replace("return LIMIT", "return -LIMIT")),
        ("convstudy/far.py", FILES["convstudy/far.py"].replace("LIMIT = 1", "LIMIT = 2")),
        ("convstudy/__init__.py", "import os\n\nos.umask(0)\n"),
        ("convstudy/far.py", FILES["convstudy/far.py"] + "\nprint(LIMIT)\n"),
        ("convstudy/far.py", FILES["convstudy/far.py"] + "\n\n@register\ndef new():\n    pass\n"),
    ],
    ids=["script", "imported", "two away", "constant two away", "package", "import", "registry"],
)
def test_changed_code_is_seen(digest, name, text):
    before = digest()
    assert digest({name: text}) != before


@pytest.mark.parametrize(
    "near",
    [
        "def f():\n    from convstudy import far\n    return far.g()\n",
        "def f():\n    from convstudy.far import g\n    return g()\n",
        "def f():\n    import convstudy.far\n    return convstudy.far.g()\n",
        "def f():\n    from .far import g\n    return g()\n",
        "from convstudy import far as other\n\n\ndef f():\n    return other.g()\n",
        "from convstudy import far\n\n\ndef f():\n    return getattr(far, 'g')()\n",
        "from convstudy import far\n\n\nclass F:\n    def f(self):\n        return far.g()\n\n\n"
        "def f():\n    return F().f()\n",
    ],
)
def test_imports_inside_functions_and_of_every_form_are_followed(digest, near):
    assert is_seen_in_far(digest, {"convstudy/near.py": near})


@pytest.mark.parametrize(
    "addition",
    ["def unused():\n    return 1\n", "UNUSED = 1\n", "class Unused:\n    pass\n"],
)
def test_a_sibling_that_nobody_uses_is_not_in_it(digest, addition):
    before = digest()
    for name in ("convstudy/near.py", "convstudy/far.py"):
        assert digest({name: FILES[name] + "\n\n" + addition}) == before


def test_a_name_that_another_module_hands_on_is_followed(digest):
    files = {
        "convstudy/near.py": "from convstudy import middle\n\n\ndef f():\n    return middle.g()\n",
        "convstudy/middle.py": "from convstudy.far import g\n\nX = g\n",
    }
    assert is_seen_in_far(digest, files)


@pytest.mark.parametrize(
    "near",
    [
        "from convstudy.far import *\n\n\ndef f():\n    return g()\n",
        "from .far import *\n\n\ndef f():\n    return g()\n",
        "from convstudy.middle import *\n\n\ndef f():\n    return g()\n",
        "from convstudy.middle import g\n\n\ndef f():\n    return g()\n",
        "try:\n    from convstudy.far import g\nexcept ImportError:\n    g = None\n\n\n"
        "def f():\n    return g()\n",
    ],
    ids=["star", "relative", "two away", "handed on", "in a try"],
)
def test_star_imports_and_imports_in_a_try_are_followed(digest, near):
    middle = {"convstudy/middle.py": "from convstudy.far import *\n"}
    assert is_seen_in_far(digest, middle | {"convstudy/near.py": near})


@pytest.mark.parametrize(
    ("near", "middle"),
    [
        ("from convstudy.middle import *\n\nX = g\n", "from .far import g\n"),
        ("from convstudy import middle\n\nX = getattr(middle, 'g')\n", "from .far import g\n"),
        ("from convstudy import middle\n\nX = middle.far.g\n", "from convstudy import far\n"),
        (
            "from convstudy.middle import g\n\nX = g\n",
            "try:\n    from .far import g\nexcept ImportError:\n    from .sibling import h as g\n",
        ),
    ],
    ids=["star", "module handed on", "module in a module", "either side of a try"],
)
def test_what_a_module_only_hands_on_is_followed(digest, near, middle):
    near += "\n\ndef f():\n    return X()\n"
    assert is_seen_in_far(digest, {"convstudy/near.py": near, "convstudy/middle.py": middle})


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("from keras.layers import ReLU as R", "from keras.layers import LeakyReLU as R"),
        ("from math import sin as R", "from math import cos as R"),
        ("from convstudy.far import g as R", "from convstudy.sibling import h as R"),
        ("import numpy as R", "import pandas as R"),
    ],
)
def test_another_import_under_the_same_name_is_seen(digest, before, after):
    near = "\n\n\ndef f():\n    return R\n"
    assert digest({"convstudy/near.py": before + near}) != digest(
        {"convstudy/near.py": after + near}
    )


def test_an_import_that_is_not_used_or_stands_elsewhere_is_not_in_it(digest):
    near = "import os, math\n\n\ndef f():\n    return os, math\n"
    before = digest({"convstudy/near.py": near})
    near = near.replace("import os, math", "import json\nimport math\nimport os")
    assert digest({"convstudy/near.py": near}) == before


@pytest.mark.parametrize(
    "line",
    [
        "os.environ['A'] = 1",
        "os.path.sep = 1",
        "far.LIMIT = 1",
        "TABLE['g'] = 1",
        "_ = setattr(far, 'LIMIT', 1)",
        "if TABLE:\n    X = 1",
    ],
)
def test_what_a_module_does_on_import_is_seen(digest, line):
    near = "import os\nfrom convstudy import far\n\nTABLE = {}\n" + FILES["convstudy/near.py"]
    before = digest({"convstudy/near.py": f"{near}{line}\n"})
    assert digest({"convstudy/near.py": f"{near}{line.replace('1', '2')}\n"}) != before


@pytest.mark.parametrize("indent", ["", "    "])
def test_a_module_imported_for_what_it_does_is_followed(digest, indent):
    near = FILES["convstudy/near.py"].replace("    return", "    import convstudy.plug\n    return")
    if not indent:
        near = "import convstudy.plug\n" + FILES["convstudy/near.py"]
    before = digest({"convstudy/near.py": near, "convstudy/plug.py": "print(1)\n"})
    assert digest({"convstudy/near.py": near, "convstudy/plug.py": "print(2)\n"}) != before


def test_every_process_finds_the_same_digest_however_often_it_asks(digest):
    far = '"""Doc."""\n\n\ndef g():\n    """Doc."""\n    ...\n'
    digest({"convstudy/far.py": far})
    one, two = (code_digests.of("job.py", *more).units for more in ((), ("far",)))
    assert one["convstudy.far:g"] == two["convstudy.far:g"]


def test_libraries_of_a_module_that_only_hands_on_are_known(digest):
    near = "from convstudy.middle import np\n\n\ndef f():\n    return np.sum\n"
    digest({"convstudy/near.py": near, "convstudy/middle.py": "import numpy as np\n"})
    assert code_digests.of("job.py").libraries == ["numpy"]


def test_a_file_that_is_not_python_is_named_and_an_editors_lock_is_not_read(digest, tmp_path):
    digest()
    (tmp_path / "convstudy/.#far.py").symlink_to("nowhere")
    digest()
    with pytest.raises(UserError, match="far.py: line 1 is not Python"):
        digest({"convstudy/far.py": "def g(:\n"})


def test_modules_that_import_each_other_with_a_star_end(digest):
    files = {
        "convstudy/near.py": "from convstudy.far import *\n\n\ndef f():\n    return g()\n",
        "convstudy/far.py": "from convstudy.near import *\n\n\ndef g():\n    return 1\n",
    }
    before = digest(files)
    changed = files["convstudy/far.py"].replace("return 1", "return 2")
    assert digest(files | {"convstudy/far.py": changed}) != before


@pytest.mark.parametrize(
    ("near", "file"),
    [
        ("import layers\n\n\ndef f():\n    return layers.block()\n", "layers.py"),
        ("from layers import block\n\n\ndef f():\n    return block()\n", "layers.py"),
        ("from own.layers import block\n\n\ndef f():\n    return block()\n", "own/layers.py"),
        ("import own.layers\n\n\ndef f():\n    return own.layers.block()\n", "own/layers.py"),
    ],
)
def test_a_module_beside_the_package_is_followed_and_is_no_library(digest, near, file):
    files = {"convstudy/near.py": near, file: "def block():\n    return 1\n"}
    before = digest(files)
    code = code_digests.of("job.py")
    assert code.libraries == []
    assert f"{file}: function block" in map(code_digests.described, code.units)
    assert digest(files | {file: "def block():\n    # why\n    return 1\n"}) == before
    assert digest(files | {file: files[file] + "\n\ndef other():\n    return 2\n"}) == before
    assert digest(files | {file: "def block():\n    return 2\n"}) != before


def test_an_edit_is_seen_by_a_process_that_has_read_the_files_before(digest, tmp_path):
    before = digest()
    path = tmp_path / "convstudy/far.py"
    path.write_text(path.read_text().replace("LIMIT = 1", "LIMIT = 11"))
    time.sleep(code_digests.LOOK_EVERY)
    assert code_digests.of("job.py").digest != before


def test_the_real_steps_use_no_more_than_they_need():
    units = code_digests.of("train_model.py", "models/base_net").units
    assert "convstudy.training.loop:train" in units
    assert "convstudy.data.hdf5:read_subset" in units
    modules = {name.split(":")[0] for name in units}
    assert not modules & {
        "convstudy.training.evaluation",
        "convstudy.statistics.metrics",
        "convstudy.report.summary",
    }
    assert not modules & {
        "convstudy.provenance.steps",
        "convstudy.provenance.cache",
        "convstudy.foundation.folder_digests",
    }
    assert "convstudy.data.hdf5:write_predictions" not in units


def test_a_module_that_is_not_imported_is_not_in_it(digest):
    before = digest()
    change = {"convstudy/sibling.py": "def h():\n    return 3\n"}
    assert digest(change) == before
    other = digest(script="other_job.py")
    assert digest(change, "other_job.py") != other


def test_a_model_is_named_and_its_siblings_are_ignored(digest):
    one = {"plugins": ["models/one"]}
    before = digest(**one)
    assert before != digest()
    assert digest({"convstudy/models/two.py": "def build():\n    return 3\n"}, **one) == before
    assert digest({"convstudy/models/new.py": "Y = 1\n"}, **one) == before
    assert digest({"convstudy/models/_shared.py": "S = 2\n"}, **one) != before


def test_modules_that_import_each_other_end(digest):
    circle = {"convstudy/far.py": "from convstudy import near\n\n\ndef g():\n    return near\n"}
    assert digest(circle) != digest()


def test_a_module_that_nothing_installed_has_no_version():
    assert versions._version("helpers_of_the_user") == ("helpers_of_the_user", "unknown")
    assert versions._version("yaml")[0] == "pyyaml"
    for module, names in metadata.packages_distributions().items():
        assert not module.isidentifier() or versions._installer(module) == names[0]


def test_python_and_the_switches_of_tensorflow_are_versions(monkeypatch):
    monkeypatch.delenv("TF_ENABLE_ONEDNN_OPTS", raising=False)
    libraries = code_digests.of("train_model.py").libraries
    before = versions.versions(libraries)
    assert before["python"] == f"{sys.version_info.major}.{sys.version_info.minor}"
    assert {"keras", "numpy", "tensorflow"} <= set(before)
    monkeypatch.setenv("TF_ENABLE_ONEDNN_OPTS", "0")
    assert versions.versions(libraries) == before | {"TF_ENABLE_ONEDNN_OPTS": "0"}
