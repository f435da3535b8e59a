"""Needed history: how many steps of its past a series needs to be foretold as well as with all of them.

It is not called ``history``: that is the public function, and a package of its name would hide it.
"""
