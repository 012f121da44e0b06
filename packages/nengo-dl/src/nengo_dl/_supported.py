"""Say so in one line if something that is installed has a version that cannot work."""

from ._quiet import without_notes

with without_notes():  # imports TensorFlow, if all is well
    from nengo_dl_signals.versions import check_versions

check_versions("nengo-dl")
