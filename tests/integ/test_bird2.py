#!/usr/bin/python3
"""The daemon with two unmodified BIRDs: what it decides is what the neighbour has."""
import os, shutil, signal, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from birds import Birds
from integ import Daemon, HttpReal, check, equal, service, wait_for

PORT = 18479
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
balancer: {backend: none}
announcer: {backend: bird2, announce_group: [default, edge]}
bird2: {dir: "%s", ctl_sock: "%s"%s}
logging: {encoding: json}
state: {path: $DIR/state}
'''


def yaml(birds, more=''):
    return YAML % (birds.files, birds.path('local.ctl'), more)


def vip_service(vip, ip, group='default', **kw):
    return service(vip, [(ip, PORT)], check=HTTP, extra='announce_group %s\nquorum 1' % group, delay=0.1, **kw)


def static_services(n):
    """VIPs that are always up: their real has no checks."""
    text = ''
    for i in range(n):
        vip = '198.18.%d.%d' % (i // 500, i // 2 % 250 + 1) if i % 2 == 0 else '2001:db8:%x::%x' % (i // 500, i // 2 + 1)
        text += ('virtual_server %s 80 {\n  protocol TCP\n  lvs_sched wrr\n  lvs_method NAT\n  announce_group default\n'
                 '  real_server %s 80 {\n  }\n}\n' % (vip, '127.0.9.9' if i % 2 == 0 else '::1'))
    return text


def test_vip_up_is_a_route_at_the_neighbour_and_quorum_lost_takes_it_away():
    text = vip_service('192.0.2.10', '127.0.5.1') + vip_service('2001:db8::10', '::1', group='edge')
    with Birds() as birds, HttpReal('127.0.5.1', PORT) as a, HttpReal('::1', PORT) as b, Daemon(text, yaml(birds)) as d:
        wait_for('sessions', birds.established, 20)
        wait_for('both routes', lambda: birds.has('192.0.2.10') and birds.has('2001:db8::10'))
        equal(birds.n_routes(), (1, 1))
        a.status = 503
        wait_for('IPv4 gone', lambda: not birds.has('192.0.2.10'))
        check(birds.has('2001:db8::10'), 'the other one stays')
        b.stop()
        wait_for('IPv6 gone', lambda: not birds.has('2001:db8::10'))
        a.status = 200
        b.start()
        wait_for('both are back', lambda: birds.n_routes() == (1, 1))
        wait_for('all is accepted', lambda: d.summary()['announcer'] ==
                 {'backend': 'bird2', 'groups': 2, 'groups_synced': 2, 'unsent': 0})
        equal(d.stop(), 0)
        wait_for('the stop withdraws', lambda: birds.n_routes() == (0, 0))


if not shutil.which('bird'):
    print('1..0 # SKIP no bird2 on this machine')
    sys.exit(0)
if __name__ == '__main__':
    integ.main(globals())
