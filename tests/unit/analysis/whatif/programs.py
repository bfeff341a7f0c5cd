"""Programs for the replay, small enough to be solved by hand."""

from mpbench.analysis.whatif.model import (
    NOTHING,
    AwaitItems,
    ClosePool,
    Cost,
    Item,
    Job,
    Join,
    MakePool,
    Pool,
    Program,
    Script,
    Start,
    Submit,
)


def pooled(items, workers, chunk_size=1, *, cpus=64, before=(), **pool):
    """Return a program that maps over one pool and ends."""
    ops = (*before, MakePool(1), Submit(1), AwaitItems(1), ClosePool(1, NOTHING))
    return Program(
        scripts={"main": Script(ops=ops)},
        pools={1: Pool(workers=workers, **pool)},
        jobs={
            1: Job(
                pool=1, items=tuple(items), chunk_size=chunk_size, has_chunk_size=True, place="a:1"
            )
        },
        cpus=cpus,
    )


def equal(count, seconds=1.0):
    """Return calls of the same length."""
    return [Item(seconds)] * count


def processes(*scripts, cpus=64, start_s=0.0):
    """Return a program that starts processes and waits for all of them."""
    names = [f"child {number}" for number in range(len(scripts))]
    ops = [Start(name, Cost(start_s)) for name in names] + [Join(name) for name in names]
    children = {
        name: Script(ops=tuple(own), method="fork")
        for name, own in zip(names, scripts, strict=True)
    }
    return Program(scripts={"main": Script(ops=tuple(ops)), **children}, cpus=cpus)
