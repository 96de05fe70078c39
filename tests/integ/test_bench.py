#!/usr/bin/python3
"""The benchmark's own small proof: a row runs and its JSON is complete, wrong words are refused, the
targets do what rows rely on. What the figures are is not looked at."""
import contextlib, json, os, shutil, socket, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))
import integ
from integ import check, equal

os.environ['ALIVED_BUILD'] = integ.BUILD
sys.path.insert(0, os.path.join(ROOT, 'bench'))
import contenders, harness, report

BENCH = os.path.join(ROOT, 'scripts', 'bench')


@contextlib.contextmanager
def directory():
    path = tempfile.mkdtemp(prefix='alived-test-')
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def bench(program, *args):
    return subprocess.run([sys.executable, program] + list(args), stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=100 * integ.SLOW)


def test_one_small_row_gives_complete_json_and_a_table():
    with directory() as out:
        r = bench(BENCH, '--rows', 'tiny', '--seconds', '0.5', '--out', out)
        equal(r.returncode, 0, r.stdout[-1500:] + r.stderr[-1500:])
        with open(os.path.join(out, 'bench.json')) as f:
            found = json.load(f)
        equal(sorted(found), ['figures', 'meta', 'skipped'])
        check({'date', 'alived', 'machine', 'load before'} <= set(found['meta']), 'meta: %s', found['meta'])
        names = [f['name'] for f in found['figures']]
        for part in ('floor saturated', 'floor at that rate', '/ floor'):
            check(any(part in n for n in names), 'no figure of %s: %s', part, names)
        for f in found['figures']:
            check({'row', 'name', 'unit', 'value', 'low', 'high', 'runs', 'budget', 'bound', 'met', 'note'} <= set(f), '%s', f)
            check(f['low'] <= f['value'] <= f['high'] and f['value'] > 0, '%s', f)
        with open(os.path.join(out, 'table.md')) as f:
            check('| TCP half-open, 200 @0.1s / floor |' in f.read(), 'the table lacks the ratio')


def test_a_row_that_does_not_exist_is_refused():
    r = bench(BENCH, '--rows', 'tcp,nonsense')
    equal(r.returncode, 2)
    check('nonsense' in r.stderr, r.stderr)


def test_compare_refuses_a_revision_that_does_not_exist():
    with directory() as out:
        r = bench(os.path.join(ROOT, 'scripts', 'bench-compare'), 'no-such-revision', '--rows', 'tcp', '--out', out)
        check(r.returncode not in (0, 2), 'exit status %d: %s', r.returncode, r.stdout)
        equal(os.listdir(out), [])


def test_a_figure_over_its_limits_is_missed():
    def met(value):
        return report.verdict(harness.figure('r', 'n', 'x', [value], 1.2, 1.5))
    equal([met(1.2), met(1.4), met(1.6)], ['budget', 'acceptable', 'MISSED'])
    check(report.bar(1.4).index('|') == report.bar(0.2).index('|'), 'the budget is at one column')


def test_a_budget_of_nothing_is_kept_by_nothing_only():
    def met(value):
        return report.verdict(harness.figure('r', 'n', '', [value], 0, 0))
    equal([met(0), met(1)], ['budget', 'MISSED'])


def ask(fleet, ip, port=harness.PORT):
    with socket.create_connection((ip, port), 2) as c:
        c.settimeout(2)
        c.sendall(b'GET / HTTP/1.1\r\n\r\n')
        return c.recv(4096).split(b' ')[1]


def test_targets_change_one_by_one():
    with harness.Fleet(4, 'http', n_own=2) as fleet:
        a, b, own = harness.real_ip(0), harness.real_ip(1), harness.real_ip(2)
        fleet.command('set %s status 503' % a)
        equal((ask(fleet, a), ask(fleet, b)), (b'503', b'200'))
        fleet.command('set %s slow 300' % a)
        begin = time.monotonic()
        ask(fleet, a)
        check(time.monotonic() - begin >= 0.3, 'it was not slow')
        fleet.command('set %s reset' % b)
        try:
            equal(ask(fleet, b), None, 'an answer after a reset')
        except (ConnectionError, IndexError):
            pass
        fleet.command('set %s:%d refuse' % (own, harness.OWN_PORT))
        try:
            equal(ask(fleet, own, harness.OWN_PORT), None, 'an answer of a closed port')
        except ConnectionRefusedError:
            pass
        fleet.command('set all ok')
        equal((ask(fleet, a), ask(fleet, own, harness.OWN_PORT)), (b'200', b'200'))
        equal(fleet.stats(1)['arrivals'], 6)


def verdicts(kind, check_text, settings):
    """States that alived finds of targets in those states."""
    n = len(settings)
    with harness.Fleet(n, kind) as fleet:
        for i, what in enumerate(settings):
            fleet.command('set %s %s' % (harness.real_ip(i), what))
        text = harness.services(n, check_text.replace('connect_timeout 5', 'connect_timeout 0.5'), delay=0.5)
        with contenders.Alived(text) as d:
            integ.wait_for('verdicts', lambda: d.summary()['checks']['undecided'] == 0, 10)
            return [rs['alive'] for rs in d.status()[0]['rs']]


def test_grpc_targets_are_what_they_are_told_to_be():
    equal(verdicts('grpcs', harness.GRPC, ('ok', 'not_serving', 'status 14', 'mute', 'reset')), [True, False, False, False, False])


def test_https_targets_are_what_they_are_told_to_be():
    equal(verdicts('https', harness.HTTPS, ('ok', 'status 500', 'mute', 'reset')), [True, False, False, False])


def floor_says(program, fleet_kind, tickets, *mode):
    with harness.Fleet(10, fleet_kind, tickets=tickets) as fleet:
        us = contenders.floor([program, *mode, harness.real_ip(0), harness.PORT, 10, 5, 30])
        return us, fleet.served()


def test_floors_of_tls_resume_when_and_only_when_told_to():
    for program, kind in (('floor_tls', 'https'), ('floor_grpc', 'grpcs')):
        us, served = floor_says(program, kind, 1, 'full')
        equal((served['full'], served['resumed']), (30, 0), program)
        us, served = floor_says(program, kind, 1, 'resumed')
        equal((served['full'], served['resumed']), (10, 30), program) # the first lap is full
        try:
            floor_says(program, kind, 0, 'resumed')
            check(False, '%s: nothing to resume, and no word', program)
        except RuntimeError:
            pass


def test_syns_are_counted_by_the_kernels_clock():
    with harness.Fleet(10, with_syns=True) as fleet:
        if fleet.stats(1)['by'] != 'syn':
            return print('# no right to a packet socket')
        contenders.floor(['floor_tcp', 'half', harness.real_ip(0), harness.PORT, 10, 5, 50])
        time.sleep(0.1)
        stats = fleet.stats(1)
        equal((stats['seen'], stats['arrivals'], stats['lost']), (10, 50, 0))


integ.main(globals())
