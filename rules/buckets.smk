# Results in an S3 bucket, with their records, and given data by its address there. No rule.
from convstudy import buckets
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
    return local(path)
