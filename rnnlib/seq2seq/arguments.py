"""Checks of what a model is given, in one wording, and NumPy arrays as PyTorch's tensors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import DTypeLike
from torch import Tensor

__all__ = ["as_mask", "as_tensor", "float_type"]


def float_type(dtype: DTypeLike) -> np.dtype:
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype: expected float32 or float64, got {np.dtype(dtype)}")
    return np.dtype(dtype)


def as_tensor(name: str, ids: Any, size: int) -> Tensor:
    array = np.asarray(ids)
    if not np.issubdtype(array.dtype, np.integer):
        raise TypeError(f"{name}: expected integers, got {array.dtype}")
    if array.ndim != 2 or array.size == 0:
        raise ValueError(f"{name}: expected shape (T, B) with at least one entry, got {array.shape}")
    if array.min() < 0 or array.max() >= size:
        raise ValueError(f"{name}: expected 0 to {size - 1}, got {array.min()} to {array.max()}")
    return torch.from_numpy(array.astype(np.int64, copy=False))


def as_mask(name: str, mask: Any, ids: Tensor) -> Tensor:
    if mask is None:
        return torch.ones_like(ids, dtype=torch.bool)
    array = np.asarray(mask)
    if array.shape != tuple(ids.shape):
        raise ValueError(f"{name}: expected shape {tuple(ids.shape)}, got {array.shape}")
    valid = array.astype(bool)
    if not np.array_equal(valid, array):
        raise ValueError(f"{name}: expected 0 and 1 only, got {array[valid != array][0]}")
    return torch.from_numpy(valid)
