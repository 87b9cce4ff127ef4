"""Puts, gets, removes and lists files of a bucket: `put FILE ADDRESS`, `get ADDRESS FILE`,
`remove ADDRESS`, `list ADDRESS`, `make BUCKET`.

A program of its own, because boto3 is only in the environment of tests of buckets.
"""

import sys

import boto3


def main(command: str, *words: str) -> None:
    s3 = boto3.client("s3", region_name="us-east-1")
    (address,) = [x for x in words if x.startswith("s3://")] or ["s3:///"]
    files = [x for x in words if x != address]
    bucket, key = address.removeprefix("s3://").split("/", 1)
    if command == "make":
        s3.create_bucket(Bucket=files[0])
    elif command == "put":
        s3.upload_file(files[0], bucket, key)
    elif command == "get":
        s3.download_file(bucket, key, files[0])
    elif command == "remove":
        s3.delete_object(Bucket=bucket, Key=key)
    elif command == "list":
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key)
        print(*(x["Key"] for page in pages for x in page.get("Contents", [])), sep="\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
