"""The blocks that names in a config stand for.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from convstudy.foundation.errors import UserError
from convstudy.study import places
from convstudy.study.schema import Block


def block(config: Block, section: str, name: str, where: str) -> Block:
    """The block of a name in a section.

    Raises:
        UserError: there is none, with the nearest name.
    """
    if name not in config[section]:
        raise UserError(
            f"config: {where}: '{name}' is not one of {section}. "
            + places.of_name(config, section, name)
        )
    return config[section][name]


def trained(config: Block, name: str, where: str) -> Block:
    """The block of a variant that is trained.

    Raises:
        UserError: there is none, or it is made of finished runs.
    """
    variant = block(config, "variants", name, where)
    if variant["combines"]:
        raise UserError(
            f"config: {where}: '{name}' combines finished runs and is not trained. Name a variant "
            f"with a model."
        )
    return variant
