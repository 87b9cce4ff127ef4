"""Pictures of drawn birds, in varied poses and on varied grounds, as JPEG-like photographs.

What the birds of a species share is in `species.py`; size, place, mirror image, turn, wing,
light, plumage tone and ground vary from picture to picture.
"""

import colorsys
from collections.abc import Iterator
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .species import Hsv, Species, species

Colour = tuple[int, int, int]
Point = tuple[float, float]

SHADES = ("sky", "leaves", "branches", "water")
SIDES = (84, 120)  # sides of the pictures, in pixels
OVERSAMPLING = 2


def generate(
    seed: int, first_species: int, number: int, images: int
) -> Iterator[tuple[str, list[Image.Image]]]:
    """Draw `images` pictures of each of `number` species, from index `first_species` on.

    Yields a species name and its list of RGB pictures, 84 to 120 pixels a side. A picture is a
    function of the seed, the index of its species and its own index alone.
    """
    for index in range(first_species, first_species + number):
        yield species(index).name, [draw(seed, index, picture) for picture in range(images)]


def draw(seed: int, index: int, picture: int) -> Image.Image:
    """Draw one picture of a species: RGB, 84 to 120 pixels a side, rarely square."""
    rng = np.random.default_rng([seed, index, picture])
    width, height = (int(side) for side in rng.integers(SIDES[0], SIDES[1] + 1, 2))
    kind = SHADES[rng.integers(len(SHADES))]
    image = _ground(rng, kind, width, height)
    image = image.resize((width * OVERSAMPLING, height * OVERSAMPLING), Image.Resampling.BILINEAR)
    _Bird(rng, species(index), image, kind).draw()
    image = image.resize((width, height), Image.Resampling.BOX)
    return _light(rng, image)


def _light(rng: np.random.Generator, image: Image.Image) -> Image.Image:
    """Give a picture its own exposure, tint and grain."""
    pixels = np.asarray(image, dtype=np.float32)
    gain = rng.uniform(0.85, 1.2) * (1 + rng.normal(0, 0.04, 3))
    grain = rng.standard_normal(pixels.shape[:2], dtype=np.float32)[..., None] * 5
    return Image.fromarray(
        np.clip(pixels * gain.astype(np.float32) + grain, 0, 255).astype(np.uint8)
    )


def _rgb(hue: float, saturation: float, value: float) -> Colour:
    """HSV (any hue, the others clipped to 0..1) to 8-bit RGB."""
    parts = colorsys.hsv_to_rgb(hue % 1, min(max(saturation, 0), 1), min(max(value, 0), 1))
    return tuple(round(255 * p) for p in parts)


def _ground(rng: np.random.Generator, kind: str, width: int, height: int) -> Image.Image:
    """An out-of-focus ground: RGB of the given size."""
    hue, value = {
        "sky": (0.57, 0.85),
        "leaves": (0.28, 0.5),
        "branches": (0.1, 0.5),
        "water": (0.52, 0.55),
    }[kind]
    hue += rng.normal(0, 0.03)
    rows = [
        [
            _rgb(hue + rng.normal(0, 0.02), rng.uniform(0.2, 0.5), value * rng.uniform(0.75, 1.15))
            for _ in range(4)
        ]
        for _ in range(5)
    ]
    image = Image.fromarray(np.array(rows, dtype=np.uint8))
    image = image.resize((width, height), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    for _ in range({"sky": 5, "leaves": 34, "branches": 9, "water": 18}[kind]):
        x, y = rng.uniform(0, width), rng.uniform(0, height)
        a, b = rng.uniform(4, 14), rng.uniform(2, 7)
        if kind == "sky":
            pen.ellipse((x - 2 * a, y - b, x + 2 * a, y + b), _rgb(hue, 0.08, rng.uniform(0.85, 1)))
        elif kind == "leaves":
            tone = _rgb(hue + rng.normal(0, 0.04), rng.uniform(0.4, 0.8), rng.uniform(0.2, 0.75))
            pen.polygon(_oval(x, y, a, b, rng.uniform(0, pi)), tone)
        elif kind == "branches":
            tone = _rgb(0.08, rng.uniform(0.1, 0.5), rng.uniform(0.2, 0.7))
            pen.line(
                (x - 60, y + rng.uniform(-60, 60), x + 60, y + rng.uniform(-60, 60)), tone, int(b)
            )
        else:
            tone = _rgb(hue, rng.uniform(0.1, 0.5), rng.uniform(0.35, 0.85))
            pen.ellipse((x - 2 * a, y - b / 5, x + 2 * a, y + b / 5), tone)
    return image.filter(ImageFilter.BoxBlur(float(rng.uniform(0.5, 2.5))))


def _oval(x: float, y: float, a: float, b: float, turn: float = 0.0) -> list[Point]:
    """Corners of an ellipse with half axes a and b, turned by `turn` radians."""
    steps = [2 * pi * k / 24 for k in range(24)]
    return [
        (
            x + a * cos(t) * cos(turn) - b * sin(t) * sin(turn),
            y + a * cos(t) * sin(turn) + b * sin(t) * cos(turn),
        )
        for t in steps
    ]


class _Bird:
    """One bird on one picture; lengths are in body lengths, x forward and y down."""

    def __init__(self, rng: np.random.Generator, kind: Species, image: Image.Image, shade: str):
        self.rng, self.kind, self.form, self.shade = rng, kind, kind.form, shade
        self.pen = ImageDraw.Draw(image)
        form = self.form
        self.head = (
            0.40 + 0.55 * form.neck + rng.normal(0, 0.02),
            -0.16 - form.body * 0.25 - 0.85 * form.neck + rng.normal(0, 0.03),
        )
        left, right = -0.4 - form.tail, self.head[0] + form.head + form.beak
        top, bottom = self.head[1] - form.head - 0.1, form.body / 2 + form.legs
        self.middle = ((left + right) / 2, (top + bottom) / 2)
        room = min(image.width / (right - left), image.height / (bottom - top))
        self.scale = room * rng.uniform(0.72, 1.0)
        self.mirror = int(rng.choice([-1, 1]))
        self.turn = rng.normal(0, 0.16)
        slack = 0.5 * (1 - self.scale / room) * np.array(image.size)
        self.place = np.array(image.size) / 2 + rng.uniform(-1, 1, 2) * slack
        hue, saturation, value = rng.normal(0, (0.012, 0.06, 0.06))
        self.shift = (hue, saturation, value)

    def colour(self, base: Hsv, gain: float = 1.0) -> Colour:
        """A colour of the species as this bird wears it."""
        h, s, v = (b + d for b, d in zip(base, self.shift, strict=True))
        return _rgb(h, s, v * gain)

    def to_pixels(self, points: list[Point]) -> list[Point]:
        """Body coordinates to pixels."""
        c, s = cos(self.turn) * self.scale, sin(self.turn) * self.scale
        moved = [(x - self.middle[0], y - self.middle[1]) for x, y in points]
        px, py = self.place
        return [(px + self.mirror * (c * x - s * y), py + s * x + c * y) for x, y in moved]

    def shape(self, points: list[Point], fill: Colour) -> None:
        """Fill a polygon given in body coordinates."""
        self.pen.polygon(self.to_pixels(points), fill)

    def stroke(self, points: list[Point], fill: Colour, width: float) -> None:
        """Draw a line given in body coordinates."""
        self.pen.line(self.to_pixels(points), fill, max(1, round(width * self.scale)), "curve")

    def draw(self) -> None:
        """Draw the perch and the bird, back to front."""
        main, dark = self.colour(self.kind.plumage), self.colour(self.kind.plumage, 0.62)
        second = self.colour(self.kind.second)
        self.draw_perch()
        self.draw_tail(dark, second)
        self.draw_torso(dark, 0.022)
        self.draw_torso(main, 0.0)
        self.draw_front(second)
        self.draw_wing(dark, second)
        self.draw_head(second)

    def draw_perch(self) -> None:
        """Draw the legs and what the bird stands on."""
        foot = self.form.body / 2 + self.form.legs - 0.04
        tone = _rgb(0.08, self.rng.uniform(0.2, 0.5), self.rng.uniform(0.25, 0.5))
        bend = self.rng.uniform(-0.2, 0.2)
        if self.shade == "water":
            self.shape(
                _oval(0.05, foot + 0.2, 0.55, 0.2), _rgb(0.1, 0.1, self.rng.uniform(0.3, 0.6))
            )
        else:
            self.stroke([(-3, foot + bend), (0, foot + 0.06), (3, foot - bend)], tone, 0.12)
        for x in (-0.02, 0.12):
            self.stroke([(x, 0.1), (x + 0.03, foot)], self.colour(self.kind.beak, 0.8), 0.035)
            self.stroke(
                [(x - 0.05, foot + 0.02), (x + 0.12, foot)], self.colour(self.kind.beak, 0.8), 0.03
            )

    def draw_tail(self, dark: Colour, second: Colour) -> None:
        """Draw the tail; a banded tail ends in a band of the second colour."""
        form = self.form
        root, end, raised = -0.30, -0.42 - form.tail, 0.04 - form.lift
        wide = 0.08 + 0.10 * min(form.tail, 0.5)
        tail = [
            (root, -0.10),
            (end, raised - wide),
            (end + form.fork, raised),
            (end, raised + wide),
            (root, 0.12),
        ]
        self.shape(tail, dark)
        if self.kind.mark == "Banded":
            near, far = 0.55, 0.85

            def at(part: float, side: float) -> Point:
                return (
                    root + (end - root) * part,
                    raised * part + side * (0.1 + (wide - 0.1) * part),
                )

            self.shape([at(near, -1), at(far, -1), at(far, 1), at(near, 1)], second)

    def draw_torso(self, fill: Colour, rim: float) -> None:
        """Draw body, neck and head in one colour, `rim` larger all round."""
        form = self.form
        x, y = self.head
        self.shape(_oval(0, 0, 0.5 + rim, form.body / 2 + rim, -0.18), fill)
        r = form.head * (0.75 if form.neck > 0.2 else 1.0) + rim
        self.shape([(0.42, -0.02 + r), (0.12, -0.1 - rim), (x - r, y), (x + r, y + 0.02)], fill)
        self.shape(_oval(x, y, form.head + rim, form.head + rim), fill)

    def draw_front(self, second: Colour) -> None:
        """Draw the belly and what marks it."""
        half = self.form.body / 2
        if self.kind.mark == "Bellied":
            self.shape(_oval(0.1, half * 0.42, 0.34, half * 0.5, -0.12), second)
        if self.kind.mark == "Spotted":
            for k in range(9):
                x, y = -0.06 + 0.13 * (k % 4) + 0.04 * (k // 4), half * (0.2 + 0.28 * (k // 4))
                self.shape(_oval(x, y, 0.035, 0.035), second)
        if self.kind.mark == "Collared":
            x, y = self.head
            r = self.form.head
            self.stroke(
                [
                    (x - 0.22 - r * 0.5, y + r * 0.75),
                    (x + 0.0, y + r * 1.25),
                    (x + r, y + r * 0.95),
                ],
                second,
                0.09,
            )

    def draw_wing(self, dark: Colour, second: Colour) -> None:
        """Draw the wing, folded or raised; a barred wing has two bars."""
        raised = self.rng.random() < 0.25
        turn = self.rng.uniform(0.9, 1.6) if raised else self.rng.normal(0.06, 0.05)
        size = self.rng.uniform(1.0, 1.3) if raised else 1.0
        half = self.form.body / 2

        def at(x: float, y: float) -> Point:
            x, y = x * size, y * size
            return (
                0.22 + x * cos(turn) - y * sin(turn),
                -0.1 * half + x * sin(turn) + y * cos(turn),
            )

        feather = [
            (0.06, 0),
            (0, -0.75 * half),
            (-0.4, -0.55 * half),
            (-0.82, 0.02),
            (-0.5, 0.5 * half),
            (-0.1, 0.6 * half),
        ]
        self.shape([at(*p) for p in feather], dark)
        if self.kind.mark == "Barred":
            for x in (-0.16, -0.36):
                self.stroke([at(x - 0.04, -0.6 * half), at(x + 0.05, 0.5 * half)], second, 0.06)

    def draw_head(self, second: Colour) -> None:
        """Draw beak, crest, cap, mask and eye."""
        x, y = self.head
        form, r = self.form, self.form.head
        tip = (x + r * 0.9 + form.beak, y + 0.03 + form.hook)
        bow = (x + r + form.beak * 0.6, y - form.depth * 0.3 + form.hook * 0.15)
        beak = [
            (x + r * 0.8, y - form.depth / 2),
            bow,
            tip,
            (x + r * 0.8, y + form.depth / 2 + 0.02),
        ]
        self.shape(beak, self.colour(self.kind.beak))
        if self.kind.mark == "Crested":
            crest = [(0.75, -0.5), (0.1, -1.3), (-0.5, -2.1), (-0.55, -1.35), (-1.35, -1.75)]
            crest += [(-1.0, -1.05), (-1.75, -1.05), (-0.9, -0.35)]
            self.shape([(x + r * a, y + r * b) for a, b in crest], second)
        if self.kind.mark == "Capped":
            cap = [
                (x + 1.04 * r * cos(t), y + 1.04 * r * sin(t))
                for t in np.linspace(-pi * 1.02, -0.12, 14)
            ]
            self.shape(cap, second)
        if self.kind.mark == "Masked":
            self.stroke([(x - r * 0.9, y - r * 0.05), (x + r * 0.95, y - r * 0.1)], second, 0.7 * r)
        eye = (x + r * 0.3, y - r * 0.15)
        self.shape(_oval(*eye, 0.05, 0.05), _rgb(0.12, 0.1, 0.9))
        self.shape(_oval(*eye, 0.034, 0.034), (15, 12, 10))
