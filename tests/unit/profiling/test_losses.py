"""Where the workers' time went, in numbers and in words."""

import pytest
from profiled import MS, lane, moment, pool_of_two, profile, ran, seen, traced, worker

from mpbench.profiling.diagnosis import efficiency_sentence, largest_losses
from mpbench.profiling.diagnosis_input import DiagnosisInput
from mpbench.profiling.efficiency import efficiency_breakdown, peak_workers
from mpbench.profiling.hook import kinds
from mpbench.profiling.objects import ObjectCost, merge_unnamed_pipes, object_costs
from mpbench.profiling.processes import Role
from mpbench.profiling.states import State
from mpbench.profiling.tasks import tasks_of
from mpbench.sampling.sampler import UsagePoint


def facts_of(made, cpus=2):
    """Gather what the sentences are made of."""
    return DiagnosisInput(
        made, efficiency_breakdown(made), tasks_of(made.members), object_costs(made.traced), cpus
    )


def one_worker(*moments, cpu=0, begin=0, end=1_000, **given):
    """Build a program whose only worker lives from begin to end of one second."""
    main = traced(1, lane(moment(begin, begin + 5, kinds.START, argument=2)))
    child = worker(2, *moments, begin=begin, end=end, cpu=cpu, **given)
    return profile(ran(seen(1, (0, 0, 1), (1_000, 1, 1))), main, child)


def test_the_parts_add_up_to_the_capacity():
    """Useful time and all losses are the whole of what the workers could give."""
    balance = efficiency_breakdown(pool_of_two())
    lost = sum(one.ns for one in balance.losses)

    assert 2 == balance.workers
    assert abs(balance.capacity_ns - balance.useful_ns - lost) <= 2
    assert balance.useful_ns == 2 * 10 * 10 * MS


def test_a_program_without_workers_has_no_balance():
    """Nothing was parallel, so nothing can be said about it."""
    assert None is efficiency_breakdown(profile(ran(), traced(1, lane())))


def test_workers_are_counted_at_their_peak():
    """Ten workers, one after the other, are one worker's worth."""
    made = profile(
        ran(),
        traced(1, lane()),
        *[worker(10 + n, begin=100 * n, end=100 * n + 90) for n in range(10)],
    )
    members = [one for one in made.members if one.role is Role.WORKER]

    assert 10 == len(members)
    assert 1 == peak_workers(members)


def test_code_that_uses_no_cpu_is_not_useful():
    """A worker that sleeps works by the clock only."""
    balance = efficiency_breakdown(one_worker(cpu=10))

    assert 10 * MS == balance.useful_ns
    assert "blocked" == balance.losses[0].key


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([moment(100, 900, kinds.LOCK_WAIT, 1)], "lock: Lock made at a.py:3"),
        ([moment(100, 900, kinds.SYNC_WAIT)], "waiting for an event"),
        ([moment(100, 900, kinds.CALL)], "calling a manager"),
        ([moment(100, 900, kinds.PICKLE, argument=5)], "pickling"),
        ([moment(100, 900, kinds.GET, 1), moment(110, 890, kinds.RECV_WAIT, 1)], "queue"),
        ([moment(1, 19, kinds.IMPORT_MAIN)], "sleeping"),
    ],
)
def test_the_largest_loss_is_named(events, words):
    """The first sentence is about the state that took most of the time."""
    things = {1: ("sem:1", "Lock", "a.py:3", {})}
    losses = largest_losses(facts_of(one_worker(*events, things=things)))

    assert words in losses[0].text
    assert losses[0].share > 0.7
    assert losses[0].remedy


def test_short_tasks_are_blamed_on_the_chunk_size():
    """The advice names a chunk size that leaves four chunks for each worker."""
    events = []
    for number in range(20):
        at = 30 + number * 40
        events += [
            moment(at, at + 39.5, kinds.GET, 1),
            moment(at + 0.1, at + 39.4, kinds.RECV_WAIT, 1),
            moment(at + 39.5, at + 39.6, kinds.TASK, argument=1),
        ]
    losses = largest_losses(facts_of(one_worker(*events, cpu=5)))

    assert "chunk size 1, a task takes 100 us" in losses[0].text
    assert "chunksize=5" in losses[0].remedy


def test_workers_that_came_late_and_left_early_are_losses():
    """The serial parts of a program cost all of its workers."""
    text = " ".join(
        one.text for one in largest_losses(facts_of(one_worker(begin=400, end=700, cpu=290)))
    )

    assert "ran 400 ms before it started the first one" in text
    assert "went on for 305 ms after the last one" in text


@pytest.mark.parametrize(
    ("delay", "cpus", "words"),
    [(0, 2, "sleeping"), (900, 2, "somebody else had"), (900, 0, "share 0 usable CPUs")],
)
def test_waiting_for_a_cpu_is_told_from_sleeping(delay, cpus, words):
    """The kernel's own figure for time without a CPU decides."""
    made = one_worker(cpu=10)
    last = UsagePoint(made.ended_ns, 10 * MS, 0, delay * MS)
    points = (UsagePoint(made.began_ns, 0, 0), last)
    members = tuple(one._replace(snapshots=points) for one in made.members)
    losses = largest_losses(facts_of(made._replace(members=members), cpus))

    assert words in losses[0].text


def test_the_verdict_counts_whole_cpus():
    """Two workers at a sixth of their time use a third of a CPU."""
    text = efficiency_sentence(facts_of(pool_of_two()))

    assert text.startswith("2 workers kept 0.33 CPUs busy with the program's own code")
    assert text.endswith("18% of their time")


def test_the_verdict_on_one_that_only_sleeps_has_digits():
    """0 % would say that it did nothing; it is what it did on a CPU."""
    text = efficiency_sentence(facts_of(one_worker(cpu=6)))

    assert text.startswith("1 worker kept 0.01 CPUs busy")
    assert text.endswith("0.6% of its time")


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ("spawn", "lighter imports"),
        ("fork", "page tables"),
        ("forkserver", "preload with what"),
        ("loky", "keep the executor"),
    ],
)
def test_what_makes_a_start_cheaper_depends_on_the_method(method, words):
    """Lighter imports do nothing for a fork."""
    made = one_worker(moment(0, 600, kinds.IMPORT_MAIN), begin=0, end=700)
    main, child = made.members
    made = made._replace(members=(main, child._replace(detail=f"{method}, work")))
    advice = [one.remedy for one in largest_losses(facts_of(made)) if "started" in one.text]

    assert all(words in one for one in advice)
    assert advice


def test_a_worker_that_was_killed_unseen_is_not_called_idle():
    """Its CPU time is not known; what it did is."""
    main = traced(1, lane(moment(0, 5, kinds.START, argument=2), moment(5, 1_000, kinds.JOIN)))
    frames = [moment(20, 20, kinds.BOOTSTRAP), moment(25, 25, kinds.RUN)]
    child = traced(2, lane(moment(30, 600, kinds.PICKLE), unfinished=frames), born=10, name="child")
    balance = efficiency_breakdown(profile(ran(seen(1, (0, 0, 1), (1_000, 1, 1))), main, child))

    assert balance.useful_ns > 0


def test_a_program_that_failed_is_not_told_to_end_later():
    """Its workers were gone because it failed."""
    made = one_worker(begin=400, end=700, cpu=290)
    made = made._replace(ran=made.ran._replace(exit_code=1))
    (gone,) = [one for one in largest_losses(facts_of(made)) if "gone already" in one.text]

    assert "took 305 ms to end" in gone.text
    assert "" == gone.remedy


def test_tasks_are_chunks_of_calls():
    """A pool's chunks say how many calls they hold."""
    tasks = tasks_of(pool_of_two(tasks=10, task_ms=10).members)

    assert (20, 40, 10 * MS, 10 * MS, True) == tasks[:5]
    assert 5 * MS == tasks.call_ns


def test_tasks_of_a_loop_over_a_queue():
    """From one answer to the next question, without handing the result back."""
    events = []
    for number in range(4):
        at = 100 + number * 100
        events += [moment(at, at + 10, kinds.GET, 1), moment(at + 60, at + 80, kinds.PUT, 2)]
    tasks = tasks_of(one_worker(*events).members)

    # The last one ended when its result was handed back.
    assert (4, 4, 70 * MS, 70 * MS, False) == tasks[:5]


def test_single_calls_between_chunks_are_counted_as_well():
    """A pool may be used with map and with apply."""
    events = [
        moment(100, 110, kinds.GET, 1),
        moment(110, 130, kinds.TASK, argument=5),
        moment(140, 150, kinds.GET, 1),
        moment(180, 190, kinds.GET, 1),
        moment(200, 240, kinds.TASK, argument=5),
    ]
    tasks = tasks_of(one_worker(*events).members)

    assert (3, 11, 30 * MS, 40 * MS, True) == tasks[:5]


def loop_over(*events):
    """Return the tasks of one worker with these events."""
    return tasks_of(one_worker(*events).members)[:5]


def test_questions_without_an_answer_are_no_tasks():
    """A worker that asks again and again until there is something."""
    events = []
    for number in range(5):
        at = 100 + number * 100
        empty = [moment(at + wait, at + wait + 9, kinds.GET, 1, 0) for wait in (60, 70, 80)]
        events += [moment(at, at + 10, kinds.GET, 1), *empty]

    assert (5, 5, 50 * MS, 50 * MS, False) == loop_over(*events)


def test_a_get_inside_a_get_is_one_question():
    """A subclass's own get calls that of its parent."""
    events = []
    for number in range(4):
        at = 100 + number * 100
        events += [moment(at, at + 10, kinds.GET, 1), moment(at + 1, at + 9, kinds.GET, 1)]
        events.append(moment(at + 60, at + 80, kinds.PUT, 2))

    assert (4, 4, 70 * MS, 70 * MS, False) == loop_over(*events)


def test_two_queues_by_turns_bring_one_task_each_turn():
    """The time in which the other queue is asked is no work."""
    events = []
    for number in range(4):
        at = 100 + number * 100
        events += [moment(at, at + 10, kinds.GET, 1), moment(at + 20, at + 40, kinds.GET, 2)]
        events.append(moment(at + 60, at + 80, kinds.PUT, 3))

    assert (4, 4, 50 * MS, 50 * MS, False) == loop_over(*events)


def test_a_word_to_stop_is_no_task():
    """What came last was not worked on, and nothing was handed back."""
    events = [moment(100 * at, 100 * at + 10, kinds.GET, 1) for at in (1, 2, 3)]
    stopped = moment(985, 989, kinds.GET, 1)

    assert (3, 3, 90 * MS, 675 * MS, False) == loop_over(*events, stopped)


def test_a_queues_locks_belong_to_the_queue():
    """Their waits are its waits; they are no objects of their own."""
    costs = {one.what: one for one in object_costs(pool_of_two().traced)}

    assert "Lock" not in costs
    assert 20 == costs["Pool results"].calls
    assert 20 * MS // 2 == costs["Pool results"].wait_ns
    assert 20 * 30 == costs["Pool results"].sent_bytes
    assert "program.py:8" == costs["Pool results"].place


def test_a_wait_that_never_ended_is_counted():
    """A deadlock shows in the object that it happened on."""
    child = traced(
        2,
        lane(unfinished=[moment(100, 100, kinds.LOCK_WAIT, 1)]),
        born=50,
        name="child",
        things={1: ("sem:1", "Lock", "a.py:3", {})},
    )
    made = profile(ran(seen(2, (60, 0, 1), (900, 0, 1), created=50)), traced(1, lane()), child)

    assert (1, 800 * MS) == object_costs(made.traced)[0][2:4]


def test_processes_have_roles_and_ends():
    """What a parent learned about a child is the child's exit code."""
    main, first, second = pool_of_two().members

    assert [Role.MAIN, Role.WORKER, Role.WORKER] == [one.role for one in (main, first, second)]
    assert [0, None, -15] == [one.exit_code for one in (main, first, second)]
    assert "fork" == first.detail
    assert first.begin_ns == main.traced.main.events[0].start_ns
    assert State.RESULT in main.totals


def test_a_program_that_recorded_nothing_is_seen_from_outside():
    """Another language's process has a life and CPU time."""
    made = profile(
        ran(seen(1, (0, 0, 1), (500, 90, 8)), seen(5, (10, 0, 1), name="git", created=5))
    )

    assert [("python", Role.MAIN), ("git", Role.OTHER)] == [
        (one.name, one.role) for one in made.members
    ]
    assert {State.UNKNOWN: 500 * MS} == made.members[0].totals


def test_many_nameless_pipes_are_one_row():
    """Connections of a manager's proxies would fill the table; three of them do not."""
    queue = ObjectCost("Queue", "a.py:3", 1, 1, 1, 1, 1, 1)
    pipes = [ObjectCost("Pipe", "", 2, 20, 10, number, 100, number) for number in range(1, 5)]
    found = merge_unnamed_pipes([pipes[0], queue, *pipes[1:]])

    assert queue == found[0]
    assert "4 pipes of managers, listeners and the like" == found[1].what
    assert (8, 80, 40, 4, 400, 4) == found[1][2:]
    assert (queue, *pipes[:3]) == merge_unnamed_pipes([queue, *pipes[:3]])
