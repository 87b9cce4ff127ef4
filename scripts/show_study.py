"""Show the selected study in `results/`, where people look: its pages, copied, and its pictures."""

from convstudy.provenance import steps


def show(job, step):
    from convstudy.report import shown

    shown.show(list(job.input), list(job.output))


if __name__ == "__main__":
    # what the cache gave back would come without the link to the pictures
    steps.run(snakemake, show, keep=False)
