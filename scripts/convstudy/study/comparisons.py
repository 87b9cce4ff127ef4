"""The comparisons of a study, once a protocol, each with all the variants that it names.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from collections.abc import Collection

from convstudy.foundation.errors import UserError
from convstudy.study import variants
from convstudy.study.schema import Block


def of_study(config: Block, study_name: str, names: Collection[str]) -> list[Block]:
    """The comparisons that a study lists, under each protocol that it has them under.

    A comparison whose variants have no protocol of their own is drawn under each protocol of the
    study, and under any other of which the study has two of its variants.

    Args:
        config: the checked config.
        study_name: the study.
        names: its variants and sweeps, by their full names.

    Raises:
        UserError: a comparison names a variant that the study does not have.
    """
    study, found = config["studies"][study_name], []
    for asked in study["comparisons"]:
        every = [c for c in variants.comparisons(config).values() if c["of"] == asked]
        drawn = [c for c in every if _is_drawn(c, study["protocols"], names)]
        for comparison in drawn or [c for c in every if c["protocol"] in study["protocols"]]:
            missing = [x for x in comparison["variants"] if x not in names]
            if missing:
                raise UserError(_refusal(config, study_name, asked, missing))
        found += drawn
    return found


def _is_drawn(comparison: Block, protocols: list[str], names: Collection[str]) -> bool:
    present = sum(name in names for name in comparison["variants"])
    if comparison["protocol"] is None:
        return True
    return present > 1 or (present == 1 and comparison["protocol"] in protocols)


def _refusal(config: Block, study_name: str, asked: str, missing: list[str]) -> str:
    listed = ", ".join(f"'{name}'" for name in missing)
    are, them = ("is", "it") if len(missing) == 1 else ("are", "them")
    where = f"studies.{study_name}"
    told = (
        f"config: {where}.comparisons: '{asked}' compares {listed}, which {are} not among the "
        f"study's variants. Add {them} to {where}.variants, or remove '{asked}' here."
    )
    if study_name == config["study"]:
        return told
    return f"{told} If the comparison is yours and that study is not, give it another name."
