"""Control groups are read correctly whatever their version and mount."""

import pytest

from mpbench.environment import Files, describe_cgroup, quota, usable_cpus

V2 = "30 24 0:26 {root} /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "31 24 0:27 {root} /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"


def make(tmp_path, files):
    """Write a small file system and return it."""
    for name, text in files.items():
        place = tmp_path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
    return Files(tmp_path)


def test_no_control_group_means_no_quota(tmp_path):
    """A machine without control groups limits nothing."""
    files = make(tmp_path, {})

    assert None is quota(files)
    assert 3 == usable_cpus(files, allowed=3)
    assert None is describe_cgroup(files)["version"]


@pytest.mark.parametrize(
    ("own", "parent", "expected"),
    [
        ("150000 100000", "max 100000", 1.5),
        ("max 100000", "50000 100000", 0.5),
        ("400000 100000", "300000 100000", 3.0),
        ("max 100000", "max 100000", None),
    ],
)
def test_version_2_takes_the_smallest_quota_on_the_way_up(tmp_path, own, parent, expected):
    """A parent group may limit more than the process's own."""
    files = make(
        tmp_path,
        {
            "proc/self/mountinfo": V2.format(root="/"),
            "proc/self/cgroup": "0::/user.slice/job\n",
            "sys/fs/cgroup/user.slice/job/cpu.max": own,
            "sys/fs/cgroup/user.slice/cpu.max": parent,
        },
    )

    assert expected == quota(files)


def test_version_1_quota_in_a_container_whose_mount_starts_at_its_group(tmp_path):
    """The path of the host is stripped by the root of the container's mount."""
    files = make(
        tmp_path,
        {
            "proc/self/mountinfo": V1.format(root="/docker/abc"),
            "proc/self/cgroup": "4:cpu,cpuacct:/docker/abc\n1:name=systemd:/docker/abc\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "250000\n",
            "sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        },
    )

    assert 2.5 == quota(files)
    assert 3 == usable_cpus(files, allowed=8)
    assert 2 == usable_cpus(files, allowed=2)


def test_a_group_that_the_mount_does_not_show_falls_back_to_the_mount_point(tmp_path):
    """Seen in containers without a control-group name space."""
    files = make(
        tmp_path,
        {
            "proc/self/mountinfo": V2.format(root="/../.."),
            "proc/self/cgroup": "0::/../outside\n",
            "sys/fs/cgroup/cpu.max": "200000 100000",
        },
    )

    assert 2.0 == quota(files)


def test_a_fraction_of_a_cpu_still_is_one_usable_cpu(tmp_path):
    """Half a CPU can keep one process busy half of the time."""
    files = make(
        tmp_path,
        {
            "proc/self/mountinfo": V2.format(root="/"),
            "proc/self/cgroup": "0::/\n",
            "sys/fs/cgroup/cpu.max": "50000 100000",
        },
    )

    assert 1 == usable_cpus(files, allowed=4)


def test_limits_and_throttling_are_described(tmp_path):
    """Memory, process limit and throttling stand in the record."""
    files = make(
        tmp_path,
        {
            "proc/self/mountinfo": V2.format(root="/"),
            "proc/self/cgroup": "0::/job\n",
            "sys/fs/cgroup/job/cpu.max": "100000 100000",
            "sys/fs/cgroup/job/cpu.stat": "nr_periods 40\nnr_throttled 7\nthrottled_usec 900\n",
            "sys/fs/cgroup/job/memory.max": "1073741824\n",
            "sys/fs/cgroup/job/pids.max": "max\n",
            "sys/fs/cgroup/job/pids.current": "12\n",
        },
    )

    assert {
        "version": 2,
        "cpu_quota": 1.0,
        "cpu_throttling": {"periods": 40, "throttled": 7, "throttled_us": 900},
        "memory_limit_bytes": 1 << 30,
        "process_limit": None,
        "processes": 12,
    } == describe_cgroup(files)
