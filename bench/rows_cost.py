"""CPU per check against the floors and HAProxy: tcp, http, https, grpc."""
import contextlib, shutil

from contenders import *

# ratio to the floor, still acceptable, ratio to HAProxy that is acceptable
CASES = {
    'tcp half-open': dict(budget=1.2, vs_haproxy=0.8), 'tcp full': dict(budget=1.2, bound=1.5),
    'http': dict(budget=1.2, vs_haproxy=0.85),
    'https full': dict(budget=1.08, bound=1.15), 'https resumed': dict(budget=1.1, bound=1.25),
    'grpc full': dict(budget=1.08, bound=1.15), 'grpc resumed': dict(budget=1.1, bound=1.3),
}


def against(row, name, meters, bottoms, cheap, budget, bound=None, vs_haproxy=None):
    """The daemon's ratio is that of each pair of neighbours in time, so drift of the machine cancels."""
    def ratio(a, b):
        return [x / y for x, y in zip(a, b)]
    ours = meters['alived'].us
    yield figure(row, name + ', floor saturated', 'us', bottoms['saturated'])
    yield figure(row, name + ', floor at that rate', 'us', bottoms['paced'])
    yield figure(row, name, 'us', ours, note=meters['alived'].note(cheap))
    yield figure(row, name + ' / floor', 'x', ratio(ours, bottoms['saturated']), budget, bound)
    yield figure(row, name + ' / floor at that rate', 'x', ratio(ours, bottoms['paced']), note='equal wakes and cold caches')
    if 'haproxy' in meters:
        theirs = meters['haproxy'].us
        yield figure(row, name + ', HAProxy', 'us', theirs, note=meters['haproxy'].note(cheap))
        yield figure(row, name + ' / HAProxy', 'x', ratio(ours, theirs), bound=vs_haproxy)


def case(row, label, n, kind, check, program, mode, seconds, per_s, in_flight, budget, with_haproxy=True, delay=1):
    """per_s: about how many checks per second the saturated floor makes."""
    turn = seconds / PAIRS
    is_resuming = 'resumed' in label
    if is_resuming:
        check = resuming(check)
        need_keyword(check, 'session_reuse on')
    with contextlib.ExitStack() as stack:
        fleet = stack.enter_context(Fleet(n, kind, tickets=1 if is_resuming else 0))
        daemon = stack.enter_context(Alived(services(n, check, delay=delay)))
        daemon.wait_until_up(n, 15)
        meters = {'alived': Meter(daemon, fleet)}
        if shutil.which('haproxy') and fleet.book() and with_haproxy:
            meters['haproxy'] = Meter(stack.enter_context(Haproxy(n, kind, fleet, is_resuming=is_resuming)), fleet)
        where = [program] + mode + [real_ip(0), PORT, n, in_flight]
        floors = {'saturated': where + [int(turn * per_s) + 1], 'paced': where + [int(turn * n / delay / 2) + 1, int(n / delay)]}
        bottoms = take_turns(meters, floors, turn)
        cheap = 'resumed' if fleet.is_tls else 'half-open'
        yield from against(row, '%s, %d @%gs' % (label, n, delay), meters, bottoms, cheap, **budget)


def row_tcp(seconds):
    for n in (5000, 19000):
        yield from case('tcp', 'TCP half-open', n, 'tcp', TCP_HALF_OPEN, 'floor_tcp', ['half'], seconds, 25000, 500, CASES['tcp half-open'])
    for n in (5000, 19000):
        # HAProxy checks TCP half-open only
        yield from case('tcp', 'TCP full', n, 'tcp', TCP, 'floor_tcp', ['full'], seconds, 25000, 500, CASES['tcp full'], with_haproxy=False)


def row_tiny(seconds):
    yield from case('tiny', 'TCP half-open', 200, 'tcp', TCP_HALF_OPEN, 'floor_tcp', ['half'], seconds, 25000, 100, CASES['tcp half-open'],
                    with_haproxy=False, delay=0.1)


def row_http(seconds, n=5000):
    yield from case('http', 'HTTP', n, 'http', HTTP, 'floor_http', [], seconds, 12000, 200, CASES['http'])


def tls_row(row, label, kind, check, program, seconds, n):
    """As many as half a core takes: with fewer, the fixed cost of 500 turns per second shows."""
    for mode in ('full', 'resumed'):
        yield from case(row, '%s %s' % (label, mode), n, kind, check, program, [mode], seconds, 1500, 50, CASES['%s %s' % (row, mode)])


def row_https(seconds, n=1200):
    yield from tls_row('https', 'HTTPS', 'https', HTTPS, 'floor_tls', seconds, n)


def row_grpc(seconds, n=1200):
    yield from tls_row('grpc', 'gRPC', 'grpcs', GRPC, 'floor_grpc', seconds, n)
