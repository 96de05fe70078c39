#!/usr/bin/python3
"""Two announce backends at once: Monalive's datagrams and an unmodified BIRD. Each is told everything,
each heals by itself, and a dead one holds nobody up."""
import os, shutil, signal, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from birds import Birds
from integ import BirdDouble, Daemon, HttpReal, check, equal, service, wait_for
from yanet_double import YanetDouble, dump_service

PORT = 18481
VIP = '192.0.2.10'
REAL = ('127.0.7.1', PORT)
HTTP = '''HTTP_GET {
  url {
    path /
    status_code 200
  }
  connect_ip %(ip)s
  connect_port %(port)d
  connect_timeout 1
}'''
YAML = '''
yanet: {control_plane_sock_path: "$DIR/yanet.sock"}
balancer: {flush_period: 20ms, sync_states_period: 300ms}
announcer: {backend: [bird, bird2], update_period: 20ms, withdraw_wait: 3s}
bird: {sock_dir: "$DIR"}
bird2: {dir: "%s", ctl_sock: "%s"}
logging: {encoding: json}
state: {path: $DIR/state}
blind: {max_hold: 0s}
'''


class Bench:
    """One VIP with one real, a YANET, the datagram double, and a BIRD with a neighbour."""

    def __init__(self, birds):
        text = service(VIP, [REAL], check=HTTP, extra='announce_group default\nquorum 1', delay=0.1)
        self.birds, self.real = birds, HttpReal(*REAL)
        self.daemon = Daemon(text, YAML % (birds.files, birds.path('local.ctl')))
        self.yanet = YanetDouble(self.daemon.dir, [dump_service(VIP, [REAL])])
        self.bird = BirdDouble(self.daemon.dir)

    def __enter__(self):
        for part in (self.real, self.yanet, self.bird, self.daemon):
            part.__enter__()
        return self

    def __exit__(self, *failure):
        for part in (self.daemon, self.bird, self.yanet, self.real):
            part.__exit__(*failure)

    def announced(self):
        return self.bird.announced() == [VIP], self.birds.has(VIP)

    def enabled(self):
        return any(v[0] for v in self.yanet.applied().values())

    def all_up(self):
        wait_for('sessions', self.birds.established, 20)
        wait_for('announced by both', lambda: self.announced() == (True, True), 15)

    def rows(self):
        return {row['backend']: row for row in self.daemon.get('/v1/announcer')['backends']}


def test_both_are_told_and_shown():
    with Birds() as birds, Bench(birds) as b:
        b.all_up()
        equal(sorted(b.rows()), ['bird', 'bird2'])
        wait_for('in both', lambda: b.daemon.summary()['announcer']['groups_synced'] == 1)
        equal(b.daemon.summary()['announcer']['backend'], 'bird,bird2')
        equal([row['groups'][0]['ipv4']['expected'] for row in b.rows().values()], [1, 1])
        b.real.status = 503
        wait_for('withdrawn by both', lambda: b.announced() == (False, False))
        b.real.status = 200
        wait_for('announced by both', lambda: b.announced() == (True, True))
        accepted = lambda: b.daemon.get('/v1/services')['services'][0]['prefix']['accepted']
        wait_for('shown', lambda: accepted() == {'bird': 'announced', 'bird2': 'announced'})
        equal(b.daemon.stop(), 0)
        equal(b.bird.announced(), [])
        check(not birds.has(VIP), 'the stop withdraws in both')


def test_decision_36_disable_waits_for_both():
    with Birds() as birds, Bench(birds) as b:
        b.all_up()
        birds.send('local', signal.SIGSTOP)
        b.real.status = 503
        wait_for('the datagram is sent', lambda: b.bird.announced() == [])
        time.sleep(0.5)
        equal(b.daemon.get('/v1/services')['services'][0]['prefix']['accepted'], {'bird': 'withdrawn', 'bird2': 'announced'})
        check(b.enabled(), 'disabled while BIRD still announces')
        birds.send('local', signal.SIGCONT)
        wait_for('withdrawn', lambda: not birds.has(VIP))
        wait_for('then disabled', lambda: not b.enabled(), 1)


def test_dead_bird_holds_nobody_and_catches_up():
    with Birds() as birds, Bench(birds) as b:
        b.all_up()
        birds.kill('local')
        wait_for('it is noticed', lambda: not b.rows()['bird2']['connected'])
        began = time.monotonic()
        b.real.status = 503
        wait_for('the other one is told', lambda: b.bird.announced() == [])
        wait_for('disabled', lambda: not b.enabled())
        check(time.monotonic() - began < 2 * integ.SLOW, 'it waited for a dead one: %.1f s', time.monotonic() - began)
        check(VIP not in birds.text('default'), 'its file is current')
        b.real.status = 200
        wait_for('announced by the other', lambda: b.bird.announced() == [VIP])
        birds.start('local')
        wait_for('it caught up', lambda: birds.has(VIP), 30)
        wait_for('in both', lambda: b.daemon.summary()['announcer']['groups_synced'] == 1)


def test_bird_that_dies_while_a_disable_waits_for_it_lets_it_go():
    with Birds() as birds, Bench(birds) as b:
        b.all_up()
        birds.send('local', signal.SIGSTOP)
        b.real.status = 503
        wait_for('the datagram is sent', lambda: b.bird.announced() == [])
        check(b.enabled(), 'it waits')
        began = time.monotonic()
        birds.kill('local')
        wait_for('disabled', lambda: not b.enabled(), 2)
        check(time.monotonic() - began < 1.5 * integ.SLOW, 'it waited for a dead one: %.1f s', time.monotonic() - began)


def test_dead_datagram_peer_holds_nobody_and_catches_up():
    with Birds() as birds, Bench(birds) as b:
        b.all_up()
        b.bird.stop()
        b.real.status = 503
        wait_for('the other one is told', lambda: not birds.has(VIP))
        wait_for('disabled', lambda: not b.enabled(), 2)
        wait_for('it is shown', lambda: not b.rows()['bird']['connected'])
        check(b.rows()['bird2']['connected'])
        b.real.status = 200
        wait_for('announced by the other', lambda: birds.has(VIP))
        b.bird.start()
        wait_for('it caught up', lambda: b.bird.announced() == [VIP])
        equal(b.bird.malformed, 0)


if not shutil.which('bird') or os.geteuid() != 0:
    print('1..0 # SKIP %s' % ('network namespaces need root' if shutil.which('bird') else 'no bird2 on this machine'))
    sys.exit(0)
if __name__ == '__main__':
    integ.main(globals())
