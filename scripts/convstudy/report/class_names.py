"""Names of classes as people read them, each class with one of its own."""

import re
from collections import Counter
from collections.abc import Sequence

NUMBER = re.compile(r"^\d+\.(?=[^\W\d_])")  # of `012.Finch`; `3.5mm_jack` begins with a size


def readable(names: Sequence[str]) -> list[str]:
    """Names without number and bars: `012.Yellow_headed_Finch` becomes `Yellow headed Finch`.

    Names that would be the same then stay as they are.
    """
    found = [NUMBER.sub("", name).replace("_", " ") for name in names]
    counts = Counter(found)
    return [name if counts[short] > 1 else short for name, short in zip(names, found, strict=True)]
