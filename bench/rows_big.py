"""100,000 checks: start, reload, resync, status; and what the checks feel of them."""
import os, time

from contenders import *
from rows_latency import YANET
from yanet_double import YanetDouble, dump_service


def resync(d, yanet, n):
    """(seconds until all is flushed again, agg's CPU in s)"""
    updates, flushes = yanet.counts()['updates'], yanet.counts()['RealFlush']
    cpu, begin = cpu_ns(d.pid(), 'agg'), time.monotonic()
    yanet.restart()
    wait_for('a full resync', lambda: yanet.counts()['updates'] - updates >= n and yanet.counts()['RealFlush'] > flushes, 60, 0.02)
    return time.monotonic() - begin, (cpu_ns(d.pid(), 'agg') - cpu) / 1e9


def reload_ms(d):
    begin = time.monotonic()
    if d.reload() != (200, {}):
        raise RuntimeError('the reload was refused')
    return (time.monotonic() - begin) * 1000


def status(d):
    """(ms, CPU of the answering thread in ms, MB)"""
    cpu, begin = cpu_ns(d.pid(), 'api'), time.monotonic()
    code, text = d.request('GET', '/v1/status')
    if code != 200:
        raise RuntimeError('GET /v1/status: %d' % code)
    return (time.monotonic() - begin) * 1000, (cpu_ns(d.pid(), 'api') - cpu) / 1e6, len(text) / 1e6


def disturbed(fleet, delay, action):
    """Repeats action for one interval, which each check meets once; returns what it returned, and the
    gap errors of that interval."""
    fleet.command('mark')
    end, results = time.monotonic() + delay, []
    while time.monotonic() < end:
        results.append(action())
        time.sleep(0.25)
    return results, fleet.stats(delay)['gap_error_us']


def feel(name, errors):
    yield figure('big', 'gap error, p99, ' + name, 'us', [errors['p99']], note='worst %.1f ms' % (errors['max'] / 1000))


LATE = ('grid_skipped', 'worker_late', 'worker_stalls', 'results_bad')


def steady_figures(d, fleet, yanet, n, delay):
    time.sleep(delay) # an arrival of each, before the first gap
    before = d.counters()
    _, quiet = disturbed(fleet, delay, lambda: None)
    yield from feel('quiet', quiet)
    asked, errors = disturbed(fleet, delay, lambda: status(d))
    took, cpu, size = zip(*asked)
    yield figure('big', 'GET /v1/status, until read', 'ms', took, note='%.0f MB' % size[0])
    yield figure('big', 'GET /v1/status, CPU of api', 'ms', cpu)
    yield from feel('while status is asked', errors)
    took, errors = disturbed(fleet, delay, lambda: reload_ms(d))
    yield figure('big', 'reload, nothing changed', 'ms', took, 250, 1000)
    yield from feel('while reloading', errors)
    took, errors = disturbed(fleet, delay, lambda: resync(d, yanet, n))
    took, cpu = zip(*took)
    yield figure('big', 'full resync, CPU of agg', 'ms', [c * 1000 for c in cpu], 1000, 3000)
    yield figure('big', 'full resync, from the restart on', 'ms', [t * 1000 for t in took], note='with the wait before reconnecting')
    yield from feel('while resyncing', errors)
    after = d.counters()
    late = {k: after[k] - before[k] for k in LATE}
    yield figure('big', 'due checks missed meanwhile', '', [late['grid_skipped'] + late['worker_late']], 0, 0, note=str(late))


def row_big(seconds, n=100000, delay=10):
    config = [dump_service(vip(s), [(real_ip(i), PORT) for i in range(100 * s, 100 * s + 100)]) for s in range(n // 100)]
    d = Alived(services(n, delay=delay, per_service=100), yaml=YANET)
    with Fleet(n, with_syns=True) as fleet, YanetDouble(d.dir, config) as yanet:
        os.sched_setaffinity(yanet.process.pid, {TARGET_CPU})
        begin = time.monotonic()
        with d:
            ready = time.monotonic() - begin
            time.sleep(0.5)
            first = fleet.stats(delay)['first_s'] - begin
            yield figure('big', 'exec to READY, %d checks' % n, 'ms', [ready * 1000])
            yield figure('big', 'exec to first check, %d checks' % n, 'ms', [first * 1000], 500, 2000, note='files parsed in it')
            d.wait_until_up(n, 40)
            wait_for('all is delivered', lambda: d.summary()['balancer']['undelivered'] == 0, 30, 0.1)
            yield from steady_figures(d, fleet, yanet, n, delay)
