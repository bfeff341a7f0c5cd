"""
How an event file is laid out: 64-bit words in the machine's byte order.

    header    512 words; see the numbers below
    open      LANES lanes of 8 pairs: start, kind and object; what has begun and not ended
    totals    SLOTS slots of 4 words: kind and object, count, nanoseconds, longest;
              of the events that have no record
    records   4 words each: start, duration, kind and lane and object, argument

A lane is one thread. It takes a chunk of records, or a slot, for itself and
writes without a lock. Words that were never written are zero: the file is
sparse, and a process that is killed leaves a file that can be read.
"""

from __future__ import annotations

__all__ = (
    "ABSENT",
    "CHUNKS",
    "CHUNK_WORDS",
    "DROPPED",
    "HEADER_WORDS",
    "LANES",
    "MAGIC",
    "MAGIC_AT",
    "OPENED",
    "OPEN_DEPTH",
    "OPEN_WORDS",
    "PID",
    "RECORD_WORDS",
    "SLOTS",
    "SLOT_AT",
    "SLOT_WORDS",
    "TOTALS_START",
    "record_start",
)

MAGIC = 0x31_50_46_4F_52_50_4D  # "MPROFP1"
HEADER_WORDS = 512
MAGIC_AT, PID, OPENED, CHUNKS, SLOT_AT, DROPPED = range(6)

# Threads beyond these record events as well, but not what they are doing now.
LANES = 256
OPEN_DEPTH = 8
OPEN_WORDS = 2 * OPEN_DEPTH

SLOTS = 8_192
SLOT_WORDS = 4
TOTALS_START = HEADER_WORDS + LANES * OPEN_WORDS

RECORD_WORDS = 4
# 128 records of one lane; a process with many short threads wastes little.
CHUNK_WORDS = 128 * RECORD_WORDS

# The object of an event that concerns none.
ABSENT = 0


def record_start() -> int:
    """Return the word at which the records begin."""
    return TOTALS_START + SLOTS * SLOT_WORDS
