"""A small exercise and a corpus of submissions to it, most of them bad."""
