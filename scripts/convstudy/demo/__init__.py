"""Drawn data for the demo: pictures in the on-disk formats of the real data sets."""
