#!/usr/bin/python3
"""announcer.require_local_address: a prefix is announced only while its address is on the interface. The
daemon runs in a network namespace of its own, whose addresses are really added and deleted."""
import ctypes, json, os, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ, netns
from integ import BirdDouble, Daemon, HttpReal, check, equal, service, wait_for

PORT = 18481
YAML = '''
balancer: {backend: none}
announcer:
  backend: bird
  announce_group: [default]
  require_local_address: %s
%s
bird: {sock_dir: "$DIR"}
logging: {encoding: json}
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
HTTP = '''HTTP_GET {
  url {
    path /
    status_code 200
  }
  connect_ip %(ip)s
  connect_port %(port)d
  connect_timeout 1
}'''


def static(*vips):
    """Always up: their reals have no checks."""
    return ''.join(STATIC % (v, '::1' if ':' in v else '127.0.9.9') for v in vips)


def run(*command):
    r = subprocess.run(command, capture_output=True, text=True)
    check(r.returncode == 0, '%s: %s', ' '.join(command), r.stderr.strip())


class Space:
    """A network namespace with lo and a veth pair v0, p0, that is removed in every case."""

    def __init__(self):
        self.name = 'alv%d-a' % os.getpid()

    def __enter__(self):
        equal(netns.add(self.name).returncode, 0)
        try:
            self.ip('link', 'set', 'lo', 'up')
            self.ip('link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'p0')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *failure):
        netns.remove(self.name)

    def ip(self, *words):
        run('ip', '-n', self.name, *words)

    def batch(self, commands):
        r = subprocess.run(['ip', '-n', self.name, '-b', '-'], input='\n'.join(commands) + '\n', capture_output=True, text=True)
        check(r.returncode == 0, 'ip -b: %s', r.stderr)

    def add(self, address, device='lo', *more):
        self.ip('addr', 'add', address, 'dev', device, *more)

    def delete(self, address, device='lo'):
        self.ip('addr', 'del', address, 'dev', device)

    def daemon(self, services, interface='lo', more='', **kw):
        return Daemon(services, YAML % (interface, more), wrapper=['ip', 'netns', 'exec', self.name], **kw)

    def n_lost(self):
        """Messages that the kernel could not queue, over all netlink sockets here."""
        text = subprocess.run(['ip', 'netns', 'exec', self.name, 'cat', '/proc/net/netlink'], capture_output=True, text=True).stdout
        return sum(int(line.split()[8]) for line in text.splitlines()[1:])

    def inside(self, function):
        """Calls it with this thread in the namespace: sockets stay where they were made."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open('/proc/thread-self/ns/net') as own, open('/var/run/netns/' + self.name) as there:
            equal(libc.setns(there.fileno(), 0), 0, 'setns')
            try:
                return function()
            finally:
                equal(libc.setns(own.fileno(), 0), 0, 'setns')


def reason(d, vip, port=80):
    for s in d.get('/v1/services')['services']:
        if s['vs'] == 'tcp/%s:%d' % ('[%s]' % vip if ':' in vip else vip, port):
            return s['prefix'].get('reason')


def start(space, services, interface='lo', more=''):
    """(daemon, BIRD), both started; close them by stop()."""
    d = space.daemon(services, interface, more)
    bird = BirdDouble(d.dir)
    bird.start()
    d.start()
    return d, bird


class Running:
    def __init__(self, space, services, interface='lo', more=''):
        self.arguments = (space, services, interface, more)

    def __enter__(self):
        self.d, self.bird = start(*self.arguments)
        return self.d, self.bird

    def __exit__(self, *failure):
        self.bird.stop()
        self.d.__exit__(*failure)


def test_addresses_come_and_go_both_families():
    text = static('192.0.2.10', '2001:db8::10')
    with Space() as space:
        space.add('192.0.2.10/32')
        with Running(space, text) as (d, bird):
            wait_for('the one that is there', lambda: bird.routes == {'192.0.2.10': True, '2001:db8::10': False})
            equal(reason(d, '192.0.2.10'), 'services_up')
            equal(reason(d, '2001:db8::10'), 'no_local_address')
            space.add('2001:db8::10/128', 'lo', 'preferred_lft', '0')
            wait_for('a deprecated address counts', lambda: bird.routes['2001:db8::10'])
            space.delete('192.0.2.10/32')
            wait_for('withdrawn', lambda: not bird.routes['192.0.2.10'])
            wait_for('its line', lambda: [e for e in d.events('prefix_withdraw') if (e['prefix'], e['from'], e['reason']) ==
                                          ('192.0.2.10', 'up', 'no_local_address')])
            space.add('192.0.2.10/24')
            wait_for('any prefix length will do', lambda: bird.routes['192.0.2.10'])
            equal([e for e in d.events('real_down') + d.events('service_down')], [], 'it is no matter of the balancer')
            check(all(r['enabled'] for r in d.get('/v1/reals')['reals']), 'no real was disabled')


def test_a_withdrawal_is_fast_and_nothing_is_polled():
    with Space() as space:
        space.add('192.0.2.10/32')
        with Running(space, static('192.0.2.10')) as (d, bird):
            wait_for('announced', lambda: bird.routes.get('192.0.2.10'))
            for _ in range(20):
                time.sleep(0.06)
                began = time.monotonic()
                space.delete('192.0.2.10/32')
                wait_for('withdrawn', lambda: not bird.routes['192.0.2.10'], step=0.001)
                took = [t for t, _, up in bird.records if not up][-1] - began
                check(took < 0.1 * integ.SLOW, 'the withdrawal took %.3f s from before `ip addr del`', took)
                space.add('192.0.2.10/32')
                wait_for('back', lambda: bird.routes['192.0.2.10'])


def test_nothing_is_announced_on_an_interface_that_is_missing_renamed_or_another():
    with Space() as space:
        with Running(space, static('192.0.2.10'), 'vip0') as (d, bird):
            wait_for('told', lambda: d.events('local_address_interface_missing'))
            wait_for('withdrawn', lambda: bird.routes == {'192.0.2.10': False})
            space.add('192.0.2.10/32', 'v0')
            time.sleep(0.2)
            equal(bird.announced(), [], 'another interface has it')
            space.ip('link', 'set', 'v0', 'name', 'vip0')
            wait_for('the interface gets its name', lambda: bird.routes['192.0.2.10'])
            space.ip('link', 'set', 'vip0', 'name', 'v0')
            wait_for('and loses it', lambda: not bird.routes['192.0.2.10'])
            space.ip('link', 'set', 'v0', 'name', 'vip0')
            wait_for('again', lambda: bird.routes['192.0.2.10'])
            space.ip('link', 'del', 'vip0')
            wait_for('it is removed', lambda: not bird.routes['192.0.2.10'])
            space.ip('link', 'add', 'vip0', 'type', 'veth', 'peer', 'name', 'p0')
            space.add('192.0.2.10/32', 'vip0')
            wait_for('a new one', lambda: bird.routes['192.0.2.10'])
            equal(len(d.events('local_address_interface_missing')), 3)


def test_tentative_and_duplicate_addresses_do_not_count():
    with Space() as space, Space2(space) as other:
        for each in (space, other):
            each.ip('link', 'set', 'lo', 'up')
        space.ip('link', 'set', 'v0', 'up')
        with Running(space, static('2001:db8::10', '2001:db8::11'), 'v0') as (d, bird):
            wait_for('known', lambda: len(bird.routes) == 2)
            began = time.monotonic()
            space.add('2001:db8::10/64', 'v0')
            other.add('2001:db8::11/64', 'p0', 'nodad')
            space.add('2001:db8::11/64', 'v0')
            time.sleep(0.05)
            if time.monotonic() - began < 0.5:
                equal(bird.announced(), [], 'duplicate address detection is under way')
            wait_for('it passed', lambda: bird.announced() == ['2001:db8::10'], 8)
            wait_for('the other one failed', lambda: 'dadfailed' in space_addresses(space), 8)
            time.sleep(0.3)
            equal(bird.announced(), ['2001:db8::10'])


class Space2(Space):
    """Another one, which gets p0."""

    def __init__(self, first):
        self.first, self.name = first, 'alv%d-b' % os.getpid()

    def __enter__(self):
        equal(netns.add(self.name).returncode, 0)
        try:
            self.first.ip('link', 'set', 'p0', 'netns', self.name)
            self.ip('link', 'set', 'p0', 'up')
        except BaseException:
            self.__exit__()
            raise
        return self


def space_addresses(space):
    return subprocess.run(['ip', '-n', space.name, 'addr'], capture_output=True, text=True).stdout


def test_decision_30_a_returning_address_is_no_failure_and_a_failed_service_is():
    text = service('192.0.2.10', [('127.0.5.1', PORT)], check=HTTP, extra='announce_group default\nquorum 1', delay=0.1)
    with Space() as space:
        space.add('192.0.2.10/32')
        real = HttpReal('127.0.5.1', PORT)
        space.inside(real.start)
        try:
            with Running(space, text, more='  announce_hold: 1500ms') as (d, bird):
                wait_for('announced', lambda: bird.routes.get('192.0.2.10'))
                space.delete('192.0.2.10/32')
                wait_for('withdrawn', lambda: not bird.routes['192.0.2.10'])
                began = time.monotonic()
                space.add('192.0.2.10/32')
                wait_for('at once', lambda: bird.routes['192.0.2.10'])
                check(time.monotonic() - began < 1 * integ.SLOW, 'no hold for an address')
                real.status = 503
                wait_for('a failure withdraws', lambda: not bird.routes['192.0.2.10'])
                real.status = 200
                wait_for('ready', lambda: reason(d, '192.0.2.10') == 'announce_hold')
                began = time.monotonic()
                wait_for('and is held', lambda: bird.routes['192.0.2.10'])
                check(time.monotonic() - began > 1.0, 'held for %.2f s only', time.monotonic() - began)
        finally:
            real.stop()


def test_5000_addresses_at_once_and_events_that_the_kernel_dropped():
    """A stopped daemon cannot read: its netlink socket overflows. It then lists everything anew."""
    vips = ['198.18.%d.%d' % (i // 200, i % 200 + 1) for i in range(5000)]
    text = static(*vips)
    with Space() as space:
        with Running(space, text) as (d, bird):
            wait_for('all are known to be missing', lambda: len(bird.routes) == 5000 and not bird.announced(), 15)
            space.batch('addr add %s/32 dev lo' % v for v in vips)
            wait_for('all are announced', lambda: len(bird.announced()) == 5000, 20)
            os.kill(pid_of(d), 19) # SIGSTOP
            try:
                for _ in range(6):
                    space.batch('addr del %s/32 dev lo' % v for v in vips)
                    space.batch('addr add %s/32 dev lo' % v for v in vips)
                space.batch('addr del %s/32 dev lo' % v for v in vips[:2500])
            finally:
                os.kill(pid_of(d), 18)
            wait_for('half of them', lambda: bird.announced() == sorted(vips[2500:]), 30)
            check(space.n_lost() > 0, 'this test did not lose events')
            space.batch('addr add %s/32 dev lo' % v for v in vips[:2500])
            wait_for('all again', lambda: len(bird.announced()) == 5000, 20)


def pid_of(d):
    """`ip netns exec` becomes the daemon."""
    return d.process.pid


def doctor(space, d):
    """Findings about interface and VIPs, by name: their repairs."""
    words = ['ip', 'netns', 'exec', space.name, os.path.join(integ.BUILD, 'alivectl'), '--json', '-s', d.sock, 'doctor', '-c',
             d.path('alived.yaml'), '--services', d.path('services.conf')]
    found = json.loads(subprocess.run(words, capture_output=True, text=True).stdout)['findings']
    names = ('no_vip_interface', 'vip_not_local', 'vip_refused')
    return [(f['id'], f.get('repair')) for f in found if f['id'] in names]


def test_the_doctor_names_what_is_missing_and_its_commands_repair_it():
    with Space() as space, Space2(space) as other:
        space.ip('link', 'set', 'v0', 'up')
        with Running(space, static('192.0.2.10', '2001:db8::10', '2001:db8::11'), 'vip0') as (d, bird):
            equal(doctor(space, d), [('no_vip_interface', 'ip link add vip0 type dummy && ip link set vip0 up')])
            space.ip('link', 'set', 'v0', 'name', 'vip0') # instead: this kernel may lack dummy
            other.add('2001:db8::11/64', 'p0', 'nodad')
            space.add('2001:db8::11/128', 'vip0')
            wait_for('refused', lambda: 'dadfailed' in space_addresses(space), 8)
            found = doctor(space, d)
            equal([f[0] for f in found], ['vip_not_local', 'vip_not_local', 'vip_refused'])
            for _, repair in found:
                run('ip', 'netns', 'exec', space.name, 'sh', '-c', repair)
            equal(doctor(space, d), [])
            wait_for('announced', lambda: len(bird.announced()) == 3, 8)


def test_reload_looks_at_new_vips():
    with Space() as space:
        space.add('192.0.2.10/32')
        space.add('192.0.2.11/32')
        with Running(space, static('192.0.2.10')) as (d, bird):
            wait_for('announced', lambda: bird.announced() == ['192.0.2.10'])
            d.write_services(static('192.0.2.10', '192.0.2.11', '192.0.2.12'))
            equal(d.reload()[0], 200)
            wait_for('the new one', lambda: bird.announced() == ['192.0.2.10', '192.0.2.11'])
            equal(reason(d, '192.0.2.12'), 'no_local_address')


def test_a_bad_interface_name_is_an_error_of_the_file():
    with Space() as space:
        d = space.daemon(static('192.0.2.10'), '"a/b"')
        d.start(wait=False)
        try:
            equal(d.wait(), 1)
            check('cannot be the name of an interface' in d.log_text())
        finally:
            d.__exit__(None, None, None)


if os.geteuid() != 0:
    print('1..0 # SKIP network namespaces need root')
    sys.exit(0)
if __name__ == '__main__':
    integ.main(globals())
