"""What all pictures share: colours, fonts, histories over seeds, and how a picture is saved.

Figures are built with matplotlib's object interface, so no global state and no display is needed.
Sizes are in inches at the width of a printed page, so that the fonts keep their size on paper.
"""

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from convstudy.foundation import atomic_files
from convstudy.foundation.errors import UserError, first_line
from convstudy.report.plots import texts

PAGE_WIDTH = 7.2
DPI = 160
# Okabe and Ito's colours for the colour-blind, the yellow left out (unreadable on white) and three
# shades of Paul Tol's "muted" set added.
PALETTE = (
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#882255",
    "#999933", "#6f6f6f",
)  # fmt: skip
MARKERS = "osD^vPX<>*"
INK = "#222222"
FAINT = "#8a8a8a"
GREY = "#5f5f5f"  # of small words: dark enough to be read on white
TITLE_LINES = 4
_SETTINGS = {
    "text.parse_math": False,  # a dollar sign in a name starts no formula
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "legend.fontsize": 8.5,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "svg.hashsalt": "convstudy",
    "svg.fonttype": "path",
}
HISTORY_COLUMNS = ("epoch", "loss", "accuracy", "val_loss", "val_accuracy")


def variant_colours(tasks: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Give each variant the colour of its position in its task.

    Args:
        tasks: The names of a task's variants in the order of the config, by task.

    Returns:
        Colour (`#rrggbb`) by variant; distinct within a task of up to 20 variants, the second ten
        being duller shades of the first.
    """
    return {
        name: colour_at(position)
        for variants in tasks.values()
        for position, name in enumerate(variants)
    }


def colour_at(position: int) -> str:
    """Colour (`#rrggbb`) of the variant at a position (from 0) in its task."""
    base = PALETTE[position % len(PALETTE)]
    if position < len(PALETTE):
        return base
    # Black cannot be darkened, so the second round moves each colour towards a middle grey-blue.
    return colors.to_hex(0.5 * np.array(colors.to_rgb(base)) + 0.5 * np.array([0.25, 0.25, 0.45]))


def marker_of(colour: str) -> str:
    """Marker that always goes with a colour, so that a curve is known without its colour, too."""
    return MARKERS[PALETTE.index(colour)] if colour in PALETTE else "o"


@contextlib.contextmanager
def figure(width: float, height: float, outputs: Iterable[Path | str]) -> Iterator[Figure]:
    """Yield an empty figure in the house's style and save it to `outputs` when the block succeeds.

    Args:
        width: Inches.
        height: Inches.
        outputs: Paths ending in `.png` or `.svg`. Equal content gives equal bytes.
    """
    with matplotlib.rc_context(_SETTINGS | {"font.family": list(texts.families())}):
        picture = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasAgg(picture)
        yield picture
        for path in outputs:
            _save(picture, Path(path))
            picture.set_layout_engine("none")  # the next file is laid out as this one


Run = int | tuple[int, int]  # its seed, or (fold, seed)


def run(told: int | list[int]) -> Run:
    """A run as JSON has it: its seed, or the list of its fold and seed."""
    return told if isinstance(told, int) else tuple(told)


def read_histories(histories: Iterable[tuple[Run, Path | str]]) -> dict[Run, pandas.DataFrame]:
    """Read each run's `history.csv`; raise `UserError` for a damaged or empty one."""
    frames = {}
    for key, path in sorted(histories):
        try:
            frame = pandas.read_csv(path)
        except (OSError, ValueError) as error:
            raise UserError(
                f"{path}: cannot be read as a history ({first_line(error)}). Delete it and "
                f"run the same command again."
            ) from error
        missing = [name for name in HISTORY_COLUMNS if name not in frame.columns]
        if missing or frame.empty:
            raise UserError(
                f"{path}: expected one row an epoch with the columns {', '.join(HISTORY_COLUMNS)}; "
                f"{'found no ' + ', '.join(missing) if missing else 'found no row'}. "
                f"Delete the file and run the same command again."
            )
        texts = frame[list(HISTORY_COLUMNS)].select_dtypes(exclude="number")
        if not texts.empty:
            raise UserError(
                f"{path}: the column {texts.columns[0]} holds what is no number. Delete the file "
                f"and run the same command again."
            )
        frames[key] = frame
    return frames


def counted(runs: Iterable[Run]) -> str:
    """How many runs there are, in words: `one seed`, `3 seeds`, `5 folds x 2 seeds`."""
    columns = list(zip(*([one] if isinstance(one, int) else one for one in runs), strict=True))
    return " x ".join(
        f"{len(set(numbers))} {noun}s" if len(set(numbers)) > 1 else f"one {noun}"
        for noun, numbers in zip(("fold", "seed")[-len(columns) :], columns, strict=True)
    )


def mean_over_seeds(
    frames: Mapping[Run, pandas.DataFrame], column: str
) -> tuple[np.ndarray, np.ndarray]:
    """(epochs, mean of `column` over all runs) of the epochs that every run reached.

    Beyond the shortest run a mean would be of other seeds than before, and would jump.
    """
    shared = min(len(frame) for frame in frames.values())
    values = [frame[column].to_numpy()[:shared] for frame in frames.values()]
    epochs = next(iter(frames.values()))["epoch"].to_numpy()[:shared]
    return epochs, np.mean(values, axis=0)


def heading(picture: Figure, title: str) -> None:
    """Write the title above the whole picture, in as many lines as its width asks for."""
    letters = int(11 * picture.get_figwidth())
    picture.suptitle(texts.wrapped(title, letters, TITLE_LINES), fontsize=10.5)


def epoch_axis(axes: Axes, ylabel: str, **limits: Any) -> None:
    """Label an axis pair whose x is the epoch."""
    axes.set_xlabel("epoch")
    axes.set_ylabel(ylabel)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.set(**limits)


def _save(picture: Figure, path: Path) -> None:
    kind = path.suffix.lower().removeprefix(".")
    if kind not in ("png", "svg"):
        raise ValueError(f"{path}: pictures are saved as .png or .svg")
    # Dates and the versions of software would make the bytes differ from one run to the next.
    nothing = {"Software": None} if kind == "png" else {"Date": None, "Creator": None}
    with atomic_files.whole_file(path) as temporary:
        picture.savefig(temporary, format=kind, dpi=DPI, metadata=nothing, facecolor="white")
