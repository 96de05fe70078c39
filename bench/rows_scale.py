"""CPU per check as the fleet grows, with two workers, and when checks fail."""
import contextlib, threading, time

from contenders import *

PER_S = 10000 # the same for all sizes: what differs is the number of checks
SIZES = (1000, 5000, 20000, 100000)


def us_per_check(d, seconds):
    n, cpu = d.n_checks(), cpu_ns(d.pid())
    time.sleep(seconds)
    return (cpu_ns(d.pid()) - cpu) / 1000 / max(d.n_checks() - n, 1)


def repeat(d, seconds):
    return [us_per_check(d, seconds / 3) for _ in range(3)]


def size_case(n, workers, seconds):
    delay = n / PER_S
    with Fleet(n), Alived(services(n, TCP_HALF_OPEN, delay=delay), workers=workers) as d:
        wait_for('each check had a result', lambda: d.summary()['checks']['undecided'] == 0, 60, 0.2)
        label = '%d checks @%gs, %d worker%s' % (n, delay, workers, 's' * (workers > 1))
        yield figure('scale', 'TCP half-open, ' + label, 'us', repeat(d, seconds), note=d.doubts(),
                     series=('scale', '%d worker%s' % (workers, 's' * (workers > 1)), n))


def failing(name, fleet, text, seconds, during=contextlib.nullcontext):
    """The cost of a check, and how many verdicts changed per second meanwhile."""
    with fleet, Alived(text) as d:
        wait_for('nearly each check had a result', lambda: d.summary()['checks']['undecided'] < 50, 60, 0.2)
        with during(fleet):
            time.sleep(2)
            changes, begin = d.counters()['real_transitions'], time.monotonic()
            values = repeat(d, seconds)
            c = d.counters()
            changes = (c['real_transitions'] - changes) / (time.monotonic() - begin)
    yield figure('scale', 'TCP full, %s' % name, 'us', values, note='%.0f verdicts changed per second' % changes)


class Flapping:
    """The own targets refuse and answer in turns, a second each."""

    def __init__(self, fleet, n, n_own):
        self.fleet, self.target, self.stop = fleet, '%s:%d,%d' % (real_ip(n - n_own), OWN_PORT, n_own), threading.Event()

    def run(self):
        while not self.stop.is_set():
            for what in ('refuse', 'ok'):
                self.fleet.command('set %s %s' % (self.target, what))
                self.stop.wait(1)

    def __enter__(self):
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def __exit__(self, *failure):
        self.stop.set()
        self.thread.join()


def failing_cases(seconds, n=5000):
    yield from failing('%d @1s, all answer' % n, Fleet(n), services(n), seconds)
    yield from failing('%d @1s, all refused' % n, Fleet(n), services(n, port=lambda i: CLOSED_PORT), seconds)
    half = Fleet(n, n_own=n // 2)
    with half:
        half.command('set %s:%d,%d drop' % (real_ip(n - n // 2), OWN_PORT, n // 2))
        yield from failing('%d @1s, half of them timing out' % n, contextlib.nullcontext(half),
                           services(n, port=last_on_own_port(n, n // 2)), seconds)
    some = n // 10
    yield from failing('%d @1s, a tenth flapping' % n, Fleet(n, n_own=some), services(n, port=last_on_own_port(n, some)), seconds,
                       lambda fleet: Flapping(fleet, n, some))


def row_scale(seconds):
    for workers in (1, 2):
        for n in SIZES:
            yield from size_case(n, workers, seconds)
    yield from failing_cases(seconds)
    n = SIZES[-1]
    yield from failing('%d @10s, all refused' % n, Fleet(1), services(n, delay=n / PER_S, port=lambda i: CLOSED_PORT), seconds)
