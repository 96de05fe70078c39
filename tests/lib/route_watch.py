"""Route changes of one kernel table in a network namespace, with the time at which they were read. It is a process of
its own, with a high priority: nothing that a test does delays it. What it sees a little late only makes the times longer.

As a program: route_watch.py NAMESPACE TABLE prints a line "ready", then "SECONDS +|- PREFIX" per change."""
import ctypes, os, socket, struct, subprocess, sys, threading, time

RTM_NEWROUTE, RTM_DELROUTE = 24, 25
RTA_DST, RTA_TABLE = 1, 15
GROUPS = 0x40 | 0x400 # RTMGRP_IPV4_ROUTE, RTMGRP_IPV6_ROUTE


def attributes(data):
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from('=HH', data, at)
        if length < 4:
            return
        yield kind, data[at + 4:at + length]
        at += (length + 3) & ~3


def changes(data):
    """(is_new, table, prefix) of each message."""
    at = 0
    while at + 16 <= len(data):
        length, kind = struct.unpack_from('=IH', data, at)
        if kind in (RTM_NEWROUTE, RTM_DELROUTE):
            family, dst_len, _, _, table = struct.unpack_from('=BBBBB', data, at + 16)
            parts = dict(attributes(data[at + 28:at + length]))
            if RTA_TABLE in parts:
                table = struct.unpack('=I', parts[RTA_TABLE])[0]
            if RTA_DST in parts:
                yield kind == RTM_NEWROUTE, table, '%s/%d' % (socket.inet_ntop(family, parts[RTA_DST]), dst_len)
        at += (length + 3) & ~3


def main(space, wanted):
    with open('/var/run/netns/' + space) as f:
        if ctypes.CDLL(None, use_errno=True).setns(f.fileno(), 0):
            sys.exit('setns failed')
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    s.setsockopt(socket.SOL_SOCKET, 33, 64 << 20) # SO_RCVBUFFORCE
    s.bind((0, GROUPS))
    os.nice(-15)
    print('ready', flush=True)
    while True:
        data = s.recv(1 << 16)
        now = time.time()
        for is_new, table, prefix in changes(data):
            if table == wanted:
                sys.stdout.write('%.6f %s %s\n' % (now, '+' if is_new else '-', prefix))
        sys.stdout.flush()


class RouteWatch:
    def __init__(self, space, table):
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), space, str(table)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        self.changes = [] # (seconds, is_new, prefix)
        self.present = set()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            at, sign, prefix = line.split()
            (self.present.add if sign == '+' else self.present.discard)(prefix)
            self.changes.append((float(at), sign == '+', prefix))

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.process.kill()
        self.process.wait()


if __name__ == '__main__':
    main(sys.argv[1], int(sys.argv[2]))
