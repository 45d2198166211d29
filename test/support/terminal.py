"""Runs a program on a terminal of its own: prints what it prints, types what it is told.

Usage: terminal.py ROWS COLUMNS PROGRAM...
Each line on standard input is an order in JSON: {"type": TEXT} or {"resize": [ROWS, COLUMNS]}.
The last line it prints says the exit code and whether the terminal is as it was.
"""

import fcntl
import json
import os
import pty
import select
import struct
import sys
import termios


def resize(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def obey(terminal, order):
    if "type" in order:
        os.write(terminal, order["type"].encode())
    if "resize" in order:
        resize(terminal, *order["resize"])


def read(terminal):
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


main, side = pty.openpty()
resize(main, int(sys.argv[1]), int(sys.argv[2]))
before = termios.tcgetattr(side)
child = os.fork()
if child == 0:
    os.setsid()
    fcntl.ioctl(side, termios.TIOCSCTTY, 0)
    for number in (0, 1, 2):
        os.dup2(side, number)
    os.execvp(sys.argv[3], sys.argv[3:])

orders = b""
while True:
    ready, _, _ = select.select([main, 0], [], [], 0.05)
    if main in ready:
        sys.stdout.buffer.write(read(main))
        sys.stdout.buffer.flush()
    elif 0 in ready:
        orders += os.read(0, 65536)
        *whole, orders = orders.split(b"\n")
        for order in whole:
            obey(main, json.loads(order))
    elif os.waitid(os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        break

_, status = os.waitpid(child, 0)
same = termios.tcgetattr(side)[:4] == before[:4]
print("\nended", os.waitstatus_to_exitcode(status), "restored" if same else "changed")
