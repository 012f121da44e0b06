"""Say so in one line if something that is installed has a version that cannot work."""

from nengo_dl_signals.versions import check_versions

check_versions("nengo-dl-ops")
