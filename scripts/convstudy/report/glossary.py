"""What the words of the page mean, and how it writes the names of classes."""

TERMS = {
    "accuracy": "The share of test images whose most probable class is the true one.",
    "95 % interval": (
        "Made so that 95 of 100 such intervals hold the true value. With several seeds it is of "
        "the variant: seeds and test images both count as chance, as components of variance, with "
        "a t distribution for the few seeds. With one seed it is of one trained network on other "
        "images of the same kind."
    ),
    "rank": (
        "The place of a value among all values of its sweep that were tried, by the mean accuracy "
        "on validation images over seeds. Test images have no part in it."
    ),
    "seed": (
        "The number that fixes a training's random choices. Trainings that differ in the seed "
        "alone show how much of a difference is chance."
    ),
    "fold": (
        "A part of a data set that tests networks trained on all other parts. In turn every fold "
        "does, so every image tests once a seed (cross-validation). Networks of two folds share "
        "most of their training images, so intervals over folds are approximate."
    ),
    "without duplicates": (
        "The accuracy on those test images that are equal to none that was trained or validated on."
    ),
    "balanced accuracy": (
        "The mean over classes of the share of their images that is recognised (recall). A network "
        "that ignores rare classes has a low one, however high its accuracy is."
    ),
    "macro F1": (
        "The mean over classes of F1, the harmonic mean of precision and recall. Every class "
        "counts the same, rare or not."
    ),
    "F1": "The harmonic mean of precision and recall; high only where both are.",
    "precision": "Of the images that are taken for a class, the share that is of it.",
    "recall": "Of the images of a class, the share that is recognised as such.",
    "AUC": (
        "The area under the ROC curve, one class against the rest: how often an image of the class "
        "gets a higher probability for it than an image of another class. 0.5 is guessing, 1 is "
        "perfect. Of several classes it is the mean."
    ),
    "loss": (
        "The mean of -log(probability of the true class), in nats: 0 is perfect, and certain "
        "mistakes cost most."
    ),
    "top-5": "The share of test images whose true class is among the five most probable.",
    "Brier": (
        "The mean squared distance between the probabilities and the truth, summed over classes: "
        "0 is perfect, 2 the worst."
    ),
    "ECE": (
        "Expected calibration error: how far confidence and accuracy are apart, on average over "
        "15 bins of confidence (Guo et al. 2017). Never 0 for a finite test set: see the floor."
    ),
    "ECE floor": (
        "The mean ECE that a perfectly calibrated network with the same probabilities and as many "
        "test images would show. An ECE near its floor is no sign of bad calibration."
    ),
    "temperature": (
        "One number by which the logits are divided, fitted on the validation images. Above 1 the "
        "network was too certain of itself, below 1 not certain enough."
    ),
    "majority": (
        "The share of the largest class among the test images: what always giving the same answer "
        "reaches. A network must beat it to have learned anything."
    ),
    "train - test": (
        "The accuracy of the kept network on plain training images, less that on test images. "
        "Large where the network knows its training images by heart."
    ),
    "Holm": (
        "A correction of p-values for several tests (Holm 1979): where nothing differs, it keeps "
        "the chance of even one false alarm within a comparison at 5 %."
    ),
    "p-value": (
        "How often two equal variants would show a difference as large as this one or larger. It "
        "is not the chance that they are equal."
    ),
    "minimum detectable effect": (
        "The true difference that such an experiment finds in four of five cases, at the 5 % "
        "level. A smaller one may well exist unseen."
    ),
    "paired difference": (
        "Both variants are compared on the same test images and the same seeds, so what is hard "
        "for both does not blur the difference."
    ),
    "Pareto front": (
        "The variants that no other beats in accuracy at the same cost or less. Accuracies on it "
        "have intervals, too: a small step may be chance."
    ),
    "FLOPs": (
        "Floating-point operations to predict one image (a multiplication and an addition are "
        "two), those of a frozen backbone included where it says so."
    ),
    "calibration": "A calibrated network is right in 80 % of the cases in which it says 80 %.",
    "confidence": "The probability that a network gives to the class that it predicts.",
    "validation": (
        "Images that are neither trained on nor tested on: they decide when a training stops, "
        "which epoch is kept, which value of a sweep is chosen."
    ),
}


def cut(name: str, letters: int = 70) -> str:
    """A name that would fill more than two lines, cut; tables have the whole."""
    return name if len(name) <= letters else f"{name[:letters]}…"
