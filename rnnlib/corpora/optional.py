"""Packages that only one corpus needs: imported when it is asked for, named when they are missing."""

import importlib
from types import ModuleType


def optional(module: str, package: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"this corpus is read from the package {package}, which is not installed; "
            f"run: python -m pip install {package}"
        ) from error
