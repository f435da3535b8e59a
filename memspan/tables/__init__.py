"""Tables of a user: files become columns with types, or a list of all that is wrong with them, by row and column.

What reads a file imports pyarrow, which takes 100 MB, by itself; everything else here needs numpy alone.
"""
