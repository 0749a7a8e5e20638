"""The lists of published datasets, read as they are distributed.

Nothing is downloaded. A module reads its lists; `official` finds the files.
"""
