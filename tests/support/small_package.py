"""A small package, in which a job uses one function two modules away."""

FILES = {
    "job.py": "from convstudy.near import f\n\nprint(f())\n",
    "other_job.py": "from convstudy import sibling\n\nsibling.h()\n",
    "convstudy/__init__.py": "",
    "convstudy/near.py": "from convstudy import far\n\n\ndef f():\n    return far.g()\n",
    "convstudy/far.py": "LIMIT = 1\n\n\ndef g():\n    return LIMIT\n",
    "convstudy/sibling.py": "def h():\n    return 2\n",
    "convstudy/models/__init__.py": "",
    "convstudy/models/one.py": "from . import _shared\n\n\ndef build():\n    return _shared.S\n",
    "convstudy/models/two.py": "def build():\n    return 2\n",
    "convstudy/models/_shared.py": "S = 1\n",
}


def is_seen_in_far(digest, files) -> bool:
    """Whether the digest of these files changes with a function two modules away."""
    before = digest(files)
    changed = FILES["convstudy/far.py"].replace("return LIMIT", "return -LIMIT")
    return digest(files | {"convstudy/far.py": changed}) != before
