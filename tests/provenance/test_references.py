"""What stands for a reference: never the place of a definition, always which one it is."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from small_package import FILES, is_seen_in_far

MOVES = {
    "moved": {
        "convstudy/far.py": None,
        "convstudy/rooms/__init__.py": "",
        "convstudy/rooms/far.py": FILES["convstudy/far.py"],
        "convstudy/near.py": FILES["convstudy/near.py"].replace(
            "from convstudy import", "from convstudy.rooms import"
        ),
    },
    "renamed": {
        "convstudy/far.py": None,
        "convstudy/distant.py": FILES["convstudy/far.py"],
        "convstudy/near.py": FILES["convstudy/near.py"].replace("far", "distant"),
    },
    "split": {
        "convstudy/far.py": "from convstudy.limits import LIMIT\n\n\ndef g():\n    return LIMIT\n",
        "convstudy/limits.py": "LIMIT = 1\n",
    },
    "imported by name": {
        "convstudy/near.py": "from convstudy.far import g\n\n\ndef f():\n    return g()\n"
    },
    "imported under another name": {
        "convstudy/near.py": "from convstudy.far import g as h\n\n\ndef f():\n    return h()\n"
    },
    "handed on": {
        "convstudy/near.py": "from convstudy import middle\n\n\ndef f():\n    return middle.g()\n",
        "convstudy/middle.py": "from convstudy.far import g\n",
    },
}


@pytest.mark.parametrize("move", MOVES)
def test_where_a_definition_stands_is_not_in_it(digest, move):
    before = digest()
    assert digest(MOVES[move]) == before
    files = FILES | MOVES[move]
    (file,) = [name for name, text in files.items() if text and "LIMIT = 1" in text]
    assert digest(files | {file: files[file].replace("LIMIT = 1", "LIMIT = 2")}) != before


def test_definitions_of_one_name_that_change_places_are_seen(digest):
    one, two = "def g():\n    return 1\n", "def g():\n    return 2\n"
    near = "from convstudy import {}, {}\n\n\ndef f():\n    return {}.g() - {}.g()\n"
    files = {"convstudy/a.py": one, "convstudy/b.py": two}
    before = digest(files | {"convstudy/near.py": near.format("a", "b", "a", "b")})
    assert digest(files | {"convstudy/near.py": near.format("a", "b", "b", "a")}) != before
    swapped = {"convstudy/a.py": two, "convstudy/b.py": one}
    assert digest(swapped | {"convstudy/near.py": near.format("a", "b", "b", "a")}) == before


def test_equal_definitions_that_refer_to_others_of_one_name_are_told_apart(digest):
    part = "def g():\n    return LIMIT\n"
    files = {"convstudy/a.py": f"LIMIT = 1\n\n\n{part}", "convstudy/b.py": f"LIMIT = 2\n\n\n{part}"}
    near = "from convstudy import a, b\n\n\ndef f():\n    return {}.g() - {}.g()\n"
    one = digest(files | {"convstudy/near.py": near.format("a", "b")})
    assert digest(files | {"convstudy/near.py": near.format("b", "a")}) != one


PAIRS = yaml.safe_load(Path(__file__).with_name("other_behaviour.yaml").read_text())


@pytest.mark.parametrize("case", PAIRS)
def test_other_behaviour_is_seen(digest, tmp_path, case):
    pair = PAIRS[case]
    none = {name: None for name in FILES if name not in ("job.py", "convstudy/__init__.py")}
    gone = {name: None for name in pair["before"] if name not in pair["after"]}
    before = digest(none | pair.get("same", {}) | pair["before"])
    printed = run_job(tmp_path)
    assert digest(none | pair.get("same", {}) | pair["after"] | gone) != before
    assert run_job(tmp_path) != printed  # else the pair would show nothing


def run_job(folder: Path) -> str:
    """What the job prints; of an error, its last line."""
    program = [sys.executable, "-B", "job.py"]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + "".join(done.stderr.splitlines()[-1:])


def test_code_that_a_program_wrote_may_nest_deeply(digest):
    steps = "".join(f"    elif x == {n}:\n        return {n}\n" for n in range(300))
    head = "from convstudy.far import g\n\n\ndef f(x=1):\n    if x == -1:\n        return 0\n"
    files = {"convstudy/near.py": f"{head}{steps}    return g() + {' + '.join('1' * 400)}\n"}
    assert is_seen_in_far(digest, files)
