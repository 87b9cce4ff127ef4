"""The list of steps by which a generator augments, in place of its own random changes.

Read by the Snakefile before any job starts, so it imports neither TensorFlow nor NumPy.
"""

from convstudy.foundation.errors import UserError
from convstudy.study import plugin_blocks, plugin_options, stages
from convstudy.study.repairs import flow
from convstudy.study.schema import Block

KEY = "augmentation"
PARAMETER = f"generator.{KEY}"  # of a sweep


def check(where: str, block: Block, filled: Block) -> None:
    """Check the steps of a generator, and fill in the options of each; nothing without the key.

    Args:
        where: the generator's path in the config.
        block: its block, in which the steps are replaced by whole ones: `kind` and all options.
        filled: all options of its kind, out of which those of its own random changes are taken.

    Raises:
        UserError: a step or an option is not known, a value is out of its range, or an option of
            the generator's own random changes is given beside the steps that replace these.
    """
    if KEY not in block:
        return
    for name in _replaced(block):
        if name in block:
            raise UserError(
                f"config: {where}: '{name}' and '{KEY}' do not go together: the steps of the list "
                f"stand in place of the random changes of generator '{block['kind']}'. Remove "
                f"'{name}', or the list; the steps flip and shift do the same."
            )
        filled.pop(name, None)
    steps = enumerate(block[KEY])
    block[KEY] = [_whole(f"{where}.{KEY}.{number}", step) for number, step in steps]


def swept(block: Block, values: Block) -> Block:
    """The block of a generator with the values of a point of a sweep."""
    replaced = _replaced(block) if KEY in values else ()
    return {name: x for name, x in block.items() if name not in replaced} | values


def options(block: Block) -> Block:
    """The options of a generator: all keys of its block but `kind` and the list."""
    return {name: x for name, x in plugin_options.options(block).items() if name != KEY}


def augments(block: Block) -> bool:
    """Whether a generator changes training images at random."""
    if KEY in block:
        return bool(block[KEY])
    return plugin_options.constant("generators", block, "AUGMENTS")


def resolved(block: Block) -> Block:
    """A generator as a run has it: `kind`, `options` and, where it has the key, its steps."""
    found = {"kind": block["kind"], "options": options(block)}
    if KEY in block:
        found[KEY] = [
            {"kind": step["kind"], "options": plugin_options.options(step)} for step in block[KEY]
        ]
    return found


def kinds(generator: Block | None) -> list[str]:
    """The files of `augmentation/` that a run's generator uses; none on features."""
    return sorted({step["kind"] for step in (generator or {}).get(KEY, ())})


def pipelines(rows: list[Block]) -> dict[tuple[str, str], list[Block]]:
    """Steps by the names of their generator and of the data set, in the order of a study's rows."""
    return {
        (row["generator_name"], row["dataset"]): row["generator"][KEY]
        for row in rows
        if kinds(row["generator"])
    }


def mixing(generator: Block | None) -> list[str]:
    """Those of them that mix labels."""
    return [
        kind
        for kind in kinds(generator)
        if plugin_options.describe(KEY, kind).constants.get("MIXES_LABELS")
    ]


def told(generator: Block | None) -> Block | None:
    """What tables say of a run's generator: kind, options, and its steps as one text."""
    if generator is None:
        return None
    text = {KEY: listed(generator[KEY]) or "none"} if KEY in generator else {}
    return {"kind": generator["kind"]} | generator["options"] | text


def listed(steps: list[Block]) -> str:
    """Steps of a run as one text: `flip {horizontal: 0.5}, mixup {alpha: 0.2}`."""
    return ", ".join(f"{step['kind']} {flow(step['options'])}" for step in steps)


def check_run(run: Block, image_size: tuple[int, int]) -> None:
    """Refuse steps that do not go with the other settings of a run, or with its images.

    Raises:
        UserError: labels are mixed and classes weighed, or an option counts too many pixels.
    """
    where, mixed = f"config: generators.{run['generator_name']}.{KEY}", mixing(run["generator"])
    weighed = [x for x in stages.of(run) if "class_weights" in x]
    if mixed and any(stages.takes(run, training) == run["input"] for training in weighed):
        raise UserError(
            f"{where}: '{mixed[0]}' and training.class_weights do not go together (variant "
            f"'{run['variant']}'): an image is weighed by its class, and a mixture has several. "
            f"Remove the step from the list, or set class_weights: null for this variant."
        )
    for number, step in enumerate((run["generator"] or {}).get(KEY, ())):
        for name in plugin_options.describe(KEY, step["kind"]).constants.get("PIXELS", ()):
            value = step["options"][name]
            if value >= min(image_size):
                raise UserError(
                    f"{where}.{number}.{name}: {value}, but the images of '{run['dataset']}' "
                    f"(variant '{run['variant']}') have {image_size[0]} x {image_size[1]} pixels: "
                    f"expected {min(image_size) - 1} at most."
                )


def _replaced(block: Block) -> tuple[str, ...]:
    """Options of a generator's own random changes."""
    described = plugin_options.describe("generators", block["kind"])
    return described.constants.get("RANDOM_OPTIONS", ())


def _whole(where: str, step: str | Block) -> Block:
    """A step with all its options; a name stands for one with the defaults."""
    step = {"kind": step} if isinstance(step, str) else step
    own = plugin_options.options(step)
    plugin_blocks.check(KEY, step["kind"], f"{where}.kind", own, where)
    return {"kind": step["kind"]} | own
