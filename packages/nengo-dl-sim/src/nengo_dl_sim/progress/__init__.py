"""Progress bars for the build, runs and training."""

from .bars import LogProgressBar as LogProgressBar
from .bars import NengoProgressBar as NengoProgressBar
from .bars import NullProgressBar as NullProgressBar
from .bars import ProgressBar as ProgressBar
from .console import ConsoleProgressBar as ConsoleProgressBar
from .make import ProgressBarLike as ProgressBarLike
from .make import make_progress_bar as make_progress_bar
