"""What computes beside our code: Python, the libraries, and the switches of these."""

import os
import platform
from importlib import metadata

# Variables of the environment by which Keras, TensorFlow and NumPy compute otherwise: all that
# begin so, but for those that only say where files are, or how much is said.
SWITCHES = (
    "DNNL_",
    "KERAS_",
    "MKL_CBWR",
    "NPY_",
    "NVIDIA_TF32",
    "ONEDNN_",
    "OPENBLAS_CORE",
    "TF_",
    "XLA_",
)
NO_SWITCHES = (
    "KERAS_BACKEND",
    "KERAS_HOME",
    "TF_CPP_",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "TF_CLI_",  # Terraform's, as the next
    "TF_VAR_",
    "DNNL_VERBOSE",
    "ONEDNN_VERBOSE",
)


UNKNOWN = "unknown"


def versions(libraries: list[str]) -> dict[str, str]:
    """Versions of Python and of the libraries that a step's code imports; their switches.

    An upgrade makes no finished result stale, because a study of weeks must not be lost to it; but
    a step that is done anew takes nothing from the cache that another version made, and a summary
    says so when its rows were made by several.
    """
    python = ".".join(platform.python_version_tuple()[:2])
    switches = {
        name: value
        for name, value in sorted(os.environ.items())
        if name.startswith(SWITCHES) and not name.startswith(NO_SWITCHES)
    }
    return {"python": python} | switches | dict(map(_version, libraries))


def is_installed(module: str) -> bool:
    """Whether something installed a module, so that a record has its version."""
    return _version(module)[1] != UNKNOWN


def _version(module: str) -> tuple[str, str]:
    """Name and version of what installed a module, which has mostly the module's own name.

    A module that nothing installed, as one of the user's own on PYTHONPATH, has no version.
    """
    try:
        return module, metadata.version(module)
    except metadata.PackageNotFoundError:
        name = _installer(module).lower()
    try:
        return name, metadata.version(name)
    except metadata.PackageNotFoundError:
        return name, UNKNOWN


def _installer(module: str) -> str:
    """The name of what installed a module; the module's own where nothing has.

    As `metadata.packages_distributions` tells it, which parses the lists of all files.
    """
    for distribution in metadata.distributions():
        declared = (distribution.read_text("top_level.txt") or "").split()
        files = "" if declared else "\n" + (distribution.read_text("RECORD") or "")
        if module in declared or f"\n{module}/" in files or f"\n{module}." in files:
            return distribution.metadata["Name"]
    return module
