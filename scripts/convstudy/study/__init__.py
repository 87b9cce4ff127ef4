"""The config, checked and resolved into the runs that a study asks for."""
