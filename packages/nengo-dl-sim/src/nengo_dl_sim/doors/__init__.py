"""The public methods of a simulator, by what they are for."""

from .base import Door as Door
from .checking import Checking as Checking
from .exporting import Exporting as Exporting
from .fitting import Fitting as Fitting
from .learning import Learning as Learning
from .looking import Looking as Looking
from .measuring import Measuring as Measuring
from .predicting import Predicting as Predicting
from .restarting import Restarting as Restarting
from .running import Running as Running
from .saving import Saving as Saving
