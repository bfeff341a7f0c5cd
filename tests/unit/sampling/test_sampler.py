"""The sampler's book: what is counted, what is kept, how it is paced."""

from mpbench.environment import Files
from mpbench.sampling.procfs import ProcReader
from mpbench.sampling.sampler import Sampler, may_sample
from mpbench.sampling.snapshot import ProcessSnapshot

MS = 1_000_000


def reading(pid, own=0, waited=0, *, rss=0, created=1, name="python"):
    """Build a reading with times in milliseconds."""
    return ProcessSnapshot((pid, created), 1, name, own * MS, waited * MS, rss, 1)


class Script:
    """Answers with one prepared look after the other."""

    def __init__(self, *looks):
        self.looks = list(looks)
        self.discoveries = []

    def read(self, *, discover):
        """Answer with the next prepared look."""
        self.discoveries.append(discover)
        return self.looks.pop(0)

    def close(self):
        """Nothing is open."""


def run(*looks, root=1, **options):
    """Tick once for each look and return what was seen."""
    sampler = Sampler(root, reader=Script(*looks), **options)
    for _ in looks:
        sampler.tick()
    return sampler.seen()


def test_the_time_of_waited_children_counts():
    """A child that lived between two looks is in its parent's sum."""
    seen = run(
        [reading(1, 500), reading(2, 10)],
        [reading(1, 500), reading(2, 10, waited=8)],
    )

    assert 18 * MS == seen.cpu_ns


def test_the_root_itself_does_not_count():
    """The supervisor's own time and what it had waited for before are left out."""
    seen = run([reading(1, 500, waited=300)], [reading(1, 900, waited=340)])

    assert 40 * MS == seen.cpu_ns


def test_a_look_that_misses_a_reaped_child_does_not_shrink_the_sum():
    """CPU time never goes down."""
    seen = run(
        [reading(1), reading(2, 50), reading(3, 70)],
        [reading(1), reading(2, 50)],
    )

    assert 120 * MS == seen.cpu_ns


def test_a_pid_that_is_used_again_is_another_process():
    """Processes are kept by pid and creation time."""
    seen = run([reading(7, 5, created=1)], [reading(7, 1, created=2)])

    assert [(7, 1), (7, 2)] == [one.key for one in seen.processes]


def test_the_peak_is_that_of_one_moment():
    """The sum over the tree, at the look where it was largest."""
    seen = run(
        [reading(2, rss=10), reading(3, rss=10)],
        [reading(2, rss=15)],
        [reading(4, rss=12), reading(5, rss=9)],
    )

    assert 21 == seen.peak_rss_bytes


def test_a_process_that_executed_something_has_its_new_name():
    """Between fork and exec a child has its parent's name."""
    seen = run([reading(2, name="python")], [reading(2, name="worker")])

    assert ["worker"] == [one.name for one in seen.processes]
    assert 2 == len(seen.processes[0].points)


def test_points_are_thinned_and_keep_their_ends():
    """A long run does not fill the memory."""
    looks = [[reading(2, own=number)] for number in range(10_000)]

    points = run(*looks).processes[0].points

    assert len(points) <= 4_096
    assert 0 == points[0].cpu_ns
    assert 9_999 * MS == points[-1].cpu_ns


def test_a_dear_look_is_followed_by_a_long_pause():
    """The pause makes room for the cost within the share."""

    class Dear(Script):
        def read(self, *, discover):
            """Burn some CPU time first."""
            sum(range(400_000))
            return super().read(discover=discover)

    sampler = Sampler(1, reader=Dear([], []), interval_s=0.0, share=1e-9)

    assert sampler.tick() > 0.1


def test_a_look_on_request_is_refused_when_the_share_is_used_up():
    """It costs as much as any other."""
    free = Sampler(1, reader=Script([], []), share=1.0)
    poor = Sampler(1, reader=Script([], []), share=1e-12)
    poor.tick()

    assert free.look()
    assert not poor.look()
    assert 1 == poor.seen().ticks


def test_new_processes_are_looked_for_now_and_then():
    """Reading the known ones is cheaper."""
    script = Script(*([[]] * 7))
    sampler = Sampler(1, reader=script)
    for _ in range(7):
        sampler.tick()

    assert [True, False, False, True, False, False, True] == script.discoveries


def test_short_operations_are_left_alone():
    """Unless the user asks for the sampler."""
    assert not may_sample(None)
    assert not may_sample(999_999)
    assert may_sample(1_000_000)
    assert may_sample(10, asked=True)


def stat(pid, name, parent, ticks, resident=3, started=50):
    """Write one line of /proc/PID/stat."""
    user, system, waited_user, waited_system = ticks
    return (
        f"{pid} ({name}) S {parent} 1 1 0 -1 4194304 1 1 0 0 {user} {system} {waited_user} "
        f"{waited_system} 20 0 4 0 {started} 1000 {resident} 0 0\n"
    )


def test_a_tree_is_read_from_proc(tmp_path):
    """Children of every thread are found; a name may hold brackets and spaces."""
    for pid, text, tasks in (
        (10, stat(10, "mpbench", 1, (1, 1, 0, 0)), {10: "11", 12: "13 "}),
        (11, stat(11, "a) b (c", 10, (20, 5, 3, 2)), {11: ""}),
        (13, stat(13, "worker", 10, (0, 1, 0, 0)), {13: ""}),
        (99, stat(99, "stranger", 1, (7, 7, 7, 7)), {99: ""}),
    ):
        for task, children in tasks.items():
            folder = tmp_path / f"proc/{pid}/task/{task}"
            folder.mkdir(parents=True)
            (folder / "children").write_text(children)
        (tmp_path / f"proc/{pid}/stat").write_text(text)
    reader = ProcReader(10, Files(tmp_path))

    first = reader.read(discover=True)
    (tmp_path / "proc/13/stat").write_text("")
    second = reader.read(discover=False)
    reader.close()

    assert [(10, "mpbench"), (11, "a) b (c"), (13, "worker")] == [
        (one.key[0], one.name) for one in first
    ]
    assert (250 * MS, 50 * MS, 4) == (first[1].own_ns, first[1].waited_ns, first[1].threads)
    assert [10, 11] == [one.key[0] for one in second]
