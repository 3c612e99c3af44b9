"""What all tests share: one thread per worker when they run side by side, and the built book."""

import os

# before NumPy or PyTorch is loaded: two workers with two threads each would wait for one another
if "PYTEST_XDIST_WORKER" in os.environ:
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("MPLBACKEND", "agg")
