"""Run a backbone once over a data set and keep its feature vectors."""

from convstudy.provenance import steps


def extract(job, step):
    from convstudy.networks import features
    from convstudy.training import device

    out, precision = job.output, job.params.precision
    with device.computing(step.record, job.config, seed=0):
        features.extract_features(
            job.input.data, job.input.backbone, out.features, out.costs, precision
        )


if __name__ == "__main__":
    steps.run(snakemake, extract)
