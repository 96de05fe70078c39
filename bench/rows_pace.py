"""When the checks arrive: drift, gap error, bursts."""
import time

from contenders import *

GAPS = {1000: (300, 1000), 5000: (500, 2000), 19000: (1000, 4000)}


def figures(n, start, steady, before, after, fds):
    def pace(name, unit, value, *limits, **more):
        return figure('pace', '%s, %d @1s' % (name, n), unit, [value], *limits, **more)
    by = 'by the kernel\'s time stamps' if steady['by'] == 'syn' else 'as accepted: no right to a packet socket'
    late = {k: after[k] - before[k] for k in ('grid_skipped', 'worker_late', 'worker_stalls', 'ring_full')}
    bells, ticks = after['doorbells'] - before['doorbells'], after['sched_ticks'] - before['sched_ticks']
    yield pace('drift, mean of all', 'ppm', abs(steady['mean_drift_ppm']), 20, 100, note='each alone, median: %s' % steady['drift_ppm']['p50'])
    yield pace('gap error, p99', 'us', steady['gap_error_us']['p99'], *GAPS[n], note=by)
    yield pace('gap error, median', 'us', steady['gap_error_us']['p50'])
    yield pace('gap error, worst', 'us', steady['gap_error_us']['max'])
    yield pace('fullest 10 ms, steady', 'x', steady['worst_10ms'], 1.3, 2)
    yield pace('fullest 10 ms, start', 'x', start['worst_10ms'], 1.3, 2)
    yield pace('first checks: off one interval', '', abs(1 - start['first_spread']), 0.05, 0.1,
               note='the last first check came after %.3f intervals' % start['first_spread'])
    yield pace('descriptors', '', fds, note='in flight + O(threads)')
    yield pace('wakes per scheduler turn', '', bells / max(ticks, 1), 1, 1, note='one worker')
    yield pace('grid points skipped', '', late['grid_skipped'], 0, 0, note=str(late))


def pace_case(n, seconds):
    with Fleet(n, with_syns=True) as fleet:
        with Alived(services(n)) as d:
            time.sleep(2.5)
            start = fleet.stats(1)
            fleet.command('reset')
            before = d.counters()
            time.sleep(max(seconds, 4))
            steady = fleet.stats(1)
            after = d.counters()
            fds = d.fds()
    if steady['seen'] != n or steady['lost']:
        raise RuntimeError('%d of %d targets were checked, %d SYNs lost' % (steady['seen'], n, steady['lost']))
    yield from figures(n, start, steady, before, after, fds)


def row_pace(seconds):
    for n in (1000, 5000, 19000):
        yield from pace_case(n, seconds)
