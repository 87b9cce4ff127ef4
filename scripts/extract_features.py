"""Run a backbone once over a data set and keep its feature vectors."""

from convstudy.provenance import steps


def extract(job, step):
    from convstudy.networks import features
    from convstudy.training import device

    about, deterministic = step.record, job.config["gpu"]["deterministic"]
    device.set_up_tensorflow(about["threads"], 0, about["device"], deterministic)
    out, precision = job.output, job.params.precision
    with device.naming_operation():
        features.extract_features(
            job.input.data, job.input.backbone, out.features, out.costs, precision
        )


if __name__ == "__main__":
    steps.run(snakemake, extract)
