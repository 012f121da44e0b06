"""Warnings that point at the user's line, from however deep in the package."""

from nengo_dl_ops.user_warnings import warn_user as warn_user
