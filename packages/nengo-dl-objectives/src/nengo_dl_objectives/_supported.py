"""Say so in one line if something that is installed has a version that cannot work."""

from .versions import check_versions

check_versions("nengo-dl-objectives")
