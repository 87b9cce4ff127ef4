"""Config files that cannot be read, or say two things, are told with line and cause."""

import projects
import pytest

from convstudy.foundation.errors import UserError
from convstudy.study import config_files


def told(path):
    with pytest.raises(UserError) as refusal:
        config_files.check([path])
    return str(refusal.value)


@pytest.mark.parametrize(
    ("text", "where", "cause"),
    [
        ("a:\n\tb: 1\n", "line 2, column 1", "Line 2 is indented with a tab"),
        ("a:\n  b: 1\n \tc: 1\n", "line 3, column 2", "Line 3 is indented with a tab"),
        ("a:\n  b: 1\n c: 2\n", "line 3, column 2", "not indented as its neighbours"),
        ("a:\n  - 1\n - 2\n", "line 3, column 2", "the dashes of one list"),
        ("a: 1\n  b: 2\n", "line 2, column 4", "indented deeper"),
        ("a:\n  b:32\n  c: 1\n", "line 3, column 4", "Line 2 lacks a space after its colon"),
        ("a: 1\nb\nc: 1\n", "line 3, column 1", "lacks its colon"),
        ("a: {b: [0, 1}\n", "line 1, column 13", "Mostly the [ of line 1, column 8"),
        ("a: {b: 1\nc: 2\n", "line 2, column 2", "Mostly the { of line 1, column 4"),
        ("a: [0, 1\n", "line 2, column 1", "Mostly the [ of line 1, column 4"),
        ('a: "b\nc: 1\n', "line 3, column 1", 'Mostly the " of line 1, column 4'),
        ("a: 'it's mine'\n", "line 1, column 8", "a ' is written ''"),
        ("a: Images: mine\n", "line 1, column 10", "A text with ': ' in it needs quotes"),
        ("a: @mine\n", "line 1, column 4", "needs quotes"),
        ("a: *mine\n", "line 1, column 4", "begins with * needs quotes"),
        ("a: !mine x\n", "line 1, column 4", "begins with ! needs quotes"),
        ("a: {{ x }}\n", "line 1, column 5", "begins with { or [ needs quotes"),
        ('a: "b\\d"\n', "line 1, column 7", "single quotes"),
        ("a: 1\n---\nb: 1\n", "line 2, column 1", "Remove the line ---"),
        ("a: 1\nb: \x00\n", "line 2, column 4", "editors do not show"),
    ],
)
def test_broken_yaml_is_told_with_its_place_and_cause(tmp_path, text, where, cause):
    path = tmp_path / "mine.yaml"
    path.write_text(text)
    said = told(path)
    assert said.startswith(f"{path}: {where} is not YAML: ") and cause in said, said


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "holds no key, expected keys of the config"),
        (b"# nothing\n", "holds no key"),
        (b"- a\n- b\n", "holds a list, expected keys"),
        (b"study:demo\n", "A space is missing after the colon: write study: demo."),
        (b"3\n", "holds a single value"),
        (b"a: 1\nb: d\xe9mo\n", "line 2: the byte 0xe9 is not UTF-8"),
        (b"a: 2024-13-45\n", "month must be in 1..12"),
    ],
)
def test_what_is_no_config_is_told_what_one_is(tmp_path, data, words):
    path = tmp_path / "mine.yaml"
    path.write_bytes(data)
    said = told(path)
    assert said.startswith(f"{path}: ") and words in said, said


def test_a_file_that_is_not_there_is_told_its_neighbour(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "my_study.yaml").write_text("study: demo\n")
    (tmp_path / "my_study.csv").write_text("")
    assert told(tmp_path / "mystudy.yaml").endswith("Did you mean 'my_study.yaml'?")
    assert told(tmp_path / "my_study").endswith("Did you mean 'my_study.yaml'?")
    assert "no folder 'foldr' either. Did you mean 'folder'?" in told(tmp_path / "foldr/x.yaml")
    assert "is a folder" in told(tmp_path) and "It holds my_study.yaml." in told(tmp_path)


def test_relative_paths_are_told_as_they_were_given(tmp_path, monkeypatch):
    (tmp_path / "good.yaml").write_text("a: 1\n")
    monkeypatch.chdir(tmp_path)
    config_files.check(["good.yaml"])
    assert told("god.yaml") == ("god.yaml: there is no such config file. Did you mean 'good.yaml'?")


def test_a_key_given_twice_is_refused_with_its_line(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("a: &one\n  b: 1\nc: {<<: *one}\nd:\n  - {b: 1}\n  - {b: 2}\n")
    config_files.check([path])
    path.write_text("models:\n  a: 1\n  b: 2\n  a: 3\n")
    assert "mine.yaml: line 4 gives the key 'a' again, after line 2" in told(path)


def test_json_is_read_as_snakemake_reads_it(tmp_path):
    path = tmp_path / "mine.json"
    path.write_text('{"study":\t"demo"}')
    config_files.check([path])


def test_snakemake_tells_where_config_yaml_is_broken(tmp_path):
    projects.put_sources(tmp_path)
    projects.edit(tmp_path / "config.yaml", "study: demo", "study: demo\n\tseeds: 3")
    (line,) = (
        number
        for number, text in enumerate((tmp_path / "config.yaml").read_text().splitlines(), 1)
        if text.startswith("\t")
    )
    run = projects.snakemake(tmp_path, "-n")
    assert run.returncode == 1
    assert f"config.yaml: line {line}, column 1 is not YAML: " in run.stdout + run.stderr
