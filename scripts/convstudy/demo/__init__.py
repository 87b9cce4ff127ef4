"""Generated demo data: drawn pictures in the on-disk formats of the real data sets."""
