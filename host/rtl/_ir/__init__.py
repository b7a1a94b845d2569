"""The compiler's intermediate representation: typed operations in graphs, under structured control.

`operations` has a class an operation, `graph` makes and simplifies them, `storage` is what values
lie in, `program` puts graphs under loops and branches, and `dump` writes all that as text.
"""
