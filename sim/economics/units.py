"""Lengths of time that prices per hour are multiplied with."""

import numpy as np
import numpy.typing as npt

HOURS_PER_DAY = 24
HOURS_PER_YEAR = 8_760
HOURS_PER_MONTH = 730
DAYS_PER_MONTH = 30
MONTHS_PER_YEAR = 12
WEEKS_PER_YEAR = 52

Floats = npt.NDArray[np.float64]
