"""What a bucket is asked, and what its refusals mean, in one sentence each."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from boto3.exceptions import Boto3Error
from botocore import exceptions

from convstudy.foundation.errors import UserError, first_line

REFUSED = ("403", "AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken")
KEYS = "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"


@contextlib.contextmanager
def told(client: Any, address: str, what: str) -> Iterator[None]:
    """Turn what goes wrong with a bucket in this block into one sentence.

    Args:
        client: boto3's.
        address: the file or folder in the bucket.
        what: what is done there: read or written.

    Raises:
        UserError: in place of the library's errors.
    """
    try:
        yield
    except (exceptions.BotoCoreError, exceptions.ClientError, Boto3Error) as error:
        cause = error.__context__ if isinstance(error, Boto3Error) else error
        server = client.meta.endpoint_url
        raise UserError(f"{address}: {_meaning(cause, address, what, server)}") from error


def _meaning(error: BaseException | None, address: str, what: str, server: str) -> str:
    """What went wrong, and what to do."""
    if isinstance(error, exceptions.NoCredentialsError | exceptions.PartialCredentialsError):
        return (
            f"there are no credentials for this bucket: set {KEYS}, or write them with "
            f"`aws configure`"
        )
    if isinstance(error, exceptions.HTTPClientError | exceptions.ConnectionError):
        return (
            f"{server} does not answer: start the server, or correct its address in "
            f"AWS_ENDPOINT_URL_S3 or in `storage-s3-endpoint-url` of the profile"
        )
    code = error.response["Error"]["Code"] if isinstance(error, exceptions.ClientError) else ""
    if code in REFUSED:
        return (
            f"the bucket refuses to be {what} ({code}): use other credentials ({KEYS}), or have "
            f"these allowed to"
        )
    if code == "NoSuchBucket":
        return f"there is no bucket '{split(address)[0]}': create it, or correct the name"
    return f"cannot be {what} ({first_line(str(error))})"


def split(address: str) -> tuple[str, str]:
    """Bucket and key of an address."""
    bucket, _, key = address.removeprefix("s3://").partition("/")
    return bucket, key.strip("/")


def listing(s3: Any, address: str, of: str = "") -> list[Any]:
    """The objects of a folder in a bucket, with `key`, `e_tag`, `size` and `last_modified`.

    Args:
        s3: boto3's resource.
        address: the folder.
        of: what errors name in its place.
    """
    bucket, key = split(address)
    with told(s3.meta.client, of or address, "read"):
        return list(s3.Bucket(bucket).objects.filter(Prefix=f"{key}/" if key else ""))


@cache
def digest(s3: Any, address: str) -> str | None:
    """A digest of the ETags of a file, or of a folder's files with their names; None without any.

    A server computes an ETag of the content, and of the size of the parts in which it was sent:
    what is sent again in other parts counts as changed, and equal ETags mean equal contents.
    """
    bucket, key = split(address)
    with told(s3.meta.client, address, "read"):
        # sorted by name, a file of this name comes first
        first = list(s3.Bucket(bucket).objects.filter(Prefix=key).limit(1))
    if first and first[0].key == key:
        return f"ETag {first[0].e_tag.strip(chr(34))}"
    files = [x for x in listing(s3, address) if not x.key.endswith("/")]
    if not files:
        return None
    total = hashlib.sha256()
    for file in sorted(files, key=lambda file: file.key):
        total.update(f"{file.e_tag}  {file.key.removeprefix(key)}\n".encode())
    return total.hexdigest()


def mirror(s3: Any, root: str, folder: Path) -> None:
    """Bring what a folder below an address has, and the same folder here has not or of another day.

    Args:
        s3: boto3's resource.
        root: the address.
        folder: the folder, by its path here and below the address.
    """
    for file in listing(s3, f"{root}/{folder}", of=root):
        place = Path(file.key).relative_to(split(root)[1])
        if ".." in place.parts:  # no step's record, and no place for one
            continue
        if not place.exists() or place.stat().st_mtime != file.last_modified.timestamp():
            with told(s3.meta.client, root, "read"):
                bring(s3, f"s3://{file.bucket_name}/{file.key}", place)


def bring(s3: Any, address: str, place: Path, needed: bool = True) -> None:
    """Download a file, with the bucket's time stamp; it appears whole, and may be `needed`."""
    source = s3.Object(*split(address))
    if not exists(source) and not needed:
        return
    stamp = source.last_modified.timestamp()
    place.parent.mkdir(parents=True, exist_ok=True)
    source.download_file(str(place))
    os.utime(place, (stamp, stamp))


def exists(source: Any) -> bool:
    """Whether an object is in its bucket."""
    try:
        source.load()
    except exceptions.ClientError as error:
        if error.response["Error"]["Code"] != "404":
            raise
        return False
    return True
