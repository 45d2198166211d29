#!/usr/bin/python3
"""Holds back every frame between two ends: delay-link.py CABLE TAP DELAY-MS [JITTER-MS [LOSS-PERCENT]]

CABLE is the switch's end of a host's cable, taken off the bridge; TAP is made here, for the bridge,
and vanishes with this program. Frames travel with their virtio header, so that checksums which the
kernel leaves to hardware stay to be filled in.
"""
import fcntl
import heapq
import os
import random
import selectors
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_VNET_HDR = 15
PACKET_MR_PROMISC = 1
TUNSETIFF = 0x400454CA
TUNSETOFFLOAD = 0x400454D0
TUN_F_CSUM = 1
IFF_TAP = 2
IFF_NO_PI = 0x1000
IFF_VNET_HDR = 0x4000
FRAME_MAX = 65_550
FRAMES_HELD_MAX = 20_000
FRAMES_PER_TURN = 64


class Direction:
    """Frames on their way to one end, in the order in which they came."""

    def __init__(self, send):
        self.send = send
        self.last_due = 0.0


def main():
    cable, tap, *numbers = sys.argv[1:]
    delay, jitter, loss = (float(number) for number in (numbers + ["0", "0"])[:3])
    near, far = open_cable(cable), open_tap(tap)
    to_far = Direction(lambda frame: os.write(far, frame))
    to_near = Direction(near.send)
    selector = selectors.DefaultSelector()
    selector.register(near, selectors.EVENT_READ, (lambda: read_cable(near), to_far))
    selector.register(far, selectors.EVENT_READ, (lambda: os.read(far, FRAME_MAX), to_near))
    held, count = [], 0
    while True:
        send_due(held)
        pause = max(0.0, held[0][0] - time.monotonic()) if held else None
        for key, _ in selector.select(pause):
            read, direction = key.data
            for frame in frames(read):
                if len(held) >= FRAMES_HELD_MAX or random.random() * 100 < loss:
                    continue
                wait = max(0.0, delay + random.uniform(-jitter, jitter)) / 1000
                # A cable delays; it does not reorder.
                direction.last_due = max(direction.last_due, time.monotonic() + wait)
                count += 1
                heapq.heappush(held, (direction.last_due, count, direction, frame))


def send_due(held):
    while held and held[0][0] <= time.monotonic():
        _, _, direction, frame = heapq.heappop(held)
        try:
            direction.send(frame)
        except OSError:
            # The other end is down or full: a cable drops what it cannot deliver.
            pass


def frames(read):
    for _ in range(FRAMES_PER_TURN):
        try:
            frame = read()
        except BlockingIOError:
            return
        except OSError as error:
            # A cable that is down may come up again.
            print(f"delay-link: {error}", file=sys.stderr, flush=True)
            time.sleep(0.01)
            return
        if frame is not None:
            yield frame


def open_cable(name):
    cable = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    cable.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
    cable.bind((name, ETH_P_ALL))
    member = struct.pack("iHH8s", socket.if_nametoindex(name), PACKET_MR_PROMISC, 0, b"")
    cable.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, member)
    cable.setblocking(False)
    return cable


def read_cable(cable):
    frame, sender = cable.recvfrom(FRAME_MAX)
    # What the kernel or we ourselves send on the cable is heard here, too.
    return None if sender[2] == socket.PACKET_OUTGOING else frame


def open_tap(name):
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI | IFF_VNET_HDR))
    fcntl.ioctl(tap, TUNSETOFFLOAD, TUN_F_CSUM)
    return tap


main()
