"""A job as Snakemake gives it to a script, for tests of what surrounds its work."""

from pathlib import Path
from types import SimpleNamespace

from convstudy.provenance import code_digests, records


class Named(dict):
    """What Snakemake calls a named list."""

    def __iter__(self):
        return iter(self.values())

    def __getattr__(self, name):
        return self[name]


def job_of(output="results/out.txt", source="in.txt", threads=1, **params):
    """A job as Snakemake gives it to a script, which reads and writes in the test's own folder."""
    assert not Path("Snakefile").exists(), "the test's own folder must be the working directory"
    code = records.code_param(code_digests.of("plot_samples.py"))
    return SimpleNamespace(
        rule="copy",
        input=Named(data=source),
        output=Named(text=output),
        log=["log.txt"],
        wildcards=Named(name="a"),
        params=Named({"spec": "{}", "code": code} | params),
        resources={"compute_threads": threads},
        config={"cache": {"folder": "cache", "max_gb": 1}},
    )


def copy(job, step):
    """The work of the job: copy the input; says in a file that it was done."""
    with open("done", "a") as stream:
        stream.write("x")
    Path(job.output.text).write_text(Path(job.input.data).read_text())
