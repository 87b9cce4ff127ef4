# Results in an S3 bucket, with their records, and given data by its address there. No rule.
from convstudy import buckets
from convstudy.foundation import kept_digests
from convstudy.foundation.errors import UserError
from convstudy.provenance import records

try:
    buckets.take_over(workflow, records.path_of)
except UserError as error:
    raise WorkflowError(str(error)) from None


def in_place(path):
    """A file that the user gives: in a bucket by its address, or here wherever results are."""
    if buckets.is_address(path):
        return storage.s3(buckets.check(path), keep_local=False)
    return here(path)


def here(path):
    """A file that is not in the bucket of the results. Snakemake runs what reads it here, too."""
    return local(path) if workflow.storage_settings.default_storage_provider else path


def digest_of(path):
    """The digest of a given file or folder, here or in a bucket; None where there is none."""
    if buckets.is_address(path):
        return buckets.digest(in_place(path))
    return kept_digests.of_any(Path(path)) if Path(path).exists() else None
