#!/usr/bin/python3
"""10,000 VIPs of both families and an unmodified BIRD: all of them arrive, storms are coalesced, no withdrawal is lost, and a
killed daemon moves nothing. What the neighbour has is read from its kernel: each change it ever saw, in order."""
import os, random, shutil, signal, socket, sys, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from birds import Birds
from integ import Daemon, check, equal, service, wait_for

PORT = 18483
N_STATIC = 8000
N_PROBED = 2000
YAML = '''
balancer: {backend: none}
announcer: {backend: bird2, announce_group: [default]%s}
bird2: {dir: "%s", ctl_sock: "%s"}
logging: {encoding: json, level: error}
state: {path: $DIR/state}
'''
STATIC = '''virtual_server %s 80 {
  protocol TCP
  lvs_sched wrr
  lvs_method NAT
  announce_group default
  real_server %s 80 {
  }
}
'''


def v4(net, i):
    return '198.%d.%d.%d' % (net, i // 250, i % 250 + 1)


def v6(net, i):
    return '2001:db8:%x::%x' % (net, i + 1)


def prefix(vip):
    return vip + ('/128' if ':' in vip else '/32')


STATICS = [v4(18, i) for i in range(N_STATIC // 2)] + [v6(18, i) for i in range(N_STATIC // 2)]
PROBED4 = [v4(19, i) for i in range(N_PROBED // 2)]
PROBED6 = [v6(19, i) for i in range(N_PROBED // 2)]
ALL = {prefix(v) for v in STATICS + PROBED4 + PROBED6}


def services():
    text = ''.join(STATIC % (v, '::1' if ':' in v else '127.0.9.9') for v in STATICS)
    for vips, ip in ((PROBED4, '127.0.5.1'), (PROBED6, '::1')):
        text += ''.join(service(v, [(ip, PORT)], extra='announce_group default\nquorum 1', delay=1, retry=0) for v in vips)
    return text


class Acceptor:
    """Accepts and closes, some thousand times a second; or refuses."""

    def __init__(self, ip):
        self.ip, self.listener = ip, None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *failure):
        self.stop()

    def start(self):
        s = self.listener = socket.socket(socket.AF_INET6 if ':' in self.ip else socket.AF_INET)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((self.ip, PORT))
        s.listen(4096)
        threading.Thread(target=self.serve, args=(s,), daemon=True).start()

    def serve(self, s):
        try:
            while True:
                s.accept()[0].close()
        except OSError:
            pass

    def stop(self):
        s, self.listener = self.listener, None
        if s:
            s.shutdown(socket.SHUT_RDWR)
            s.close()


class Many:
    """Both BIRDs, the neighbour's kernel, both reals, the daemon, all routes there."""

    def __enter__(self):
        self.open = []
        try:
            self.birds = self.keep(Birds(watched=True))
            self.watch = self.keep(self.birds.watch())
            self.four, self.six = self.keep(Acceptor('127.0.5.1')), self.keep(Acceptor('::1'))
            self.d = Daemon(services(), YAML % ('', self.birds.files, self.birds.path('local.ctl')))
            began = time.monotonic()
            self.keep(self.d)
            self.started = time.monotonic() - began
            self.has('all are announced', ALL, 60)
            self.arrived = time.monotonic() - began
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        return self

    def keep(self, thing):
        thing.__enter__()
        self.open.append(thing)
        return thing

    def __exit__(self, *failure):
        for thing in reversed(self.open):
            thing.__exit__(*failure)

    def has(self, what, want, seconds=20):
        """The neighbour has exactly these; returns how long it took."""
        began = time.monotonic()
        try:
            wait_for(what, lambda: len(self.watch.present) == len(want) and self.watch.present == want, seconds)
        except integ.Failed:
            missing, extra = want - self.watch.present, self.watch.present - want
            raise integ.Failed('%s: %d missing %s, %d too many %s' % (what, len(missing), sorted(missing)[:3], len(extra), sorted(extra)[:3]))
        return time.monotonic() - began

    def bird2(self):
        return self.d.get('/v1/announcer')['backends'][0]


def test_10000_vips_come_storm_and_go():
    four, six = {prefix(v) for v in PROBED4}, {prefix(v) for v in PROBED6}
    rest = ALL - four - six
    with Many() as m:
        print('# 10000 VIPs: READY after %.1f s, all at the neighbour after %.1f s, last configure %.1f ms' %
              (m.started, m.arrived, m.bird2()['configure_us'] / 1000), flush=True)
        seen, configured = len(m.watch.changes), m.birds.n_configured()
        m.four.stop()
        took = m.has('1000 of IPv4 are gone', ALL - four)
        n = m.birds.n_configured() - configured
        print('# 1000 withdrawals that came over %.1f s: %d configures, the last took %.1f ms' %
              (took, n, m.bird2()['configure_us'] / 1000), flush=True)
        check(n <= 1 + took * 200, 'they were not coalesced: %d configures in %.1f s', n, took)
        equal({p for _, _, p in m.watch.changes[seen:]}, four, 'no other route moved')
        m.four.start()
        m.has('they are back', ALL)
        for _ in range(6):
            for real in (m.four, m.six):
                if random.random() < 0.7:
                    real.stop() if real.listener else real.start()
            time.sleep(random.uniform(0.1, 0.8))
        m.four.stop()
        m.six.stop()
        m.has('after a storm none of their withdrawals is missing', rest)
        m.four.start()
        m.six.start()
        m.has('and no announcement', ALL)
        moved = {p for _, _, p in m.watch.changes[seen:]}
        check(moved <= four | six, 'routes of others moved: %s', sorted(moved - four - six)[:3])
        wait_for('nothing waits', lambda: m.bird2()['unsent'] == 0)
        equal((m.bird2()['refused'], m.bird2()['error']), (False, False))
        began = time.monotonic()
        equal(m.d.stop(), 0)
        m.has('the stop withdraws all', set(), 5)
        print('# stop: 10000 VIPs withdrawn in %.2f s' % (time.monotonic() - began), flush=True)


def test_decision_28_a_killed_daemon_with_10000_vips_flaps_nothing():
    with Many() as m:
        ages = {v: m.birds.route_time(v) for v in (STATICS[0], STATICS[-1], PROBED4[0], PROBED6[-1])}
        seen = len(m.watch.changes)
        m.d.kill()
        if os.path.exists(m.d.path('state')):
            os.unlink(m.d.path('state'))
        time.sleep(0.5)
        m.d.notified.clear()
        m.d.start()
        wait_for('warm', lambda: m.d.summary()['warm'], 30)
        wait_for('all is accepted', lambda: m.d.summary()['announcer']['unsent'] == 0)
        time.sleep(1)
        equal(m.watch.changes[seen:], [], 'the neighbour saw changes')
        for vip, was in ages.items():
            check(abs(m.birds.route_time(vip) - was) < 0.02, '%s flapped: %s, %s', vip, m.birds.route_time(vip), was)


def test_a_bird_that_was_stopped_gets_all_of_10000_right():
    """Withdrawals come while BIRD hangs, is killed and starts anew."""
    four, six = {prefix(v) for v in PROBED4}, {prefix(v) for v in PROBED6}
    with Many() as m:
        m.birds.send('local', signal.SIGSTOP)
        m.four.stop()
        wait_for('verdicts', lambda: m.d.summary()['prefixes']['withdrawn'] == len(four), 10)
        m.birds.send('local', signal.SIGCONT)
        m.has('it goes on', ALL - four, 15)
        m.six.stop()
        m.birds.kill('local')
        m.has('the neighbour lost all', set())
        wait_for('verdicts', lambda: m.d.summary()['prefixes']['withdrawn'] == len(four) + len(six), 10)
        m.birds.start('local')
        seen = len(m.watch.changes)
        m.has('the new one announces what is up', ALL - four - six, 40)
        announced = {p for _, is_new, p in m.watch.changes[seen:] if is_new}
        equal(announced & (four | six), set(), 'a dead VIP was announced by a fresh BIRD')


if not shutil.which('bird') or os.geteuid() != 0:
    print('1..0 # SKIP %s' % ('network namespaces need root' if shutil.which('bird') else 'no bird2 on this machine'))
    sys.exit(0)
if __name__ == '__main__':
    integ.main(globals())
