"""The HTTP faces of what was sold."""
