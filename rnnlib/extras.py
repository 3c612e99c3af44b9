"""What a part of the library needs besides NumPy, and how to get it."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["needs"]


def needs(what: str, extra: str, *modules: str) -> None:
    """Say how to install what is missing, before an import fails without a word.

    Parameters
    ----------
    what : str
        Who needs it, as in ``"rnnlib.plots"``.
    extra : str
        The list of packages in `pyproject.toml` that has it.
    *modules : str

    Raises
    ------
    ModuleNotFoundError
        If one of the modules is not installed.

    Examples
    --------
    >>> needs("rnnlib.dreams", "course", "numpy", "sleep")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ModuleNotFoundError: rnnlib.dreams needs sleep, which is not installed; install rnnlib again with [course] ...
    """
    missing = next((module for module in modules if find_spec(module) is None), None)
    if missing is not None:
        raise ModuleNotFoundError(
            f"{what} needs {missing}, which is not installed; install rnnlib again with [{extra}] after its path: "
            f'pip install "PATH[{extra}]"',
            name=missing,
        )
