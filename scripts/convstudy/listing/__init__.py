"""What lists of file names say of a data set: parts, classes, groups, and what is left out."""
