"""What is minimised of spikes: their counts, their times and their rates."""

from .counts import CountMeanSquaredError as CountMeanSquaredError
from .crossentropy import CountCrossentropy as CountCrossentropy
from .crossentropy import MaxMembraneCrossentropy as MaxMembraneCrossentropy
from .crossentropy import RateCrossentropy as RateCrossentropy
from .first_spike import TemporalCrossentropy as TemporalCrossentropy
from .first_spike import TemporalMeanSquaredError as TemporalMeanSquaredError
from .rate_bounds import FiringRateBounds as FiringRateBounds
from .van_rossum import VanRossumDistance as VanRossumDistance
