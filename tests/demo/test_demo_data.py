"""The drawn images: seeded, told apart by form and texture, and as hard as the demo needs."""

import numpy as np
from configs import checked, selected

from convstudy.demo import birds, objects
from convstudy.demo.species import species


def test_objects_follow_from_their_seed():
    first, again, other = (objects.generate(seed, 3, 2) for seed in (7, 7, 8))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])


def test_objects_are_balanced_and_no_test_picture_is_a_training_picture():
    x_train, y_train, x_test, y_test, names = objects.generate(7, 4, 2)
    assert x_train.shape == (100, 32, 32, 3)
    assert x_train.dtype == np.uint8
    assert np.bincount(y_train).tolist() == [4] * len(names)
    assert np.bincount(y_test).tolist() == [2] * len(names)
    assert not {x.tobytes() for x in x_train} & {x.tobytes() for x in x_test}


def test_neither_colours_nor_single_pixels_give_the_class_of_an_object_away():
    """Mean colours and nearest training pictures are right far less often than a network."""
    x_train, y_train, x_test, y_test, _ = objects.generate(7, 60, 20)
    for features in (lambda x: x.mean((1, 2)), lambda x: x[:, ::2, ::2].reshape(len(x), -1)):
        train, test = features(x_train / 255), features(x_test / 255)
        distances = (test**2).sum(1)[:, None] - 2 * test @ train.T + (train**2).sum(1)
        accuracy = np.mean(y_train[distances.argmin(1)] == y_test)
        assert accuracy < 0.4


def test_the_pretraining_species_are_others():
    demo = checked()["demo"]
    told_apart, others = (
        {species(block["first_species"] + k).name for k in range(block["species"])}
        for block in (demo["birds"], demo["other_species"])
    )
    assert not told_apart & others


def test_a_bird_is_a_function_of_seed_species_and_number():
    first, again = (np.asarray(birds.draw(7, 3, 5)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    pictures = [birds.draw(*key) for key in ((7, 3, 6), (7, 4, 5), (8, 3, 5))]
    assert all(picture.tobytes() != first.tobytes() for picture in pictures)


def test_the_demo_trains_what_it_compares_alike():
    """Within a comparison, no variant has a budget or a rate of its own."""
    demo = selected(checked(study="demo"))
    assert len(demo.comparisons()) == 4
    for comparison in demo.comparisons():
        first, *others = [row["training"] for row in demo.rows_of(comparison["name"])]
        assert others and all(training == first for training in others)
