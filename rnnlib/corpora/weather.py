"""Daily weather, for the forecasts of chapter 1."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rnnlib.corpora.optional import optional


class Weather(NamedTuple):
    """Daily weather, one array entry per day, all of shape (N,)."""

    date: NDArray[np.datetime64]
    precipitation: NDArray[np.float64]
    temp_max: NDArray[np.float64]
    temp_min: NDArray[np.float64]
    wind: NDArray[np.float64]
    kind: NDArray[np.str_]


def weather() -> Weather:
    """Four years of daily weather in Seattle, 2012 to 2015.

    Returns
    -------
    Weather
        1,461 days: `date` (day resolution), `precipitation` in mm, `temp_max` and `temp_min` in °C, `wind`
        in m/s, and `kind`, one of drizzle, fog, rain, snow, sun. No day is missing.

    Raises
    ------
    ImportError
        If vega_datasets is missing.

    Notes
    -----
    Collected by the U.S. National Oceanic and Atmospheric Administration (public domain); packaged as
    ``seattle-weather`` in vega_datasets (MIT licence). Used in chapter 1.

    Examples
    --------
    >>> from rnnlib.corpora import weather
    >>> data = weather()
    >>> print(data.date[0], data.temp_max[0], data.kind[0])
    2012-01-01 12.8 drizzle
    """
    frame = optional("vega_datasets", "vega-datasets").local_data.seattle_weather()
    return Weather(
        date=frame["date"].to_numpy().astype("datetime64[D]"),
        precipitation=frame["precipitation"].to_numpy(np.float64),
        temp_max=frame["temp_max"].to_numpy(np.float64),
        temp_min=frame["temp_min"].to_numpy(np.float64),
        wind=frame["wind"].to_numpy(np.float64),
        kind=frame["weather"].to_numpy().astype(np.str_),
    )
