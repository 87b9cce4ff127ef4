"""Files that are missing, from the addresses that the config gives, and checked before use."""
