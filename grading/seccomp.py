"""A filter on system calls, as the program for the kernel's packet filter that bubblewrap installs.

It denies what no NumPy homework needs and the other limits do not reach: memory that belongs to no process, new
namespaces, other processes' memory, sockets (those of a virtual machine's host are in no network namespace), and the
parts of the kernel where most holes were. A denied call fails with EPERM; clone3 with ENOSYS, whereupon the C library
uses clone, whose flags can be seen. See linux/seccomp.h.
"""

import struct
import sys
from collections.abc import Iterator

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}  # column below, AUDIT_ARCH_*
DENIED = {
    # memory that outlives the process that asked for it, or that its limits do not count
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
    "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # namespaces
    "unshare": (272, 97), "setns": (308, 268), "mount": (165, 40), "fsopen": (430, 430), "open_tree": (428, 428),
    # other processes
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "pidfd_getfd": (438, 438),
    # sockets, and the parts of the kernel that ask for trust
    "socket": (41, 198), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
}  # fmt: skip
CLONE, CLONE3 = (56, 220), (435, 435)
NEW_NAMESPACES = 0x7E020000  # CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
X32 = 0x40000000  # the other calls of x86-64, by other numbers

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # linux/bpf_common.h
NUMBER, ARCHITECTURE, FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
ALLOW, KILL, EPERM, ENOSYS = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026


def program(machine: str) -> bytes:
    """The filter for a machine, as uname calls it; empty for one whose calls are not listed here."""
    if machine not in ARCHITECTURES or sys.byteorder != "little":
        return b""
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in _instructions(*ARCHITECTURES[machine]))


def _instructions(column: int, architecture: int) -> Iterator[tuple[int, int, int, int]]:
    """(operation, instructions to skip if true, if false, operand)"""
    yield LOAD, 0, 0, ARCHITECTURE
    yield EQUAL, 1, 0, architecture
    yield RETURN, 0, 0, KILL
    yield LOAD, 0, 0, NUMBER
    yield AT_LEAST, 0, 1, X32
    yield RETURN, 0, 0, ENOSYS
    for numbers in DENIED.values():
        yield EQUAL, 0, 1, numbers[column]
        yield RETURN, 0, 0, EPERM
    yield EQUAL, 0, 1, CLONE3[column]
    yield RETURN, 0, 0, ENOSYS
    yield EQUAL, 0, 3, CLONE[column]
    yield LOAD, 0, 0, FIRST_ARGUMENT
    yield ANY_BIT, 0, 1, NEW_NAMESPACES
    yield RETURN, 0, 0, EPERM
    yield RETURN, 0, 0, ALLOW
