"""Real data without downloads, and four seeded toy tasks.

Every corpus comes out of a Python package that is already installed, so a chapter still runs when a web
host is down. Optional packages are imported only when their corpus is asked for.

    prose         python_docs, python_docs_split       English prose                               chapters 2, 3
    translation   ui_strings, ui_strings_split         Chinese-English interface strings           chapter 10
    dates         dates, date_lists                    Chinese-English dates, word order changes   chapters 9, 10
    similar       Similarity, families, unlike         which strings are nearly the same           chapter 10
    weather       weather                              four years of daily weather                 chapter 1
    digits        digits                               8×8 pictures of handwritten digits          chapter 3
    toy_tasks     copy_memory, delayed_copy, adding    a dial for how long memory must last        chapters 4 to 8
                  marked_numbers                       a number to hold, or to add to              chapters 6, 7
    quotations    inside_quotations, balanced          where in a text a quotation is open         chapters 6, 7

Deliberately absent: anything that downloads, and anything that is not the same on every call and on every
supported release of Python.
"""

from rnnlib.corpora.dates import date_lists, dates
from rnnlib.corpora.digits import Digits, digits
from rnnlib.corpora.prose import Split, python_docs, python_docs_split, split_blocks
from rnnlib.corpora.quotations import balanced, inside_quotations
from rnnlib.corpora.similar import Similarity, character_ngrams, families, normalise, unlike
from rnnlib.corpora.toy_tasks import (
    AddingTask,
    MarkedNumbers,
    SymbolTask,
    adding,
    copy_memory,
    delayed_copy,
    marked_numbers,
)
from rnnlib.corpora.translation import (
    INSTALLED,
    Pair,
    PairSplit,
    chinese_catalogues,
    read_catalogues,
    ui_strings,
    ui_strings_split,
)
from rnnlib.corpora.weather import Weather, weather

__all__ = [
    "INSTALLED",
    "AddingTask",
    "Digits",
    "MarkedNumbers",
    "Pair",
    "PairSplit",
    "Similarity",
    "Split",
    "SymbolTask",
    "Weather",
    "adding",
    "balanced",
    "character_ngrams",
    "chinese_catalogues",
    "copy_memory",
    "date_lists",
    "dates",
    "delayed_copy",
    "digits",
    "families",
    "inside_quotations",
    "marked_numbers",
    "normalise",
    "python_docs",
    "python_docs_split",
    "read_catalogues",
    "split_blocks",
    "ui_strings",
    "ui_strings_split",
    "unlike",
    "weather",
]
