"""Kinds of events in a profiled process, as numbers of the event files."""

from __future__ import annotations

__all__ = (
    "BOOTSTRAP",
    "CALL",
    "CHUNK",
    "EXIT",
    "FORKSERVER_START",
    "GET",
    "HOLD",
    "IMPORT",
    "IMPORT_MAIN",
    "JOIN",
    "LOCK_WAIT",
    "MANAGER_START",
    "NAMES",
    "PICKLE",
    "POLL",
    "PUT",
    "RECV",
    "RECV_WAIT",
    "RESULT_WAIT",
    "RUN",
    "SEND",
    "SEND_WAIT",
    "SENT",
    "SHM",
    "START",
    "SUBMIT",
    "SYNC_WAIT",
    "TASK",
    "TRACKER_START",
    "UNPICKLE",
    "WORKER",
)

START = 1  # Process.start; the argument is the child's pid
JOIN = 2  # Process.join, Pool.join, Queue.join, executor shutdown
BOOTSTRAP = 3  # a child's life inside Process._bootstrap
RUN = 4  # Process.run in the child; the argument is its CPU time in ns
IMPORT_MAIN = 5  # a spawned child imports the parent's main module
EXIT = 6  # finalizers at the end of a process; the argument is its CPU time in ns
LOCK_WAIT = 7  # acquire that could not succeed at once
GET = 8  # Queue.get, SimpleQueue.get; the argument is 0 where nothing was got
PUT = 9  # Queue.put, SimpleQueue.put
SEND = 10  # bytes into a connection; the argument is their number
RECV = 11  # bytes out of a connection; the argument is their number
RECV_WAIT = 12  # the part of RECV in which nothing had arrived; never recorded, worked out later
POLL = 13  # Connection.poll, connection.wait
PICKLE = 14  # the argument is the number of bytes
UNPICKLE = 15  # the argument is the number of bytes
RESULT_WAIT = 16  # AsyncResult.get, Future.result and the like
TASK = 17  # one chunk in a worker; the argument is the number of calls in it
CALL = 18  # a call through a manager's proxy
SYNC_WAIT = 19  # Condition.wait, Event.wait, Barrier.wait
WORKER = 20  # the loop of a pool's or an executor's worker
MANAGER_START = 21  # BaseManager.start
SHM = 22  # a shared-memory segment is made or opened; the argument is its size
TRACKER_START = 23  # the resource tracker is started or checked
FORKSERVER_START = 24  # the fork server is started or checked
SEND_WAIT = 25  # the part of SEND in which nobody took anything; never recorded, worked out later
HOLD = 26  # a lock was held; need not nest with the calls of its thread
IMPORT = 27  # an import that no other import made
SENT = 28  # only a sum: bytes of sends that have no record
CHUNK = 29  # a message's calls in a worker; its job, and its place in it with microseconds of CPU
SUBMIT = 30  # a job is given to a pool or an executor; the argument is its number

NAMES = {
    START: "Process.start",
    JOIN: "join",
    BOOTSTRAP: "bootstrap",
    RUN: "run",
    IMPORT_MAIN: "import main module",
    EXIT: "exit",
    LOCK_WAIT: "wait for lock",
    GET: "get",
    PUT: "put",
    SEND: "send",
    RECV: "receive",
    RECV_WAIT: "wait for data",
    POLL: "poll",
    PICKLE: "pickle",
    UNPICKLE: "unpickle",
    RESULT_WAIT: "wait for result",
    TASK: "task",
    CALL: "manager call",
    SYNC_WAIT: "wait",
    WORKER: "worker loop",
    MANAGER_START: "start manager",
    SHM: "shared memory",
    TRACKER_START: "resource tracker",
    FORKSERVER_START: "fork server",
    SEND_WAIT: "wait for reader",
    HOLD: "hold lock",
    IMPORT: "import",
    CHUNK: "chunk",
    SUBMIT: "submit",
}
