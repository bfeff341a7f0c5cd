"""Hand-made profiled programs: processes, events and samples in milliseconds."""

from mpbench.profiling.event_files import Event, EventTotal, RecordedProcess, ThreadEvents
from mpbench.profiling.flows import flows_of
from mpbench.profiling.hook import kinds
from mpbench.profiling.metadata_files import TracedObject
from mpbench.profiling.processes import process_records
from mpbench.profiling.profile import Profile
from mpbench.profiling.run_program import ProgramRun
from mpbench.sampling.sampler import SampledProcess, SamplerResult, UsagePoint

MS = 1_000_000
# Where the hand-made clocks start; moments are counted from here.
ZERO = 1_000_000 * MS


def moment(begin, end, kind, thing=0, argument=None):
    """Build an event from milliseconds; a get got something unless it is said otherwise."""
    if argument is None:
        argument = int(kind == kinds.GET and end > begin)
    return Event(ZERO + round(begin * MS), ZERO + round(end * MS), kind, thing, argument)


def lane(*moments, number=0, thread="MainThread", unfinished=()):
    """Build a thread with its events in order."""
    ordered = tuple(sorted(moments, key=lambda one: (one.start_ns, -one.end_ns)))
    return ThreadEvents(number, thread, number == 0, ordered, tuple(unfinished))


def totals_of(lanes):
    """Sum up events as a process does."""
    sums = {}
    for one in lanes:
        for event in one.events:
            count, total, longest = sums.get((event.kind, event.object), (0, 0, 0))
            spent = event.duration_ns
            sums[event.kind, event.object] = (count + 1, total + spent, max(longest, spent))
    return tuple(EventTotal(kind, thing, *sum_) for (kind, thing), sum_ in sums.items())


def traced(pid, *lanes, born=0.0, name="", things=None, **given):
    """Build a process that recorded itself."""
    facts = {
        "token": f"{pid}-x",
        "parent_pid": 1,
        "forked": False,
        "role": "child" if name else "",
        "target": "",
        "method": "",
        "program": "program.py",
        "daemon": False,
        "hook_load_ns": 0,
        "dropped": 0,
        "unknown": (),
        "child_exits": (),
        **given,
    }
    born_ns = ZERO + round(born * MS)
    return RecordedProcess(
        pid=pid,
        born_ns=born_ns,
        opened_ns=born_ns,
        name=name,
        threads=lanes,
        objects={n: TracedObject(*one) for n, one in (things or {}).items()},
        totals=totals_of(lanes),
        **facts,
    )


def seen(pid, *points, name="python", created=0.0):
    """Build what a sampler saw of a process: points of (moment, CPU, MiB)."""
    return SampledProcess(
        (pid, ZERO + round(created * MS)),
        1,
        name,
        tuple(
            UsagePoint(ZERO + round(at * MS), round(cpu * MS), memory << 20)
            for at, cpu, memory in points
        ),
    )


def ran(*sampled, ended=1_000.0, **given):
    """Build a program's life; its main process has pid 1."""
    looked = SamplerResult(0, 50 << 20, sampled, 20, 1, MS, round(ended * MS))
    facts = {"pid": 1, "cause": "exited", "exit_code": 0, "interrupted": False, **given}
    report = {"cpu_user_ns": 100 * MS, "cpu_system_ns": 0, "subreaper": True}
    return ProgramRun(
        started_ns=ZERO, ended_ns=ZERO + round(ended * MS), seen=looked, report=report, **facts
    )


def profile(life, *processes):
    """Build a profile from its parts."""
    members = process_records(processes, life)
    return Profile(
        ("/usr/bin/python3", "program.py"), life, members, 1_000.0, flows=flows_of(members)
    )


def worker(pid, *moments, begin=100, end=900, cpu=0, **given):
    """Build a worker that runs from 20 ms after its begin until 10 ms before its end."""
    ordered = (
        moment(begin + 20, end - 10, kinds.RUN, argument=cpu * MS),
        moment(begin + 15, end - 5, kinds.BOOTSTRAP),
        *moments,
    )
    return traced(pid, lane(*ordered), born=begin + 10, name=f"Process-{pid}", forked=True, **given)


def pool_of_two(*, tasks=10, task_ms=10.0):
    """Build a program whose two workers take tasks from a queue, work, and give results."""
    things = {
        1: ("pipe:1", "Pool tasks", "program.py:8", {"peer": "pipe:1"}),
        2: ("pipe:2", "Pool results", "program.py:8", {"peer": "pipe:2"}),
        3: ("sem:1", "Lock", "", {"owner": "pipe:2"}),
    }
    starts = [
        moment(100, 110, kinds.START, 4, argument=2),
        moment(110, 120, kinds.START, 5, argument=3),
    ]
    named = {
        **things,
        4: ("process:2", "Process", "Process-2", {"method": "fork"}),
        5: ("process:3", "Process", "Process-3", {"method": "fork"}),
    }
    sends, workers = [], []
    for pid, begin in ((2, 100), (3, 110)):
        events, at = [], begin + 30.0
        for _ in range(tasks):
            sends.append(moment(at - 1, at - 0.9, kinds.SEND, 1, argument=40))
            events += [
                moment(at, at + 5, kinds.GET, 1),
                moment(at + 0.5, at + 4.5, kinds.RECV, 1, argument=40),
                moment(at + 0.6, at + 4, kinds.RECV_WAIT, 1),
                moment(at + 5, at + 5 + task_ms, kinds.TASK, argument=2),
                moment(at + 5 + task_ms, at + 7 + task_ms, kinds.PUT, 2),
                moment(at + 6 + task_ms, at + 6.5 + task_ms, kinds.LOCK_WAIT, 3),
                moment(at + 6.5 + task_ms, at + 7 + task_ms, kinds.SEND, 2, argument=30),
            ]
            at += 8 + task_ms
        workers.append(
            worker(
                pid, *events, begin=begin, end=at + 20, cpu=round(tasks * task_ms), things=things
            )
        )
    main = traced(
        1,
        lane(*starts, moment(120, 600, kinds.RESULT_WAIT)),
        lane(*sends, number=1, thread="feeder"),
        born=30,
        things=named,
        child_exits=((3, -15, ZERO + 700 * MS),),
    )
    points = [(at, at / 10, 20) for at in range(0, 600, 50)]
    life = ran(
        seen(1, *points), *(seen(pid, *points[3:], created=100) for pid in (2, 3)), ended=600
    )
    return profile(life, main, *workers)
