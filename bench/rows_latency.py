"""From a refused SYN to the frame that disables the real."""
import os, socket, statistics, struct, time

from contenders import *
from yanet_double import YanetDouble, dump_service

YANET = 'yanet: {control_plane_sock_path: "$DIR/yanet.sock"}\nbalancer: {flush_period: 0s}\n'


def wall_to_monotonic():
    """What to add to a time of the wall's clock. We may be put off the CPU between two looks at them: the
    closest pair of some counts."""
    def pair():
        before, wall, after = time.monotonic(), time.time(), time.monotonic()
        return after - before, before - wall
    return min(pair() for _ in range(20))[1]


class Refusals:
    """First RST from each target's port, by the kernel's time stamp. The RST leaves in the same soft
    interrupt that received the SYN."""

    def __enter__(self):
        def op(code, jt, jf, k):
            return struct.pack('HBBI', code, jt, jf, k)
        program = [op(0x28, 0, 0, 12), op(0x15, 0, 8, 0x0800), op(0x30, 0, 0, 23), op(0x15, 0, 6, 6), op(0xb1, 0, 0, 14),
                   op(0x48, 0, 0, 14), op(0x15, 0, 3, OWN_PORT), op(0x50, 0, 0, 27), op(0x45, 0, 1, 4), op(0x06, 0, 0, 128),
                   op(0x06, 0, 0, 0)]
        self.program = b''.join(program)
        try:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        except PermissionError:
            raise Skip('a packet socket needs CAP_NET_RAW')
        import ctypes
        self.code = ctypes.create_string_buffer(self.program)
        self.sock.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HL', len(program), ctypes.addressof(self.code))) # SO_ATTACH_FILTER
        self.sock.setsockopt(socket.SOL_SOCKET, 35, 1) # SO_TIMESTAMPNS
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 16 << 20) # SO_RCVBUFFORCE
        self.sock.bind(('lo', 0))
        self.sock.setblocking(False)
        return self

    def __exit__(self, *failure):
        self.sock.close()

    def first(self):
        """{ip: CLOCK_MONOTONIC s}"""
        shift = wall_to_monotonic()
        found = {}
        while True:
            try:
                data, control, _, _ = self.sock.recvmsg(256, 128)
            except BlockingIOError:
                return found
            ip = socket.inet_ntoa(data[26:30])
            for _, kind, value in control:
                if kind == 35 and ip not in found:
                    s, ns = struct.unpack('qq', value[:16])
                    found[ip] = s + ns / 1e9 + shift


def refuse_and_wait(d, fleet, yanet, n, n_refuse):
    """({ip: s of its first RST}, {ip: s of the frame})"""
    yanet.clear_log()
    with Refusals() as refusals:
        fleet.command('set %s:%d,%d refuse' % (real_ip(n - n_refuse), OWN_PORT, n_refuse))
        time.sleep(1.6)
        refused = refusals.first()
    frames = {}
    for u in yanet.updates():
        if not u['enabled']:
            frames.setdefault(u['rip'], u['t'])
    return refused, frames


ROUNDS = 3


def latency_case(n, n_refuse, p50, p99):
    """The last n_refuse reals refuse from one moment on; each is found out at its own next check, spread
    over one interval. They are too few to look like a fault of ours. Three times, for a p99 of more
    than a few."""
    port = last_on_own_port(n, n_refuse)
    config = [dump_service(vip(s), [(real_ip(i), port(i)) for i in range(20 * s, min(n, 20 * s + 20))]) for s in range((n + 19) // 20)]
    d = Alived(services(n, port=port), yaml=YANET)
    late_us = []
    with Fleet(n, n_own=n_refuse) as fleet, YanetDouble(d.dir, config) as yanet, d:
        os.sched_setaffinity(yanet.process.pid, {TARGET_CPU})
        for _ in range(ROUNDS):
            fleet.command('set %s:%d,%d ok' % (real_ip(n - n_refuse), OWN_PORT, n_refuse))
            wait_for('all are up', lambda: d.summary()['checks']['up'] == n, 20, 0.1)
            wait_for('all is delivered', lambda: d.summary()['balancer']['undelivered'] == 0, 20, 0.1)
            time.sleep(0.5)
            refused, frames = refuse_and_wait(d, fleet, yanet, n, n_refuse)
            late_us += [(frames[ip] - refused[ip]) * 1e6 for ip in refused.keys() & frames.keys()]
    if len(late_us) < ROUNDS * n_refuse * 0.95:
        raise RuntimeError('of %d refusals only %d ended in a frame' % (ROUNDS * n_refuse, len(late_us)))
    late_us.sort()
    label = ', %d @1s' % n
    note = '%d refusals; until the double has the frame' % len(late_us)
    yield figure('latency', 'refused SYN to frame, p50' + label, 'us', [statistics.median(late_us)], *p50, note=note)
    yield figure('latency', 'refused SYN to frame, p99' + label, 'us', [late_us[int(0.99 * (len(late_us) - 1))]], *p99, note=note)


def row_latency(seconds):
    yield from latency_case(1000, 100, (150, 200), (300, 500))
    yield from latency_case(15000, 300, (300, 1000), (1000, 4000))
