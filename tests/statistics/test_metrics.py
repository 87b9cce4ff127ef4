"""Metrics against scikit-learn, hand-worked cases and an independent implementation."""

import json

import numpy as np
import pytest
from sklearn import metrics as reference

from convstudy.foundation.errors import UserError
from convstudy.statistics import calibration, metrics, per_class


def predictions(n=400, classes=12, seed=0):
    rng = np.random.default_rng(seed)
    labels = rng.integers(classes, size=n)
    logits = rng.normal(size=(n, classes))
    logits[np.arange(n), labels] += 1.5
    probabilities = np.exp(logits)
    return (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 5, 12, 200])
def test_agrees_with_scikit_learn(classes):
    probabilities, labels = predictions(classes=classes)
    ours = metrics.evaluate(probabilities, labels)
    every = np.arange(classes)
    exact = probabilities.astype(np.float64)
    exact /= exact.sum(axis=1, keepdims=True)
    assert ours["loss"] == pytest.approx(reference.log_loss(labels, exact, labels=every), rel=1e-9)
    assert ours["accuracy"] == reference.accuracy_score(labels, exact.argmax(axis=1))
    if classes > 5:
        top5 = reference.top_k_accuracy_score(labels, exact, k=5, labels=every)
        assert ours["top5_accuracy"] == pytest.approx(top5)
    else:
        assert ours["top5_accuracy"] is None
    brier = reference.brier_score_loss(labels, exact, labels=every, scale_by_half=False)
    assert ours["brier"] == pytest.approx(brier, rel=1e-5)


def test_confusion_and_per_class_accuracy_agree_with_scikit_learn():
    probabilities, labels = predictions(classes=7)
    expected = reference.confusion_matrix(labels, probabilities.argmax(axis=1), labels=range(7))
    np.testing.assert_array_equal(metrics.confusion_matrix(probabilities, labels), expected)
    recall = reference.recall_score(labels, probabilities.argmax(axis=1), average=None)
    assert metrics.evaluate(probabilities, labels)["per_class_accuracy"] == pytest.approx(recall)


def test_class_without_images_has_no_accuracy():
    probabilities = np.array([[0.8, 0.1, 0.1], [0.7, 0.2, 0.1]])
    found = metrics.evaluate(probabilities, np.array([0, 2]))["per_class_accuracy"]
    assert found == [1.0, None, 0.0]


def test_metrics_of_classes_by_hand():
    """Against counts: precision, recall, F1 and the area under the curve as a share of pairs."""
    probabilities, labels = predictions(n=150, classes=4, seed=5)
    predicted = probabilities.argmax(axis=1)
    found = metrics.evaluate(probabilities, labels)
    recalls, scores, areas = [], [], []
    for c in range(4):
        right = ((predicted == c) & (labels == c)).sum()
        precision, recall = right / (predicted == c).sum(), right / (labels == c).sum()
        inside, outside = probabilities[labels == c, c], probabilities[labels != c, c]
        wins = (inside[:, None] > outside).mean() + (inside[:, None] == outside).mean() / 2
        recalls.append(recall)
        scores.append(2 * precision * recall / (precision + recall))
        areas.append(wins)
        assert found["per_class_precision"][c] == pytest.approx(precision)
        assert found["per_class_images"][c] == (labels == c).sum()
    assert found["per_class_accuracy"] == pytest.approx(recalls)
    assert found["per_class_f1"] == pytest.approx(scores)
    assert found["per_class_roc_auc"] == pytest.approx(areas)
    assert found["balanced_accuracy"] == pytest.approx(np.mean(recalls))
    assert found["macro_f1"] == pytest.approx(np.mean(scores))
    assert found["roc_auc"] == pytest.approx(np.mean(areas))


def test_answering_the_larger_class_always_is_no_skill():
    labels = np.repeat([0, 1], [100, 5])
    probabilities = np.tile([0.9, 0.1], (105, 1))
    found = metrics.evaluate(probabilities, labels)
    assert found["accuracy"] == metrics.majority_accuracy(labels) == pytest.approx(100 / 105)
    assert found["balanced_accuracy"] == 0.5
    assert found["per_class_precision"] == [pytest.approx(100 / 105), None]
    assert per_class.never_predicted(probabilities, labels) == [1]


def test_a_class_that_nobody_expects_is_not_missed():
    """A class without test images is not among those never predicted, and has no area."""
    probabilities, labels = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]]), np.array([0, 1])
    assert per_class.never_predicted(probabilities, labels) == []
    assert metrics.evaluate(probabilities, labels)["per_class_roc_auc"] == [1.0, 1.0, None]


def test_the_floor_is_the_calibration_error_of_calibrated_networks():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(600, 20)) * 2
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    errors = []
    for _ in range(300):
        labels = (probabilities.cumsum(axis=1) > rng.random((600, 1))).argmax(axis=1)
        errors.append(calibration.expected_calibration_error(probabilities, labels))
    floor, high = calibration.floor(probabilities)
    assert floor == pytest.approx(np.mean(errors), rel=0.05)
    assert high == pytest.approx(np.percentile(errors, 95), rel=0.05)
    assert floor > 0.02  # far from 0 with 600 images
    many = np.tile(probabilities, (20, 1))
    assert calibration.floor(many) < (floor / 3, high / 3)


def test_a_network_that_is_sure_has_no_floor():
    assert calibration.floor(np.eye(3)[[0, 1, 2, 0]]) == (0, 0)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.5])
def test_the_temperature_is_found_again(temperature):
    """Labels drawn from softmax(z), predictions of softmax(z T): T makes them right again."""
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(20000, 5))
    true = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    labels = (true.cumsum(axis=1) > rng.random((20000, 1))).argmax(axis=1)
    overconfident = calibration.scaled(true, 1 / temperature)
    found = calibration.fitted_temperature(overconfident, labels)
    assert found == pytest.approx(temperature, rel=0.05)
    after = metrics.after_temperature(overconfident, labels, found)
    assert after["ece_scaled"] < 0.02
    assert after["ece_floor_scaled"] == pytest.approx(calibration.floor(true)[0], rel=0.1)
    assert after["loss_scaled"] <= metrics.cross_entropy(overconfident, labels)


def test_probabilities_of_zero_have_a_temperature():
    certain, labels = np.eye(3)[[0, 1, 2, 0]], np.array([0, 1, 2, 1])
    assert 0.05 <= calibration.fitted_temperature(certain, labels) <= 20


def test_calibration_error_worked_by_hand():
    # Bins of 1/15: .95 and .94 fall into the last but none else, .41 and .42 into (.4, .467].
    top = np.array([0.95, 0.94, 0.41, 0.42, 0.42])
    probabilities = np.stack([top, (1 - top) / 2, (1 - top) / 2], axis=1)
    labels = np.array([0, 1, 0, 1, 1])
    # Last bin: accuracy .5, confidence .945. Other bin: accuracy 1/3, confidence 1.25/3.
    expected = 2 / 5 * abs(0.5 - 0.945) + 3 / 5 * abs(1 / 3 - 1.25 / 3)
    assert metrics.evaluate(probabilities, labels)["ece"] == pytest.approx(expected)


def test_calibration_error_against_a_loop():
    probabilities, labels = predictions(n=700, classes=4, seed=3)
    total = 0.0
    for i in range(15):
        inside = [
            j
            for j, row in enumerate(probabilities)
            if i / 15 < max(row) <= (i + 1) / 15 or (i == 0 and max(row) == 0)
        ]
        if inside:
            right = sum(probabilities[j].argmax() == labels[j] for j in inside) / len(inside)
            sure = sum(float(max(probabilities[j])) for j in inside) / len(inside)
            total += len(inside) / len(labels) * abs(right - sure)
    ece = calibration.expected_calibration_error(probabilities, labels)
    assert ece == pytest.approx(total, abs=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_confidence_on_an_edge_belongs_to_the_bin_below(dtype):
    probabilities = np.array([[0.6, 0.4], [1.0, 0.0]], dtype=dtype)
    count, _, _ = calibration.reliability(probabilities, np.array([0, 0]))
    assert np.flatnonzero(count).tolist() == [8, 14]


def test_sure_and_wrong_costs_what_keras_charges():
    loss = metrics.cross_entropy(np.array([[0.0, 1.0]]), np.array([0]))
    assert loss == pytest.approx(-np.log(1e-7))
    assert metrics.cross_entropy(np.array([[1.0, 0.0]]), np.array([0])) > 0


def test_equal_probabilities_are_right_by_chance_only():
    probabilities = np.full((100, 10), 0.1)
    found = metrics.evaluate(probabilities, np.arange(100) % 10)
    assert found["accuracy"] == pytest.approx(0.1)
    assert found["top5_accuracy"] == pytest.approx(0.5)
    assert found["ece"] == pytest.approx(0.0, abs=1e-12)


def test_values_are_builtin_and_inputs_stay_untouched():
    probabilities, labels = predictions(n=30)
    before = probabilities.copy()
    json.dumps(metrics.evaluate(probabilities, labels), allow_nan=False)
    np.testing.assert_array_equal(probabilities, before)


def test_diverged_training_is_named():
    with pytest.raises(UserError, match="1 of 2 predictions.*diverged.*learning rate"):
        metrics.evaluate(np.array([[np.nan, np.nan], [0.5, 0.5]]), np.array([0, 1]))


@pytest.mark.parametrize(
    ("shape", "labels"), [((2, 3), [0, 3]), ((2, 3), [-1, 0]), ((2, 3), [0]), ((0, 3), [])]
)
def test_unfit_shapes_and_labels_are_refused(shape, labels):
    with pytest.raises(ValueError, match="labels"):
        metrics.evaluate(np.full(shape, 1 / 3), np.array(labels, dtype=int))
