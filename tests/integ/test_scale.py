#!/usr/bin/python3
"""Thousands of checks: every one runs in its time, nothing flips, a reload of an unchanged file is not felt.

ALIVED_SCALE_S stretches the observation (default 8 s a case)."""
import contextlib, ipaddress, json, os, socket, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from integ import BirdDouble, Daemon, check, equal, wait_for
from fleet import Fleet
from yanet_double import YanetDouble, dump_service

SECONDS = float(os.environ.get('ALIVED_SCALE_S', '8'))
BASE = int(ipaddress.ip_address('127.1.0.1'))


def free_port():
    """A port below the ephemeral range that nobody listens on."""
    for port in range(20000 + os.getpid() % 5000, 32000):
        with contextlib.suppress(OSError), socket.socket() as s:
            s.bind(('0.0.0.0', port))
            return port


PORT = free_port()


def real_ip(i):
    return str(ipaddress.ip_address(BASE + i))


def vip(i):
    return '198.18.%d.%d' % (i >> 8, i & 255)


def services(n, per_service=20, delay=1, group=False):
    lines = []
    for first in range(0, n, per_service):
        lines += ['virtual_server %s 80 {' % vip(first // per_service), '  protocol TCP', '  lvs_sched wrr',
                  '  lvs_method NAT', '  delay_loop %g' % delay, '  retry 1', '  delay_before_retry 0.2']
        if group:
            lines.append('  announce_group default')
        for i in range(first, min(n, first + per_service)):
            lines += ['  real_server %s %d {' % (real_ip(i), PORT), '    TCP_CHECK {', '      connect_timeout 0.9', '    }', '  }']
        lines.append('}')
    return '\n'.join(lines) + '\n'


def run_fleet_of(n):
    d = Daemon(services(n), yaml='workers: {count: 1}\n')
    with Fleet(d.dir, real_ip(0), PORT, n) as fleet, d:
        wait_for('all are up', lambda: d.summary()['checks']['up'] == n, 10)
        fleet.forget()
        time.sleep(SECONDS)
        stats = fleet.stats(1)
        summary = d.summary()
        fds = d.fds()
        print('# %d checks: %s' % (n, json.dumps(stats)))
        print('# fds %d, counters %s' % (fds, {k: v for k, v in summary['counters'].items() if v}))
        equal((stats['seen'], stats['strangers'], stats['no_fd']), (n, 0, 0))
        per_target = stats['arrivals'] / n
        check(abs(per_target - SECONDS) < 1.2, 'each was checked %.2f times in %g s', per_target, SECONDS)
        check(stats['gap_error_us']['p99'] < 20000 * integ.SLOW, 'p99 of the gap error is %.1f ms', stats['gap_error_us']['p99'] / 1000)
        equal((d.events('real_down'), d.events('blind_begins')), ([], []))
        equal(summary['counters']['real_transitions'], n)
        equal(summary['counters']['grid_skipped'], 0)
        check(fds < 400 + n // 20, '%d descriptors: not in flight + O(threads)', fds)


def test_5000_checks_at_one_second_on_one_worker():
    run_fleet_of(5000)


def test_19000_checks_at_one_second_on_one_worker():
    run_fleet_of(19000)


def test_reload_of_100000_unchanged_checks_is_not_felt():
    n, delay = 100000, 10
    d = Daemon(services(n, per_service=100, delay=delay, group=True), yaml='''
workers: {count: 1}
yanet: {control_plane_sock_path: "$DIR/yanet.sock"}
bird: {sock_dir: "$DIR"}
''')
    config = [dump_service(vip(s), [(real_ip(i), PORT) for i in range(100 * s, 100 * s + 100)]) for s in range(n // 100)]
    with Fleet(d.dir, real_ip(0), PORT, n) as fleet, YanetDouble(d.dir, config) as yanet, BirdDouble(d.dir) as bird, d:
        wait_for('all are up', lambda: d.summary()['checks']['up'] == n, 30, 0.2)
        wait_for('all are announced', lambda: len(bird.announced()) == n // 100, 20, 0.2)
        wait_for('nothing is undelivered', lambda: d.summary()['balancer']['undelivered'] == 0, 20, 0.2)
        time.sleep(1)
        fleet.forget()
        time.sleep(delay / 2)
        updates, datagrams = yanet.counts()['updates'], bird.datagrams
        took = []
        for _ in range(3):
            begin = time.monotonic()
            equal(d.reload(), (200, {}))
            took.append(time.monotonic() - begin)
            time.sleep(0.3)
        time.sleep(delay * 1.6)
        stats = fleet.stats(delay)
        print('# reloads took %s s; %s' % (['%.3f' % t for t in took], json.dumps(stats)))
        equal(yanet.counts()['updates'], updates, 'updates sent to the balancer')
        equal(bird.datagrams, datagrams, 'datagrams sent to BIRD')
        equal(stats['seen'], n)
        check(stats['gap_error_us']['max'] < 250000 * integ.SLOW, 'a check came %.0f ms off its grid', stats['gap_error_us']['max'] / 1000)
        counters = d.summary()['counters']
        equal((counters['grid_skipped'], counters['worker_late'], counters['real_transitions']), (0, 0, n))
        check(max(took) < 1.0 * integ.SLOW, 'a reload took %.2f s', max(took))


integ.main(globals())
