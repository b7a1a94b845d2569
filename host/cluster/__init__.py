"""Several machines by Dask; needs the extra `dask`.

`connection` finds the cluster or makes one here, `tasks` is what workers do, `spread` has lines and
windows done by them, and `certificates` makes what TLS needs.

Dask unpickles what its network sends, so whoever can reach a cluster can run programs on it. Hence
beyond this machine there is TLS with certificates on both sides, or nothing. What is sent from here
are names of functions of this package, and plain values.
"""
