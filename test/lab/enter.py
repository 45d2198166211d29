#!/usr/bin/python3
"""Runs a program inside one machine of a lab: enter.py [--detach] LAB PLACE -- COMMAND…

PLACE is a host (w1 …), the switch, or m: the network of the master, and nothing else of it.
Signals reach the program, its end is this program's end, and if this program is killed, so is it.
"""
import ctypes
import os
import select
import signal
import sys

CLONE_NEWPID = 0x20000000
PR_SET_PDEATHSIG = 1
FORWARDED = [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2]
KERNEL = ctypes.CDLL(None, use_errno=True)
UNIFIED = os.path.exists("/sys/fs/cgroup/cgroup.controllers")
GROUPS = "/sys/fs/cgroup" if UNIFIED else "/sys/fs/cgroup/freezer"


def main():
    arguments = sys.argv[1:]
    detach = arguments[0] == "--detach"
    if detach:
        arguments.pop(0)
    lab, place, _, *command = arguments
    if place == "m":
        enter_network(lab, command)
    else:
        enter_machine(lab, place, command, detach)


def enter_network(lab, command):
    network = os.open(f"/proc/{first_process(lab, 'switch')}/root/run/netns/m", os.O_RDONLY)
    join_group(lab, "m")
    set_namespace(network, 0)
    check(KERNEL.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
    execute(command)


def enter_machine(lab, place, command, detach):
    first = first_process(lab, place)
    os.sched_setaffinity(0, os.sched_getaffinity(first))
    rooms = [os.open(f"/proc/{first}/ns/{kind}", os.O_RDONLY) for kind in ("net", "uts", "ipc", "mnt")]
    # Only children enter a process namespace.
    set_namespace(os.open(f"/proc/{first}/ns/pid", os.O_RDONLY), CLONE_NEWPID)
    parent = os.pidfd_open(os.getpid())
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    child = os.fork()
    if child == 0:
        if detach:
            os.setsid()
        else:
            die_with(parent)
        join_group(lab, place)
        folder = os.getcwd()
        for room in rooms:
            set_namespace(room, 0)
        os.chdir(folder)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        execute(command)
    if not detach:
        stand_for(child)


def first_process(lab, place):
    """The first process of the namespace tree, which has the fewest ids and is 1 in the last."""
    with open(group(lab, place)) as listed:
        ids = [namespace_ids(pid) for pid in listed.read().split() if pid != "0"]
    firsts = sorted((pids for pids in ids if pids and pids[-1] == "1"), key=len)
    if not firsts:
        sys.exit(f"Cannot enter {place} of {lab}: it is down")
    return int(firsts[0][0])


def namespace_ids(pid):
    try:
        with open(f"/proc/{pid}/status") as status:
            return next(line.split()[1:] for line in status if line.startswith("NSpid:"))
    except (FileNotFoundError, ProcessLookupError):
        return []


def group(lab, place):
    leaf = place if place in ("m", "switch") else f"{place}/machine"
    path = f"{GROUPS}/{lab}/{leaf}/cgroup.procs"
    if not os.path.exists(path):
        sys.exit(f"Cannot enter {place} of {lab}: it is down")
    return path


def join_group(lab, place):
    with open(group(lab, place), "w") as procs:
        procs.write("0")


def die_with(parent):
    check(KERNEL.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
    # It may have died before that was asked for.
    if select.select([parent], [], [], 0)[0]:
        os._exit(1)


def stand_for(child):
    # A terminal sends its signals to both of us.
    forwarded = [one for one in FORWARDED if one != signal.SIGINT or not sys.stdin.isatty()]
    for one in forwarded:
        signal.signal(one, lambda number, _: os.kill(child, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number != signal.SIGKILL:
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    sys.exit(os.waitstatus_to_exitcode(status))


def execute(command):
    try:
        os.execvp(command[0], command)
    except OSError as error:
        print(f"Cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        os._exit(127)


def set_namespace(descriptor, kind):
    check(KERNEL.setns(descriptor, kind))


def check(result):
    if result != 0:
        number = ctypes.get_errno()
        sys.exit(f"Cannot enter: {os.strerror(number)}")


main()
