"""Work in parts on a cluster's workers: every part once, whatever workers are lost on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from tritstream.errors import EngineError, TritstreamError

if TYPE_CHECKING:
    from distributed import Client

Plain = Any
"""Numbers, texts, None, and lists, tuples and dicts of them."""


def spread(
    client: Client, task: Callable[..., Plain], parts: Sequence[tuple[Plain, ...]]
) -> Iterator[tuple[int, Plain]]:
    """Results of ``task(*part)`` by the parts' numbers, as they come, each once.

    A part whose worker is lost is done by another one. Raises what the task raises where that is a
    TritstreamError, and EngineError where the cluster gives up or is gone.
    """
    from distributed import as_completed

    futures = {
        client.submit(task, *part, pure=False, retries=0): number
        for number, part in enumerate(parts)
    }
    try:
        for future in as_completed(list(futures)):
            try:
                result = future.result()
            except TritstreamError:
                raise
            except Exception as error:  # of Dask's own there are many
                raise EngineError(
                    f"the cluster could not do a part of the work: {type(error).__name__}: "
                    f"{error!s:.300}"
                ) from error
            yield futures[future], result
            future.release()
    finally:
        client.cancel([f for f in futures if not f.done()])
