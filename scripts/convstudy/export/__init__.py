"""A trained network used elsewhere: one file for Keras alone, and predictions for image files."""
