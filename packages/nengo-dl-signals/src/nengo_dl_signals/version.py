"""The version of this package, in one place."""

version_info = (1, 0, 0)
"""Major, minor and patch number."""

version = "1.0.0"
"""The same as text; the build reads it from this line."""
