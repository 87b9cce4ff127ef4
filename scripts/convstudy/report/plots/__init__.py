"""The pictures of a study, one kind a file; `style` holds what they share."""
