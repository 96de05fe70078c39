#!/usr/bin/python3
"""announcer.announce_hold and announcer.max_announces_per_min: they keep announcements back, never a withdrawal."""
import os, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from integ import BirdDouble, Daemon, HttpReal, check, equal, service, wait_for

PORT = 18485
YAML = '''
balancer: {backend: none}
announcer: {backend: bird, announce_group: [default], %s}
bird: {sock_dir: "$DIR"}
logging: {encoding: json}
state: {path: $DIR/state}
'''
HTTP = '''HTTP_GET {
  url {
    path /
    status_code 200
  }
  connect_ip %(ip)s
  connect_port %(port)d
  connect_timeout 1
}'''
VIP = '192.0.2.10'
TEXT = service(VIP, [('127.0.5.1', PORT)], check=HTTP, extra='announce_group default\nquorum 1', delay=0.05)


class Rig:
    def __init__(self, more):
        self.d, self.real = Daemon(TEXT, YAML % more), HttpReal('127.0.5.1', PORT)
        self.bird = BirdDouble(self.d.dir)

    def __enter__(self):
        self.real.start()
        self.bird.start()
        try:
            self.d.start()
        except BaseException:
            self.__exit__(*sys.exc_info())
            raise
        wait_for('announced', lambda: self.bird.routes.get(VIP))
        return self

    def __exit__(self, *failure):
        self.bird.stop()
        self.real.stop()
        self.d.__exit__(*failure)

    def fail(self):
        """Returns the seconds from the verdict's change to BIRD; the check comes every 50 ms."""
        began = time.monotonic()
        self.real.status = 503
        wait_for('withdrawn', lambda: not self.bird.routes[VIP], step=0.001)
        return time.monotonic() - began

    def revive(self):
        self.real.status = 200
        wait_for('services up', lambda: self.d.summary()['services']['up'] == 1)

    def cpu(self):
        with open('/proc/%d/stat' % self.d.process.pid) as f:
            fields = f.read().rsplit(')', 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def test_decision_30_announce_hold_keeps_back_announcements_only():
    with Rig('announce_hold: 1s') as r:
        check(r.fail() < 0.5 * integ.SLOW, 'a withdrawal waits for no hold')
        r.revive()
        time.sleep(0.5)
        equal(r.bird.announced(), [], 'it is held')
        check(r.d.get('/v1/services')['services'][0]['prefix']['reason'] == 'announce_hold')
        r.real.status = 503 # a break
        wait_for('down again', lambda: r.d.summary()['services']['up'] == 0)
        r.revive()
        ready = time.monotonic()
        wait_for('announced', lambda: r.bird.routes[VIP])
        took = time.monotonic() - ready
        check(0.8 < took < 3 * integ.SLOW, 'the hold began anew after the break: %.2f s', took)


def test_most_announcements_per_minute_and_no_limit_for_withdrawals():
    with Rig('max_announces_per_min: 3') as r:
        # one was made at the start: two are left
        for _ in range(2):
            check(r.fail() < 0.5 * integ.SLOW, 'a withdrawal knows no limit')
            r.revive()
            wait_for('announced', lambda: r.bird.routes[VIP])
        check(r.fail() < 0.5 * integ.SLOW, 'a withdrawal knows no limit')
        r.revive()
        before, began = r.cpu(), time.monotonic()
        time.sleep(2)
        equal(r.bird.announced(), [], 'a fourth announcement within the minute')
        equal(r.d.summary()['announcer']['unsent'], 1, 'it waits')
        share = (r.cpu() - before) / (time.monotonic() - began)
        check(share < 0.3 * integ.SLOW, 'waiting takes %.0f %% of a CPU', share * 100)


def test_a_bird_that_asks_anew_gets_what_it_had_whatever_the_limit():
    with Rig('max_announces_per_min: 1') as r:
        for _ in range(3):
            r.bird.stop()
            r.bird.start() # asks for the state
            wait_for('the answer', lambda: r.bird.routes.get(VIP), 5)


if __name__ == '__main__':
    integ.main(globals())
