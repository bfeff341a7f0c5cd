"""The environment record is complete, JSON-able and discreet."""

import getpass
import json

import pytest

from mpbench.environment import Files, describe, machine_name
from mpbench.environment.host import describe_virtualisation
from mpbench.environment.load import pressure
from mpbench.environment.processors import describe_cpu


def test_the_record_is_json_without_nan():
    """Every fact can be written to a result file."""
    record = describe()

    assert record == json.loads(json.dumps(record, allow_nan=False))
    assert 1 <= record["cpu"]["usable"] <= record["cpu"]["logical"]


def test_the_record_survives_a_machine_that_tells_nothing(tmp_path):
    """An empty file system gives None and empty maps, not an error."""
    record = describe(Files(tmp_path))

    assert record["cpu"]["turbo"] is None
    assert record["kernel"]["aslr"] is None
    assert {} == record["load"]["pressure"]
    assert None is record["shared_memory"]["size_bytes"]


def test_the_record_does_not_name_the_user():
    """Result files are shared; a user's name is nobody's business."""
    user = getpass.getuser()
    record = describe()
    # The word may be part of the machine's own name, which the user can choose.
    record.pop("machine")

    assert f"/{user}" not in json.dumps(record)


@pytest.mark.parametrize(
    ("variables", "node", "expected"),
    [
        ({}, "build-7.example.org", "build-7"),
        ({"MPBENCH_MACHINE": "Desk PC / left"}, "other", "desk-pc-left"),
        ({"MPBENCH_MACHINE": "../../etc"}, "other", "etc"),
        ({}, "", "machine"),
        ({}, "x" * 60, "x" * 40),
    ],
)
def test_a_machine_name_is_safe_in_a_path(variables, node, expected):
    """Only lower case letters, digits and hyphens are left."""
    assert expected == machine_name(variables, node)


def test_pressure_is_read_by_resource_and_kind(tmp_path):
    """The names join the line's kind and the field."""
    (tmp_path / "proc/pressure").mkdir(parents=True)
    (tmp_path / "proc/pressure/cpu").write_text(
        "some avg10=2.50 avg60=1.00 avg300=0.20 total=1234\n"
    )

    assert {
        "cpu": {"some_avg10": 2.5, "some_avg60": 1.0, "some_avg300": 0.2, "some_total": 1234.0}
    } == pressure(Files(tmp_path))


def test_cpu_settings_are_read_where_the_kernel_has_them(tmp_path):
    """Governor, turbo, SMT, caches and mitigations come from sysfs."""
    cpu = tmp_path / "sys/devices/system/cpu"
    for name, text in {
        "cpufreq/policy0/scaling_governor": "powersave\n",
        "cpufreq/policy1/scaling_governor": "performance\n",
        "cpufreq/boost": "0\n",
        "smt/active": "1\n",
        "cpu0/topology/physical_package_id": "0\n",
        "cpu1/topology/physical_package_id": "1\n",
        "cpu0/cache/index0/level": "1\n",
        "cpu0/cache/index0/type": "Data\n",
        "cpu0/cache/index0/size": "48K\n",
        "vulnerabilities/meltdown": "Mitigation: PTI\n",
        "vulnerabilities/mds": "Not affected\n",
    }.items():
        (cpu / name).parent.mkdir(parents=True, exist_ok=True)
        (cpu / name).write_text(text)

    facts = describe_cpu(Files(tmp_path))

    assert ["performance", "powersave"] == facts["governors"]
    assert False is facts["turbo"]
    assert True is facts["smt"]
    assert 2 == facts["sockets"]
    assert {"L1d": 49_152} == facts["caches_bytes"]
    assert {"meltdown": "Mitigation: PTI"} == facts["mitigations"]


X86 = "vendor_id : AuthenticAMD\ncpu family : {}\nmodel : 2\nmodel name : AMD EPYC\nstepping : 1\n"
ARM = (
    "CPU implementer : 0x41\nCPU architecture: 8\nCPU variant : 0x3\nCPU part : 0xd0c\n"
    "CPU revision : 1\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (X86.format(26), "AuthenticAMD family 26 model 2 stepping 1"),
        (ARM, "0x41 part 0xd0c variant 0x3 revision 1"),
        ("model name : something\n", None),
        ("", None),
    ],
)
def test_what_generation_a_processor_is(tmp_path, text, expected):
    """Its vendor and numbers; a hypervisor gives many generations the same name."""
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/cpuinfo").write_text(text)

    assert expected == describe_cpu(Files(tmp_path))["generation"]


def test_generations_with_one_name_have_two_fingerprints(tmp_path):
    """A machine that comes back on another kind of host is not the same machine."""
    found = set()
    for family in (25, 26):
        folder = tmp_path / str(family)
        (folder / "proc").mkdir(parents=True)
        (folder / "proc/cpuinfo").write_text(X86.format(family))
        record = describe(Files(folder))

        assert "AMD EPYC" == record["cpu"]["model"]
        found.add(record["fingerprint"])

    assert 2 == len(found)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        (".dockerenv", "", {"container": "docker", "hypervisor": None}),
        ("sys/class/dmi/id/sys_vendor", "QEMU\n", {"container": None, "hypervisor": "kvm"}),
        ("proc/1/cgroup", "0::/kubepods/x\n", {"container": "kubernetes", "hypervisor": None}),
        ("proc/cpuinfo", "flags : hypervisor\n", {"container": None, "hypervisor": "unknown"}),
    ],
)
def test_hints_of_virtualisation(tmp_path, name, text, expected):
    """A container and a hypervisor are told apart."""
    (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / name).write_text(text)

    assert {**expected, "wsl": False} == describe_virtualisation(Files(tmp_path))
