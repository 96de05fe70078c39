#!/usr/bin/python3
"""How long a withdrawal takes from the verdict (the daemon's own log line) to the neighbour's table. The neighbour is an
unmodified BIRD in another namespace, which hands its table on to its kernel; the kernel's messages are read by a
process that does nothing else, so nobody asks BIRD anything while it is measured, and what is late in reading counts.

    ALIVED_WITHDRAWALS=200 ALIVED_VIPS=1000 python3 tests/integ/test_announce_latency.py

In the test run it is a smaller number, and a loose bound: other work may run beside it."""
import datetime, os, random, shutil, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from birds import Birds
from integ import Daemon, HttpReal, check, equal, service, wait_for

PORT = 18482
N = int(os.environ.get('ALIVED_WITHDRAWALS', 40))
VIPS = int(os.environ.get('ALIVED_VIPS', 1000))
P99_MS = float(os.environ.get('ALIVED_P99_MS', 60)) * integ.SLOW
MAX_MS = float(os.environ.get('ALIVED_MAX_MS', 300)) * integ.SLOW
YAML = '''
balancer: {backend: none}
announcer: {backend: bird2, announce_group: [default]}
bird2: {dir: "%s", ctl_sock: "%s"}
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
STATIC = '''virtual_server %s 80 {
  protocol TCP
  lvs_sched wrr
  lvs_method NAT
  announce_group default
  real_server %s 80 {
  }
}
'''


def static_services(n):
    v4 = [STATIC % ('198.18.%d.%d' % (i // 250, i % 250 + 1), '127.0.9.9') for i in range((n + 1) // 2)]
    v6 = [STATIC % ('2001:db8::%x' % (i + 1), '::1') for i in range(n // 2)]
    return ''.join(v4 + v6)


def probed(vip, ip, port):
    return service(vip, [(ip, port)], check=HTTP, extra='announce_group default\nquorum 1', delay=0.05)


def wall(ts):
    return datetime.datetime.fromisoformat(ts.replace('Z', '+00:00')).timestamp()


class Log:
    """New lines of the daemon's log, each read once."""

    def __init__(self, d):
        self.file = open(d.path('log'))
        self.withdrawn = {}

    def verdict(self, vip):
        """When the newest withdrawal of this VIP was decided, or None."""
        for line in self.file:
            if '"prefix_withdraw"' in line:
                ts, prefix = line.split('"ts":"')[1].split('"')[0], line.split('"prefix":"')[1].split('"')[0]
                self.withdrawn[prefix] = wall(ts)
        return self.withdrawn.pop(vip, None)


def percentile(values, share):
    return values[min(len(values) - 1, int(len(values) * share))]


def withdrawals(birds, watch, d, reals, n):
    """Milliseconds of each of n withdrawals, one after another, of the VIPs in turn."""
    log, took = Log(d), []
    names = [(vip, '%s/%d' % (vip, 128 if ':' in vip else 32)) for vip in reals]
    for i in range(n):
        vip, prefix = names[i % len(names)]
        seen = len(watch.changes)
        reals[vip].status = 503
        gone = wait_for('gone', lambda: [c for c in watch.changes[seen:] if c[1:] == (False, prefix)], 10, 0.002)[0][0]
        verdict = wait_for('its line', lambda: log.verdict(vip), 5)
        took.append((gone - verdict) * 1000)
        reals[vip].status = 200
        wait_for('back', lambda: prefix in watch.present, 10, 0.002)
        # a failure knows nothing of the cycle that announced another VIP
        time.sleep(random.uniform(0.0, 0.1))
    return took


def measure(vips, n):
    probes = {'192.0.2.10': ('127.0.5.1', PORT), '2001:db8:1::10': ('::1', PORT + 1)}
    text = static_services(vips - len(probes)) + ''.join(probed(v, *r) for v, r in probes.items())
    reals = {v: HttpReal(*r) for v, r in probes.items()}
    with Birds(watched=True) as birds, birds.watch() as watch, reals['192.0.2.10'], reals['2001:db8:1::10'], \
            Daemon(text, YAML % (birds.files, birds.path('local.ctl'))) as d:
        wait_for('sessions', birds.established, 20)
        wait_for('all routes', lambda: len(watch.present) == vips, 60)
        took = withdrawals(birds, watch, d, reals, n)
        equal(d.events('bird_routes_differ') + d.events('bird_config_refused') + d.events('bird_away'), [])
        wait_for('all routes at the end', lambda: len(watch.present) == vips)
    took.sort()
    print('# withdrawal, verdict to the neighbour\'s kernel, %d VIPs, %d samples: p50 %.1f ms, p90 %.1f ms, p99 %.1f ms, max %.1f ms' %
          (vips, len(took), percentile(took, 0.5), percentile(took, 0.9), percentile(took, 0.99), took[-1]), flush=True)
    return took


def test_latency_of_withdrawals():
    took = measure(VIPS, N)
    check(took[0] > 0, 'a route was gone before the verdict: %.1f ms', took[0])
    check(percentile(took, 0.99) <= P99_MS, 'p99 is %.1f ms', percentile(took, 0.99))
    check(took[-1] <= MAX_MS, 'the worst is %.1f ms', took[-1])


if not shutil.which('bird') or os.geteuid() != 0:
    print('1..0 # SKIP %s' % ('network namespaces need root' if shutil.which('bird') else 'no bird2 on this machine'))
    sys.exit(0)
if __name__ == '__main__':
    integ.main(globals())
