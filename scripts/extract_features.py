"""Run a backbone once over a data set and keep its feature vectors."""

from convstudy import networks, runtime

if __name__ == "__main__":
    with runtime.job_logging(snakemake.log[0]):
        runtime.set_up_tensorflow(snakemake.params.compute_threads, seed=0)
        networks.extract_features(
            snakemake.input.data, snakemake.input.backbone, snakemake.output.features
        )
