"""Networks on disk: backbones, initial weights, features, and the `.keras` files that hold them."""
