"""Small drawn pictures, 32x32: 25 classes of five silhouettes times five textures.

A class is a silhouette and a texture ("striped_fish"). Colours follow the class only
loosely, and position, size, pose, light and a cluttered ground vary from picture to picture,
so that a network has to find form and texture. Shifts and mirror images keep the class.
"""

from collections.abc import Callable

import numpy as np

SIZE = 32
OVERSAMPLING = 2
SILHOUETTES = ("fish", "butterfly", "mushroom", "star", "leaf")
TEXTURES = ("plain", "striped", "dotted", "checked", "ringed")
CLASS_NAMES = tuple(f"{t}_{s}" for s in SILHOUETTES for t in TEXTURES)
COARSE_OF_CLASS = tuple(s for s in range(len(SILHOUETTES)) for _ in TEXTURES)

SCHEME_HUES = (0.02, 0.12, 0.33, 0.56, 0.80)
SCHEME_SHARE = 0.2  # share of the pictures that wear the colours of their class
OBJECT_SCALE = (0.63, 0.98)  # half the side of the picture is 1
OBJECT_SHIFT = 0.28
OBJECT_TURN = 0.35  # radians
DARK_VALUE = (0.05, 0.3)  # brightness of the darker of an object's two colours
# Fine, pale patches of middle brightness: a ground of large and strong ones would be most of the
# pixels' variance, and a network would need thousands of steps to look past it.
GROUND_PATCHES = 12  # along a side
GROUND_SATURATION = (0.0, 0.3)
GROUND_VALUE = (0.45, 0.55)
CLUTTER_PIECES = 4
CLUTTER_SCALE = (0.15, 0.4)
SLANT = 0.05  # fall of the light from the middle to a border
NOISE = 0.01

Array = np.ndarray


def generate(
    seed: int, images_per_class_train: int, images_per_class_test: int
) -> tuple[Array, Array, Array, Array, list[str]]:
    """Draw both splits.

    Args:
        seed: any non-negative integer; the same seed gives the same bytes.
        images_per_class_train: training pictures of each of the 25 classes.
        images_per_class_test: test pictures of each of the 25 classes.

    Returns:
        Training images, uint8 (n, 32, 32, 3) in 0..255; their labels, int64 (n,) in 0..24;
        test images and test labels alike; the 25 class names. Both splits are shuffled.
    """
    train = _draw_split(seed, 0, images_per_class_train)
    test = _draw_split(seed, 1, images_per_class_test)
    return (*train, *test, list(CLASS_NAMES))


def _draw_split(seed: int, split: int, per_class: int) -> tuple[Array, Array]:
    """Draw one split (0 train, 1 test): shuffled images and labels."""
    images = [
        draw_class(np.random.default_rng([seed, split, label]), label, per_class)
        for label in range(len(CLASS_NAMES))
    ]
    labels = np.repeat(np.arange(len(CLASS_NAMES)), per_class)
    order = np.random.default_rng([seed, split, len(CLASS_NAMES)]).permutation(labels.size)
    return np.concatenate(images)[order], labels[order]


def draw_class(rng: np.random.Generator, label: int, count: int) -> Array:
    """Draw `count` pictures of one class: uint8 (count, 32, 32, 3)."""
    silhouette = SILHOUETTES[label // len(TEXTURES)]
    texture = TEXTURES[label % len(TEXTURES)]
    scheme = (label // len(TEXTURES) + 2 * (label % len(TEXTURES))) % len(SCHEME_HUES)
    canvas = _draw_ground(rng, count)
    for _ in range(CLUTTER_PIECES):
        _add_clutter(rng, canvas)
    canvas = canvas.repeat(OVERSAMPLING, 1).repeat(OVERSAMPLING, 2)
    _add_object(rng, canvas, silhouette, texture, scheme)
    canvas = _shrink(canvas)
    _light(rng, canvas)
    canvas += rng.standard_normal(canvas.shape, dtype=np.float32) * NOISE
    canvas = _soften(_soften(canvas, 1), 2)
    return np.clip(np.rint(canvas * 255), 0, 255).astype(np.uint8)


def _light(rng: np.random.Generator, canvas: Array) -> None:
    """Lay a slant of light over every picture, in place."""
    count = len(canvas)
    line = np.linspace(-1, 1, SIZE, dtype=np.float32)
    across, down = (_column(rng.uniform(-SLANT, SLANT, count)) for _ in range(2))
    canvas *= 1 + across * line[None, None, :, None] + down * line[None, :, None, None]


def _shrink(canvas: Array) -> Array:
    """Average blocks of pixels down to the size of the pictures."""
    blocks = canvas.reshape(len(canvas), SIZE, OVERSAMPLING, SIZE, OVERSAMPLING, 3)
    small = sum(blocks[:, :, i, :, j] for i in range(OVERSAMPLING) for j in range(OVERSAMPLING))
    return small / np.float32(OVERSAMPLING**2)


def _soften(canvas: Array, axis: int) -> Array:
    """Blur along an axis by (1, 2, 1) / 4, as a lens does."""
    last = canvas.shape[axis] - 1
    place = np.arange(last + 1)
    before = canvas.take(np.maximum(place - 1, 0), axis)
    after = canvas.take(np.minimum(place + 1, last), axis)
    return (before + 2 * canvas + after) / 4


def _column(values: Array) -> Array:
    """One float32 number a picture, shaped (n, 1, 1, 1)."""
    return values.astype(np.float32)[:, None, None, None]


def _draw_ground(rng: np.random.Generator, count: int) -> Array:
    """Soft patches of two colours: float32 (count, 32, 32, 3)."""
    grid = rng.random((count, GROUND_PATCHES, GROUND_PATCHES), dtype=np.float32)
    mix = _enlarge(grid, SIZE)[..., None]
    one, two = (_random_colours(rng, count, GROUND_SATURATION, GROUND_VALUE) for _ in range(2))
    return one[:, None, None] * mix + two[:, None, None] * (1 - mix)


def _enlarge(grid: Array, side: int) -> Array:
    """Bilinear enlargement of (n, k, k) to (n, side, side)."""
    k = grid.shape[1]
    place = np.linspace(0, k - 1, side)
    low = np.minimum(place.astype(int), k - 2)
    part = (place - low).astype(np.float32)
    rows = grid[:, low] * (1 - part)[None, :, None] + grid[:, low + 1] * part[None, :, None]
    return rows[:, :, low] * (1 - part) + rows[:, :, low + 1] * part


def _add_clutter(rng: np.random.Generator, canvas: Array) -> None:
    """Paint one textured blot or bar on the ground of every picture, in place.

    Texture and form are drawn for the picture, whatever its class: clutter tells nothing.
    """
    choices = [(kind, bar) for kind in TEXTURES for bar in (False, True)]
    choice = rng.integers(len(choices), size=len(canvas))
    for number, (kind, bar) in enumerate(choices):
        chosen = np.flatnonzero(choice == number)
        count, side = chosen.size, canvas.shape[1]
        u, v = _object_frame(rng, count, side, CLUTTER_SCALE, 0.95, np.pi)
        w = v / rng.uniform(0.35, 1.0, (count, 1, 1)).astype(np.float32)
        edge = 1 - (np.maximum(np.abs(u), np.abs(w)) if bar else np.hypot(u, w))
        one, two = (_random_colours(rng, count, (0.2, 0.8), (0.3, 0.95)) for _ in range(2))
        part = canvas[chosen]
        _paint(part, _cover(edge, 4), _texture(rng, kind, u, v), one, two)
        canvas[chosen] = part


def _add_object(
    rng: np.random.Generator, canvas: Array, silhouette: str, texture: str, scheme: int
) -> None:
    """Paint the object of every picture, with a dark outline, in place."""
    count, side = canvas.shape[:2]
    u, v = _object_frame(rng, count, side, OBJECT_SCALE, OBJECT_SHIFT, OBJECT_TURN)
    edge = SILHOUETTE_EDGES[silhouette](u, v)
    own = rng.random(count) < SCHEME_SHARE
    hue = np.where(own, SCHEME_HUES[scheme], rng.random(count)) + rng.normal(0, 0.05, count)
    bright = _from_hsv(hue, rng.uniform(0.55, 0.95, count), rng.uniform(0.7, 1.0, count))
    hue = hue + rng.choice([0.0, 0.15, 0.45], count) + rng.normal(0, 0.04, count)
    dark = _from_hsv(hue, rng.uniform(0.4, 0.95, count), rng.uniform(*DARK_VALUE, count))
    outline = bright * 0.25
    _paint(canvas, _cover(edge + 0.09, 14), np.zeros_like(u), outline, outline)
    _paint(canvas, _cover(edge, 14), _texture(rng, texture, u, v), bright, dark)


def _paint(canvas: Array, cover: Array, pattern: Array, one: Array, two: Array) -> None:
    """Mix two colours by `pattern` (0..1) and lay them over the canvas where `cover` is 1."""
    for channel in range(3):
        first, change = (c[:, channel, None, None] for c in (one, two - one))
        layer = canvas[..., channel]
        layer += cover * (first + change * pattern - layer)


def _cover(edge: Array, sharpness: float) -> Array:
    """Opacity 0..1 from a signed distance that is positive inside."""
    return np.clip(edge * sharpness + 0.5, 0, 1).astype(np.float32)


def _object_frame(
    rng: np.random.Generator,
    count: int,
    side: int,
    scale: tuple[float, float],
    shift: float,
    turn: float,
) -> tuple[Array, Array]:
    """Coordinates of every pixel as an object sees them: two float32 (count, side, side).

    The picture spans -1..1; an object of scale 1 fills it. Every picture has its own scale,
    shift (up to +-`shift`), turn (up to +-`turn` radians) and mirror image.
    """
    line = np.linspace(-1, 1, side, dtype=np.float32)
    size, x0, y0, angle, mirror = (
        _column(a)[..., 0]
        for a in (
            rng.uniform(*scale, count),
            rng.uniform(-shift, shift, count),
            rng.uniform(-shift, shift, count),
            rng.uniform(-turn, turn, count),
            rng.choice([-1.0, 1.0], count),
        )
    )
    x, y = line[None, None, :] - x0, line[None, :, None] - y0
    c, s = np.cos(angle) / size, np.sin(angle) / size
    return (c * x + s * y) * mirror, c * y - s * x


def _texture(rng: np.random.Generator, kind: str, u: Array, v: Array) -> Array:
    """Pattern 0..1 over object coordinates, with a period and a phase of its own a picture."""
    count = len(u)
    pitch = rng.uniform(0.42, 0.6, (count, 1, 1)).astype(np.float32)
    phase = rng.uniform(0, 1, (2, count, 1, 1)).astype(np.float32)
    a, b = u / pitch + phase[0], v / pitch + phase[1]
    if kind == "plain":
        return np.zeros_like(u)
    if kind == "striped":
        return _cover(np.sin(2 * np.pi * a), 1.5)
    if kind == "dotted":
        return _cover(0.33 - np.hypot(a % 1 - 0.5, b % 1 - 0.5), 6)
    if kind == "checked":
        return _cover(np.sin(np.pi * a * 1.2) * np.sin(np.pi * b * 1.2), 4)
    return _cover(np.sin(2 * np.pi * (np.hypot(u, v) / pitch + phase[0])), 1.5)


def _fish(u: Array, v: Array) -> Array:
    """An oval body with a tail fin and a back fin."""
    body = (1 - np.hypot((u - 0.15) / 0.8, v / 0.5)) * 0.5
    tail = np.minimum(np.minimum(-0.45 - u, u + 1.0), (-0.35 - u) * 0.9 - np.abs(v))
    fin = np.minimum(0.75 - np.hypot(u - 0.0, v + 0.05), -np.abs(u + 0.05 + v * 0.4) + 0.22)
    return np.maximum(np.maximum(body, tail), np.minimum(fin, -v))


def _butterfly(u: Array, v: Array) -> Array:
    """Two pairs of wings and a thin body."""
    w = np.abs(u)
    upper = (1 - np.hypot((w - 0.55) / 0.45, (v + 0.35 + 0.3 * (w - 0.5)) / 0.42)) * 0.43
    lower = (1 - np.hypot((w - 0.42) / 0.34, (v - 0.42) / 0.36)) * 0.35
    body = (1 - np.hypot(u / 0.13, v / 0.75)) * 0.13
    return np.maximum(np.maximum(upper, lower), body)


def _mushroom(u: Array, v: Array) -> Array:
    """A half-round cap on a stem."""
    cap = np.minimum((1 - np.hypot(u / 0.95, (v - 0.1) / 0.95)) * 0.9, 0.1 - v)
    stem = np.minimum(0.26 + 0.08 * v - np.abs(u), np.minimum(0.95 - v, v + 0.2))
    return np.maximum(cap, stem)


def _star(u: Array, v: Array) -> Array:
    """Five points."""
    radius, angle = np.hypot(u, v), np.arctan2(u, -v)
    inner = np.abs((angle / (2 * np.pi) * 5 + 0.5) % 1 - 0.5) * 2
    return (1.02 - 0.58 * inner**0.8 - radius) * 0.75


def _leaf(u: Array, v: Array) -> Array:
    """A pointed oval with a stalk."""
    lens = 1.05 - np.hypot(np.abs(v) + 0.52, u * 1.02)
    stalk = np.minimum(0.08 - np.abs(v), np.minimum(u + 1.1, -0.6 - u))
    return np.maximum(lens, stalk)


SILHOUETTE_EDGES: dict[str, Callable[[Array, Array], Array]] = {
    "fish": _fish,
    "butterfly": _butterfly,
    "mushroom": _mushroom,
    "star": _star,
    "leaf": _leaf,
}


def _random_colours(
    rng: np.random.Generator,
    count: int,
    saturation: tuple[float, float],
    value: tuple[float, float],
) -> Array:
    """Colours of any hue: float32 (count, 3) in 0..1."""
    return _from_hsv(rng.random(count), rng.uniform(*saturation, count), rng.uniform(*value, count))


def _from_hsv(hue: Array, saturation: Array, value: Array) -> Array:
    """Hue (any real, period 1), saturation and value (0..1), each (n,), to RGB (n, 3)."""
    k = (np.array([5.0, 3.0, 1.0]) + 6 * hue[:, None]) % 6
    fall = np.clip(np.minimum(k, 4 - k), 0, 1)
    return (value[:, None] * (1 - saturation[:, None] * fall)).astype(np.float32)
