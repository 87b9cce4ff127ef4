"""A backbone with random weights, as its block of the config is once it is resolved."""

SPEC = {
    "application": "ResNet50",
    "file": None,
    "weights": "random",
    "cut": None,
    "any_size": False,
    "batch_norm_momentum": None,
}
SIZE = (32, 32)
