"""From initial weights to a trained and evaluated run."""
