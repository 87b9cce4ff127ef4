"""What good Python may stand in a model file, and what is refused in one sentence."""

import codecs
import os

import pytest

from convstudy.foundation import plugin_files
from convstudy.foundation.errors import UserError
from convstudy.provenance import code_digests
from convstudy.study import plugin_options


@pytest.fixture
def described(tmp_path, monkeypatch):
    """Write a model of the user's, and read its options and its code as the Snakefile does."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own/models").mkdir(parents=True)
    plugin_files.use("own")

    def describe(content: str | bytes):
        content = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
        (tmp_path / "own/models/mine.py").write_bytes(content)
        plugin_options.describe.cache_clear()
        monkeypatch.setattr(code_digests, "_looked", -1)
        found = plugin_options.describe("models", "mine")
        assert code_digests.of("train_model.py", "models/mine").units
        return found

    yield describe
    plugin_files.use(None)
    plugin_options.describe.cache_clear()


def build(parameters: str, before: str = "", after: str = "") -> str:
    return f'{before}INPUT = "images"\ndef build({parameters}):\n    return 1\n{after}'


NAMED = "from typing import Annotated, Literal\nLEAST, A = 4, 5\nMORE = 20\nB = 'x'\n"
INTEGER = {"type": "integer"}
GOOD = {
    "a name": ("s, c, *, w: int = W", "W = 16\n", INTEGER | {"default": 16}),
    "arithmetic": ("s, c, *, w: int = -2 * W // 3", "W: int = 2 ** 3\n", INTEGER | {"default": -6}),
    "joined": ("s, c, *, w=W + (3,)", "W = (1, 2)\n", {"default": [1, 2, 3]}),
    "a list": ("s, c, *, w=W", "W = [1, [2]]\n", {"default": [1, [2]]}),
    "before the star": ("s, c, w: int = 3", "", INTEGER | {"default": 3}),
    "behind a slash": ("s, c, /, w: int", "", INTEGER),
    "any by position": ("*given, w: int = 3", "", INTEGER | {"default": 3}),
    "more by name": ("s, c, *, w: int = 3, **more", "", INTEGER | {"default": 3}),
    "a dict": ("s, c, *, w: dict = {}", "", {"default": {}}),
    "a range": (
        's, c, *, w: Annotated[int, {"minimum": MORE}, "of units"] = 20',
        NAMED,
        INTEGER | {"minimum": 20, "default": 20},
    ),
    "a range by name": (
        "s, c, *, w: typing.Annotated[int, RANGE] = 2",
        'import typing\nRANGE = {"minimum": 1}\n',
        INTEGER | {"minimum": 1, "default": 2},
    ),
    "another's range": (
        "s, c, *, w: Annotated[int, Gt(3)] = 2",
        "from other import Gt\n",
        INTEGER | {"default": 2},
    ),
    "values": ('s, c, *, w: Literal[B, "y"] = B', NAMED, {"enum": ["x", "y"], "default": "x"}),
    "or none": (
        "s, c, *, w: Optional[int] = None",
        "",
        {"anyOf": [INTEGER, {"type": "null"}], "default": None},
    ),
}


@pytest.mark.parametrize("case", GOOD)
def test_options_that_the_text_tells(described, case):
    parameters, before, expected = GOOD[case]
    assert described(build(parameters, before)).schema["properties"] == {"w": expected}


FILES = {
    "a coding line": "# coding: latin-1\n" + build("s, c", "NAME = 'Größe'\n"),
    "windows": build("s, c").replace("\n", "\r\n"),
    "an annotated constant": build("s, c").replace("INPUT", "INPUT: str"),
    "a joined constant": build("s, c").replace('"images"', '"im" + "ages"'),
    "decorated": build("s, c").replace("def", "@some.thing(1)[2]\ndef"),
    "defined again": build("s, c", after=build("s, c, *, w")[17:]),
    "characters of no text": build("s, c", after="TEXT = '\\ud800' + f'{TEXT}\\ud800'\n"),
    "a strange escape": build("s, c", after="TEXT = '\\d'\n"),
    "an import from above all": build("s, c", after="from ..... import x\n"),
    "an import of itself": build("s, c", after="from . import mine, nothing\n"),
}


@pytest.mark.parametrize("case", FILES)
def test_files_that_python_reads(described, case):
    described(FILES[case].encode("latin-1"))


def test_a_byte_order_mark_is_read(described):
    described(codecs.BOM_UTF8 + build("s, c").encode())
    (plugin_files.own_folder() / "models/mine.py").write_bytes(codecs.BOM_UTF8 + b"def build(): 1")
    assert "mine" in plugin_files.names("models")


def default(text: str, before: str = "", after: str = "") -> str:
    return build(f"s, c, *, w={text}", before, after)


UNTOLD = "which cannot be told without running the file; expected numbers, texts"
REFUSED = {
    "a call": (default("float('inf')"), rf"line 2: the default of option 'w' is `float.*{UNTOLD}"),
    "of a library": (default("math.pi"), UNTOLD),
    "a huge number": (default("9 ** 9 ** 9"), UNTOLD),
    "no number": (default("1 / 0"), UNTOLD),
    "a text that is computed": (default("f'{1}'"), UNTOLD),
    "set twice": (default("W", "W = 1\nW = 2\n"), UNTOLD),
    "set in a function": (default("W", "W = 1\n", "def f():\n    global W\n    W = 2\n"), UNTOLD),
    "changed": (default("W", "W = [1]\nW.append(2)\n"), UNTOLD),
    "infinite": (default("1e999"), "no config could say a number that is not finite"),
    "bytes": (default("b'x'"), "no config could say a value of the type bytes"),
    "a set": (default("{1}"), "a value of the type set"),
    "complex": (default("1j"), "a value of the type complex"),
    "dots": (default("..."), "a value of the type ellipsis"),
    "numbers as names": (default("{1: 2}"), "names that are no texts"),
    "of another kind": (
        build("s, c, *, w: int = None"),
        "is None, which its annotation `int` does not admit: correct one of them, or write `... |",
    ),
    "a mistyped range": (
        build('s, c, *, w: Annotated[int, {"minium": 1}] = 1'),
        "'minium' is no keyword of JSON Schema. Did you mean 'minimum'?",
    ),
    "a wrong range": (build('s, c, *, w: Annotated[int, {"minimum": "x"}] = 1'), "'minimum'"),
    "a wrong pattern": (build('s, c, *, w: Annotated[str, {"pattern": "("}] = ""'), "'pattern'"),
    "an unknown range": (build('s, c, *, w: Annotated[int, {"minimum": f()}] = 1'), UNTOLD),
    "an unknown value": (build("s, c, *, w: Literal[K.A] = 1"), UNTOLD),
    "too few": (build("s"), "takes 1 arguments by position, expected 2: write `def build"),
    "none by position": (build("*, s, c"), "takes 0 arguments by position"),
    "behind none": (build("s, c, w=1, /"), "option 'w' stands before the `/`"),
    "kind": (build("s, c, *, kind=1"), "an option cannot be called 'kind'"),
    "a backbone for nothing": (build("s, c, *, backbone"), "is given only where INPUT is"),
    "no backbone": (build("s, c").replace("images", "backbone"), "takes no 'backbone', expected"),
    "another input": (build("s, c").replace("images", "pictures"), "INPUT is 'pictures', expected"),
    "no input": (build("s, c")[17:], "has no constant INPUT, expected of models: write `INPUT = `"),
    "an unknown input": (
        build("s, c").replace('"images"', "f()"),
        "what INPUT is cannot be told without running the file, expected 'images'",
    ),
    "input of an if": (build("s, c", after="if f():\n    INPUT = 'features'\n"), "what INPUT is"),
    "input of a star": (build("s, c", after="from x import *\n"), "below any `from ... import"),
    "a text as size": (build("s, c", "SMALLEST = '8'\n"), "SMALLEST is '8', expected a whole"),
    "no function": (build("s, c").replace("build", "built"), "has no function 'build', expected"),
    "empty": ("", "mine.py: has no function 'build', expected of models"),
    "tabs": (build("s, c", after="if 1:\n\tx\n        y\n"), "line 6 is not Python .inconsistent"),
    "no name": (build("s, c, *"), "line 2 is not Python .named arguments must follow"),
    "a return outside": (build("s, c", after="return\n"), "line 4 is not Python .'return' outside"),
    "a name twice": (build("s, c, c"), "line 2 is not Python .duplicate argument"),
    "nested": (build("s, c", after=f"x = {'-' * 100_000}1\n"), "is nested too deeply for Python"),
    "encoding": (build("s, c", "N = 'ö'\n").encode("latin-1"), "line 1 is not .*save it as UTF-8"),
    "two encodings": (
        "\ufeff# coding: latin-1\n",
        "save it as UTF-8, or name its encoding in line 1",
    ),
    "no such encoding": ("# coding: latin-one\n", "unknown encoding: latin-one; save it as UTF-8"),
    "two bytes": (build("s, c").encode("utf-16"), "null bytes; save it as UTF-8"),
}
FORMS = {
    "if": "if 1:\n    def build(s, c):\n        return 1\n",
    "try": "try:\n    from x import build\nexcept ImportError:\n    pass\n",
    "import": "from ._helper import build\n",
    "lambda": "build = lambda s, c: 1\n",
    "class": "class build:\n    pass\n",
    "async": "async def build(s, c):\n    pass\n",
    "wrapped": build("s, c") + "build = wrapped(build)\n",
    "deleted": build("s, c") + "del build\n",
}
ONE = "'build' comes from `.*`, expected a plain `def build.input_shape, classes.` at the top level"
REFUSED |= {name: (f'INPUT = "images"\n{text}', ONE) for name, text in FORMS.items()}


@pytest.mark.parametrize("case", REFUSED)
def test_what_the_text_does_not_tell_is_refused_by_file(described, case):
    content, words = REFUSED[case]
    with pytest.raises(UserError, match=words) as refusal:
        described(content)
    assert str(refusal.value).startswith("own/models/mine.py: ")
    assert "\n" not in str(refusal.value)


def test_a_file_or_folder_that_may_not_be_read_is_named(described):
    described(build("s, c"))
    if os.geteuid():
        pytest.skip("needs root, to be another user")
    folder = plugin_files.own_folder() / "models"
    os.chmod(folder / "mine.py", 0)
    for above in (folder, *folder.parents):
        if above.stat().st_mode & 0o777 == 0o700:  # pytest's own are root's alone
            os.chmod(above, 0o755)
    os.seteuid(65534)
    try:
        plugin_options.describe.cache_clear()
        with pytest.raises(UserError, match="own/models/mine.py: cannot be read .Permission denie"):
            plugin_options.describe("models", "mine")
        os.seteuid(0)
        os.chmod(folder, 0)
        os.seteuid(65534)
        with pytest.raises(UserError, match="own/models: this folder .* may not be read"):
            plugin_files.use("own")
    finally:
        os.seteuid(0)


def test_what_is_not_used_hinders_nothing(described):
    folder = plugin_files.own_folder()
    (folder / "loop").symlink_to("loop")
    (folder / "gone.py").symlink_to("nowhere")
    (folder / "models/gone.py").symlink_to("nowhere")
    (folder / "models/folder.py").mkdir()
    plugin_files.use("own")
    described(build("s, c"))
    assert {"gone", "folder"}.isdisjoint(plugin_files.names("models"))
    (folder / "models/broken.py").write_text("def build(:\n")
    assert "broken" in plugin_files.names("models")
    assert "broken" not in dict(plugin_options.readable("models"))  # of which hints are made
