"""
Layout of an event file: 64-bit words in the machine's byte order.

    header    512 words, of which a few are used; see the numbers below
    open      LANES lanes of 8 records: what has begun and not ended where the file is
              too full to keep every event
    totals    SLOTS slots of 4 words: kind and object, count, nanoseconds, longest;
              of the events that have no record
    records   4 words each: start, duration, kind and lane and object, argument

A lane is one thread. It takes a chunk of records, or a slot, for itself and
writes without a lock. A record is begun when its event begins: its duration is
zero until the event has ended, and one nanosecond at least from then on. Words
that were never written are zero: the file is sparse, and a process that is
killed leaves a file that can be read.
"""

from __future__ import annotations

__all__ = (
    "CHUNKS",
    "CHUNK_WORDS",
    "DROPPED",
    "FIRST_RECORD",
    "HEADER_WORDS",
    "LEAST_FREE_BYTES",
    "MAGIC",
    "MAGIC_AT",
    "MAX_THREADS",
    "NO_OBJECT",
    "OPENED",
    "OPEN_DEPTH",
    "OPEN_WORDS",
    "PID",
    "RECORD_WORDS",
    "SCRATCH_RECORD",
    "SLOT_AT",
    "SLOT_WORDS",
    "TOTALS",
    "TOTALS_START",
)

MAGIC = 0x32_50_46_4F_52_50_4D  # "MPROFP2"
HEADER_WORDS = 512
MAGIC_AT, PID, OPENED, CHUNKS, SLOT_AT, DROPPED = range(6)

RECORD_WORDS = 4
# 128 records of one lane; a process with many short threads wastes little.
CHUNK_WORDS = 128 * RECORD_WORDS

# Threads beyond these record events as well, but in a full file not what they are doing.
MAX_THREADS = 256
OPEN_DEPTH = 8
OPEN_WORDS = OPEN_DEPTH * RECORD_WORDS
# One record that nobody reads, for whatever has no other place: the end of the header.
SCRATCH_RECORD = HEADER_WORDS - RECORD_WORDS

TOTALS = 8_192
SLOT_WORDS = 4
TOTALS_START = HEADER_WORDS + MAX_THREADS * OPEN_WORDS

# A chunk begins with a page, and is one where pages have 4,096 bytes.
FIRST_RECORD = TOTALS_START + TOTALS * SLOT_WORDS

# With less room on the disk no event file is begun.
LEAST_FREE_BYTES = 64 << 20

# The object of an event that concerns none.
NO_OBJECT = 0
