"""The species of the drawn birds: what they are called and in what they differ.

A species is a form (a family: beak, neck, tail, legs), a plumage colour and a mark (crest,
cap, mask, ...). It is a function of the species index alone, so that disjoint ranges of
indices are disjoint sets of species.
"""

from dataclasses import dataclass

import numpy as np

Hsv = tuple[float, float, float]

MARKS = ("Crested", "Capped", "Masked", "Barred", "Spotted", "Collared", "Bellied", "Banded")
PLUMAGES = {  # hue, saturation, value
    "Scarlet": (0.99, 0.85, 0.80),
    "Rufous": (0.05, 0.75, 0.65),
    "Golden": (0.13, 0.85, 0.92),
    "Olive": (0.19, 0.60, 0.50),
    "Emerald": (0.39, 0.75, 0.60),
    "Azure": (0.56, 0.70, 0.85),
    "Indigo": (0.66, 0.65, 0.55),
    "Violet": (0.78, 0.50, 0.65),
    "Rosy": (0.93, 0.40, 0.92),
    "Slate": (0.58, 0.15, 0.50),
    "Sable": (0.08, 0.30, 0.20),
    "Ivory": (0.12, 0.12, 0.93),
}


@dataclass(frozen=True)
class Form:
    """The build of a family; the body is one unit long."""

    body: float  # height of the body
    head: float  # radius of the head
    neck: float  # from the shoulder to the head
    beak: float  # length of the beak
    depth: float  # depth of the beak
    hook: float  # how far the tip of the beak bends down
    tail: float  # length of the tail
    fork: float  # depth of the notch in the tail; negative: a rounded tail
    lift: float  # how far the end of the tail is raised
    legs: float  # length of the legs


FORMS = {
    "Warbler": Form(0.46, 0.19, 0.10, 0.16, 0.06, 0.00, 0.38, 0.06, 0.00, 0.22),
    "Finch": Form(0.52, 0.22, 0.08, 0.17, 0.19, 0.02, 0.34, 0.10, 0.00, 0.18),
    "Heron": Form(0.40, 0.14, 0.52, 0.42, 0.08, 0.00, 0.16, -0.05, 0.00, 0.62),
    "Duck": Form(0.44, 0.19, 0.22, 0.26, 0.11, 0.06, 0.18, -0.06, 0.12, 0.10),
    "Kingfisher": Form(0.48, 0.26, 0.05, 0.48, 0.11, 0.00, 0.16, 0.00, 0.00, 0.10),
    "Parrot": Form(0.48, 0.23, 0.08, 0.17, 0.17, 0.16, 0.66, -0.14, 0.00, 0.14),
    "Wren": Form(0.56, 0.21, 0.03, 0.18, 0.05, 0.03, 0.32, -0.05, 0.42, 0.20),
    "Swallow": Form(0.36, 0.17, 0.03, 0.09, 0.07, 0.00, 0.66, 0.38, 0.00, 0.08),
    "Magpie": Form(0.42, 0.19, 0.10, 0.20, 0.09, 0.02, 0.92, -0.08, 0.06, 0.26),
    "Dove": Form(0.54, 0.16, 0.14, 0.12, 0.06, 0.02, 0.44, -0.10, 0.00, 0.14),
    "Curlew": Form(0.44, 0.16, 0.26, 0.50, 0.06, 0.18, 0.20, 0.00, 0.00, 0.46),
    "Falcon": Form(0.48, 0.21, 0.06, 0.13, 0.13, 0.11, 0.46, 0.00, 0.00, 0.20),
}


@dataclass(frozen=True)
class Species:
    """What all the birds of a species share."""

    name: str
    form: Form
    mark: str
    plumage: Hsv
    second: Hsv
    beak: Hsv


def species(index: int) -> Species:
    """The species of an index >= 0; names are unique below 1,152."""
    families, colours = list(FORMS), list(PLUMAGES)
    place = (index * 437 + 91) % (len(families) * len(colours) * len(MARKS))
    family = families[place % len(families)]
    colour = colours[place // len(families) % len(colours)]
    mark = MARKS[place // (len(families) * len(colours))]
    rng = np.random.default_rng([20191118, index])
    second = PLUMAGES[rng.choice([c for c in colours if c != colour])]
    beak = [(0.09, 0.8, 0.9), (0.02, 0.7, 0.75), (0.6, 0.15, 0.25)][rng.integers(3)]
    return Species(f"{mark}_{colour}_{family}", FORMS[family], mark, PLUMAGES[colour], second, beak)
