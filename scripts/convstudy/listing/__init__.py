"""What names of files and tables say of images: their parts, classes and groups."""
