"""Weather, digits, and packages that are missing."""

import sys

import numpy as np
import pytest

from rnnlib import corpora


def test_weather_has_a_value_for_every_day():
    data = corpora.weather()
    assert data.date[0] == np.datetime64("2012-01-01") and data.date[-1] == np.datetime64("2015-12-31")
    assert (np.diff(data.date) == np.timedelta64(1, "D")).all() and len(data.date) == 1461
    assert all(column.shape == (1461,) for column in data)
    assert (data.temp_max >= data.temp_min).all() and data.precipitation.min() == 0
    assert set(data.kind) == {"drizzle", "fog", "rain", "snow", "sun"}


def test_digits_are_pictures_in_the_unit_interval():
    data = corpora.digits()
    assert data.images.shape == (1797, 8, 8) and data.labels.shape == (1797,)
    assert data.images.min() == 0 and data.images.max() == 1
    assert set(data.labels) == set(range(10)) and len(data.words) == 10
    # a one has more ink in its middle columns than a zero
    middle = data.images[:, 2:6, 3:5].mean(axis=(1, 2))
    assert middle[data.labels == 1].mean() > 2 * middle[data.labels == 0].mean()


@pytest.mark.parametrize(
    ("module", "call", "package"),
    [
        ("jupyterlab_language_pack_zh_CN", corpora.ui_strings, "jupyterlab-language-pack-zh-CN"),
        ("babel.dates", lambda: corpora.dates(1, 0), "babel"),
        ("vega_datasets", corpora.weather, "vega-datasets"),
        ("sklearn.datasets", corpora.digits, "scikit-learn"),
    ],
)
def test_a_missing_package_is_named_with_the_command_that_installs_it(monkeypatch, module, call, package):
    monkeypatch.setitem(sys.modules, module, None)  # makes the import fail
    with pytest.raises(ImportError, match=f"python -m pip install {package}"):
        call()
