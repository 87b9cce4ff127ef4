"""The solved head: against an independent solver, and what its options do."""

import keras
import numpy as np
import pytest
from scipy import optimize, special

from convstudy import models
from convstudy.study import plugin_options

DEFAULTS = {"standardize": True, "max_iterations": 2000, "power": 1.0}


def drawn(n, length, classes, seed=0):
    """Overlapping classes on features of other means and deviations, one of them constant."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % classes
    centres = rng.normal(size=(classes, length))
    features = centres[labels] + 1.5 * rng.normal(size=(n, length))
    features = features * rng.uniform(0.1, 5, length) + rng.normal(size=length)
    features[:, -1] = 0.25
    return features, labels


def minimised(features, labels, classes, l2, weights=None):
    """Mean cross-entropy + l2/2 * squared weights at its minimum: kernel and biases, by SciPy."""
    length = features.shape[1]
    weights = np.ones(len(labels)) if weights is None else weights
    weights, answers = weights / weights.sum(), np.eye(classes)[labels]

    def loss(flat):
        kernel, biases = flat[classes:].reshape(length, classes), flat[:classes]
        logits = features @ kernel + biases
        wrong = weights[:, None] * (special.softmax(logits, axis=1) - answers)
        value = -(
            weights * special.log_softmax(logits, axis=1)[np.arange(len(labels)), labels]
        ).sum()
        gradient = np.concatenate([wrong.sum(axis=0), (features.T @ wrong + l2 * kernel).ravel()])
        return value + l2 / 2 * (kernel**2).sum(), gradient

    start = np.zeros(classes * (length + 1))
    found = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B",
        options={"gtol": 1e-9, "ftol": 1e-15, "maxiter": 20_000, "maxfun": 40_000},
    )  # fmt: skip
    return found.x[classes:].reshape(length, classes), found.x[:classes]


def solved(features, labels, classes, **options):
    solve = models.load("logistic_regression").solve
    return list(solve(features.copy(), labels, classes, **DEFAULTS | options))


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("l2", [0.3, 0.01])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_solution_is_the_minimum_and_takes_raw_features(classes, l2, weighted):
    features, labels = drawn(120, 6, classes)
    class_weights = {label: 1.0 + label for label in range(classes)} if weighted else None
    ((about, (kernel, biases)),) = solved(
        features, labels, classes, l2=l2, class_weights=class_weights
    )
    assert about["l2"] == l2 and about["converged"] and 0 < about["iterations"] < 2000
    deviation = features.std(axis=0)
    deviation[-1] = 1
    plain = (features - features.mean(axis=0)) / deviation
    sample_weights = 1.0 + labels if weighted else None
    expected = minimised(plain, labels, classes, l2, sample_weights)
    network = models.build("logistic_regression", (6,), classes, {})
    network.set_weights([kernel, biases])
    found = np.asarray(network(features.astype(np.float32)))
    wanted = special.softmax(plain @ expected[0] + expected[1], axis=1)
    np.testing.assert_allclose(found, wanted, atol=3e-5)
    # the penalty counts the weights of standardised features
    mine = kernel * deviation[:, None]
    np.testing.assert_allclose(mine - mine.mean(axis=1, keepdims=True), expected[0], atol=1e-4)


def test_without_standardizing_the_penalty_counts_the_weights_as_they_are():
    features, labels = drawn(90, 4, 3)
    ((_, (kernel, _)),) = solved(features, labels, 3, l2=0.1, standardize=False)
    np.testing.assert_allclose(kernel, minimised(features, labels, 3, 0.1)[0], atol=1e-4)


def test_candidates_come_from_the_strongest_and_each_is_a_minimum():
    features, labels = drawn(120, 6, 3)
    found = solved(features, labels, 3, l2=[0.01, 1, 0.1])
    assert [about["l2"] for about, _ in found] == [1, 0.1, 0.01]
    sizes = [np.square(kernel * features.std(axis=0)[:, None]).sum() for _, (kernel, _) in found]
    assert sizes == sorted(sizes)
    for about, (kernel, _) in found:  # a start at the solution before changes no minimum
        ((_, (alone, _)),) = solved(features, labels, 3, l2=about["l2"])
        np.testing.assert_allclose(kernel, alone, atol=1e-4)


def test_too_few_iterations_are_told():
    features, labels = drawn(120, 6, 3)
    ((about, _),) = solved(features, labels, 3, l2=1e-4, max_iterations=3)
    assert about == {"l2": 1e-4, "iterations": 3, "converged": False}


def test_two_solutions_are_equal_to_the_bit():
    features, labels = drawn(200, 10, 4)
    first, second = (solved(features, labels, 4, l2=[0.1, 0.001]) for _ in range(2))
    for (_, one), (_, two) in zip(first, second, strict=True):
        assert all(map(np.array_equal, one, two))


def test_the_network_begins_with_zeros_whatever_the_seed():
    keras.utils.set_random_seed(3)
    network = models.build("logistic_regression", (6,), 3, {})
    assert network.count_params() == 6 * 3 + 3
    assert not any(weight.any() for weight in network.get_weights())


def test_what_the_file_offers_is_read_without_running_it():
    found = plugin_options.describe("models", "logistic_regression")
    assert found.solves and found.schema["properties"]["l2"]["default"] == [
        1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0,
    ]  # fmt: skip
    assert not plugin_options.describe("models", "feature_head").solves


def test_powers_are_taken_before_all_else():
    features, labels = drawn(120, 6, 3)
    options = {"l2": 0.1, "power": 0.5}
    ((_, expected),) = solved(powers(features, 0.5), labels, 3, l2=0.1)
    ((_, found),) = solved(features, labels, 3, **options)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    network = models.build("logistic_regression", (6,), 3, options)
    network.set_weights(found)
    kernel, biases = expected
    logits = powers(features, 0.5) @ kernel + biases
    np.testing.assert_allclose(network(features), special.softmax(logits, axis=1), atol=1e-5)


def powers(x, exponent, offset=0.01):
    return np.sign(x) * ((np.abs(x) + offset) ** exponent - offset**exponent)
