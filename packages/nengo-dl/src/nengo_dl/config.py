"""Settings of a network."""

from nengo_dl_sim.settings.config import configure_settings as configure_settings
from nengo_dl_sim.settings.config import get_setting as get_setting
