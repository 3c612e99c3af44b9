"""rnnlib: recurrent networks in NumPy, small enough to read.

The library of the book *Gates & Gradients*. Each module is the printed version of what a chapter derives;
`import rnnlib` loads NumPy only.
"""

__version__ = "1.0.0"
