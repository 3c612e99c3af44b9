"""Real data without downloads, and three seeded toy tasks.

Every corpus comes out of a Python package that is already installed, so a chapter still runs when a web
host is down. Optional packages are imported only when their corpus is asked for.

    prose         python_docs, python_docs_split       English prose                               chapters 2, 3
    translation   ui_strings                           Chinese-English interface strings           chapter 10
                  dates                                Chinese-English dates, word order changes   chapter 9
    weather       weather                              four years of daily weather                 chapter 1
    digits        digits                               8×8 pictures of handwritten digits          chapter 3
    toy_tasks     copy_memory, delayed_copy, adding    a dial for how long memory must last

Deliberately absent: anything that downloads, and anything that is not the same on every call and on every
supported release of Python.
"""

from rnnlib.corpora.digits import Digits, digits
from rnnlib.corpora.prose import Split, python_docs, python_docs_split, split_blocks
from rnnlib.corpora.toy_tasks import AddingTask, SymbolTask, adding, copy_memory, delayed_copy
from rnnlib.corpora.translation import Pair, dates, ui_strings
from rnnlib.corpora.weather import Weather, weather

__all__ = [
    "AddingTask",
    "Digits",
    "Pair",
    "Split",
    "SymbolTask",
    "Weather",
    "adding",
    "copy_memory",
    "dates",
    "delayed_copy",
    "digits",
    "python_docs",
    "python_docs_split",
    "split_blocks",
    "ui_strings",
    "weather",
]
