"""Progress bars for the build, runs and training."""

from .base import NullProgressBar as NullProgressBar
from .base import ProgressBar as ProgressBar
from .console import ConsoleProgressBar as ConsoleProgressBar
from .log import LogProgressBar as LogProgressBar
from .make import Form as Form
from .make import make_progress_bar as make_progress_bar
from .of_nengo import NengoProgressBar as NengoProgressBar
