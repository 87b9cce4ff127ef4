"""Raw files to one HDF5 file a data set, with its splits, and all that is stored in HDF5."""
