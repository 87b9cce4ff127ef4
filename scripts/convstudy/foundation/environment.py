"""What the environment tells libraries before they are imported, in every process of ours."""

import os

SETTINGS = {
    # TensorFlow's notes would hide what a command says
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # HDF5 locks what it opens, which NFS and Lustre often refuse. No file of ours changes once it
    # has its name.
    "HDF5_USE_FILE_LOCKING": "FALSE",
}


def prepare() -> None:
    """Set what the user has not set; and that Keras runs on TensorFlow, in any case."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
