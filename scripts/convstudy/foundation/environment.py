"""What the environment tells libraries before they are imported, in every process of ours."""

import os

from convstudy.foundation.errors import UserError

# By these Keras ends every training early, whatever a config says.
CUTS = ("KERAS_MAX_EPOCHS", "KERAS_MAX_STEPS_PER_EPOCH")
SETTINGS = {
    # TensorFlow's notes would hide what a command says
    "TF_CPP_MIN_LOG_LEVEL": "3",
    # of a GPU's memory a process takes what it needs, and not all
    "TF_FORCE_GPU_ALLOW_GROWTH": "true",
    # HDF5 locks what it opens, which NFS and Lustre often refuse. No file of ours changes once it
    # has its name.
    "HDF5_USE_FILE_LOCKING": "FALSE",
}


def check() -> None:
    """Refuse what would make of a study another one.

    Raises:
        UserError: a variable that cuts trainings short is set.
    """
    for name in CUTS:
        if name in os.environ:
            raise UserError(
                f"the variable {name} of the environment is '{os.environ[name]}', by which Keras "
                f"cuts every training short: `unset {name}`, and set max_epochs in the config."
            )


def prepare() -> None:
    """Set what the user has not set; and that Keras runs on TensorFlow, in any case."""
    os.environ["KERAS_BACKEND"] = "tensorflow"
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
