#!/usr/bin/python3
"""The daemon with two unmodified BIRDs: what it decides is what the neighbour has."""
import os, re, shutil, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from birds import Birds, run
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
    """VIPs that are always up, of both families: their real has no checks."""
    v4 = [STATIC % ('198.18.%d.%d' % (i // 250, i % 250 + 1), '127.0.9.9') for i in range((n + 1) // 2)]
    v6 = [STATIC % ('2001:db8::%x' % (i + 1), '::1') for i in range(n // 2)]
    return ''.join(v4 + v6)


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
        wait_for('all is accepted', lambda: (lambda s: (s['backend'], s['groups'], s['groups_synced'], s['unsent']) ==
                 ('bird2', 2, 2, 0))(d.summary()['announcer']))
        row = d.get('/v1/announcer')['backends'][0]
        equal((row['connected'], row['refused'], row['error'], row['version']), (True, False, False, '2.0'))
        check(0 < row['configure_us'] < 1000000 * integ.SLOW, 'configure took %s us', row['configure_us'])
        equal([g['ipv4']['expected'] for g in row['groups']], [1, 0])
        equal(d.stop(), 0)
        wait_for('the stop withdraws', lambda: birds.n_routes() == (0, 0))


def two_vips(birds, more=''):
    """192.0.2.10 follows 127.0.5.1, 192.0.2.11 is always up."""
    text = vip_service('192.0.2.10', '127.0.5.1') + STATIC % ('192.0.2.11', '127.0.9.9')
    return Daemon(text, yaml(birds, more))


def both_announced(birds):
    wait_for('sessions', birds.established, 20)
    wait_for('both routes', lambda: birds.n_routes() == (2, 0))


def test_1000_vips_come_and_go_with_few_configures():
    services = [(('198.18.7.%d' % i), ['127.0.5.1']) for i in range(1, 201)]
    text = static_services(800) + ''.join(vip_service(vip, '127.0.5.1') for vip, _ in services)
    with Birds() as birds, HttpReal('127.0.5.1', PORT) as real, Daemon(text, yaml(birds)) as d:
        wait_for('sessions', birds.established, 20)
        wait_for('1000 routes', lambda: birds.n_routes() == (600, 400), 20)
        before = birds.n_configured()
        real.status = 503
        wait_for('200 are gone', lambda: birds.n_routes() == (400, 400), 10)
        check(birds.n_configured() - before <= 60, 'configures are coalesced: %d', birds.n_configured() - before)


def test_killed_bird_starts_with_the_right_routes():
    with Birds() as birds, HttpReal('127.0.5.1', PORT) as real, two_vips(birds) as d:
        both_announced(birds)
        birds.kill('local')
        wait_for('the neighbour lost them', lambda: birds.n_routes() == (0, 0))
        wait_for('it is told', lambda: d.events('bird_away'))
        real.status = 503
        wait_for('a withdrawal meanwhile', lambda: d.events('prefix_withdraw'))
        wait_for('the file is current', lambda: '192.0.2.10/32' not in birds.text('default'))
        birds.start('local')
        wait_for('the other one is back', lambda: birds.has('192.0.2.11'), 30)
        check(not birds.has('192.0.2.10'), 'a dead VIP was announced by a fresh BIRD')
        wait_for('connected again', lambda: len(d.events('bird_connected')) == 2)
        real.status = 200
        wait_for('up again', lambda: birds.n_routes() == (2, 0))


def test_stopped_bird_is_noticed_and_told_when_it_goes_on():
    with Birds() as birds, HttpReal('127.0.5.1', PORT) as real, two_vips(birds) as d:
        both_announced(birds)
        birds.send('local', signal.SIGSTOP)
        real.status = 503
        line = wait_for('no reply', lambda: d.events('bird_away'), 8)[0]
        equal(line['error'], 'no reply in time')
        birds.send('local', signal.SIGCONT)
        wait_for('gone', lambda: not birds.has('192.0.2.10'))
        check(birds.has('192.0.2.11'))
        wait_for('accepted', lambda: d.summary()['announcer']['unsent'] == 0)


def test_decision_45_stop_is_bounded_while_bird_hangs():
    with Birds() as birds, HttpReal('127.0.5.1', PORT), two_vips(birds) as d:
        both_announced(birds)
        birds.send('local', signal.SIGSTOP)
        began = time.monotonic()
        equal(d.stop(), 0)
        check(time.monotonic() - began < 5 * integ.SLOW, 'the stop took %.1f s', time.monotonic() - began)
        check('route' not in birds.text('default'), 'a BIRD started now must announce nothing')
        birds.send('local', signal.SIGCONT)
        birds.ask('local', 'configure') # it drops what a connection that has ended had asked for
        wait_for('gone', lambda: birds.n_routes() == (0, 0))


def test_stop_that_keeps_leaves_routes_and_files():
    with Birds() as birds, HttpReal('127.0.5.1', PORT), two_vips(birds) as d:
        both_announced(birds)
        text = birds.text('default')
        d.signal(signal.SIGUSR2)
        equal(d.wait(), 0)
        equal(birds.text('default'), text)
        equal(birds.n_routes(), (2, 0))


def test_broken_bird_config_blocks_a_withdrawal_with_an_alarm_until_repaired():
    with Birds() as birds, HttpReal('127.0.5.1', PORT) as real, two_vips(birds) as d:
        both_announced(birds)
        birds.write_local('this is no configuration;\n')
        real.status = 503
        line = wait_for('the alarm', lambda: d.events('bird_config_refused'))[0]
        check('syntax error' in line['text'], 'the text of BIRD: %s', line)
        wait_for('a problem is shown', lambda: d.summary()['announcer']['groups_synced'] == 0)
        time.sleep(3.5)
        check(birds.has('192.0.2.10'), 'nothing but an alarm by default')
        birds.write_local()
        wait_for('gone', lambda: not birds.has('192.0.2.10'))
        check(birds.has('192.0.2.11'))


def test_broken_bird_config_disables_the_group_if_that_is_wanted():
    with Birds() as birds, HttpReal('127.0.5.1', PORT) as real, two_vips(birds, ', on_config_error: disable_group') as d:
        both_announced(birds)
        birds.write_local('this is no configuration;\n')
        real.status = 503
        wait_for('all of the group is gone', lambda: birds.n_routes() == (0, 0), 8)
        wait_for('it is told', lambda: len(d.events('bird_group_disabled')) == 1)
        birds.write_local()
        wait_for('the good one is back', lambda: birds.has('192.0.2.11'))
        check(not birds.has('192.0.2.10'))


def test_what_others_do_to_the_files_and_protocols_is_repaired():
    with Birds() as birds, HttpReal('127.0.5.1', PORT), two_vips(birds) as d:
        both_announced(birds)
        want = birds.text('default')
        with open(os.path.join(birds.files, 'new'), 'w') as f:
            f.write(want.replace('192.0.2.11', '192.0.2.99'))
        os.rename(os.path.join(birds.files, 'new'), os.path.join(birds.files, 'default.conf'))
        birds.ask('local', 'configure')
        wait_for('a wrong route', lambda: birds.has('192.0.2.99'))
        wait_for('repaired', lambda: not birds.has('192.0.2.99') and birds.n_routes() == (2, 0))
        equal(birds.text('default'), want)
        os.unlink(os.path.join(birds.files, 'default.conf'))
        wait_for('the file is back', lambda: birds.text('default') == want)
        wait_for('both are told', lambda: len(d.events('bird_file_changed_by_others')) == 2)
        birds.ask('local', "disable 'hc_default_4'")
        wait_for('its routes are gone', lambda: birds.n_routes() == (0, 0))
        wait_for('enabled by the next verification', lambda: birds.n_routes() == (2, 0), 12)
        wait_for('it is told', lambda: d.events('bird_routes_differ'))


def test_decision_28_killed_daemon_flaps_nothing():
    text = vip_service('192.0.2.10', '127.0.5.1') + STATIC % ('192.0.2.11', '127.0.9.9')
    gone = vip_service('192.0.2.12', '127.0.5.1', group='edge')
    with Birds() as birds, HttpReal('127.0.5.1', PORT) as real, Daemon(text + gone, yaml(birds)) as d:
        wait_for('sessions', birds.established, 20)
        wait_for('three routes', lambda: birds.n_routes() == (3, 0))
        with open(os.path.join(birds.files, 'foreign.conf'), 'w') as f:
            f.write('# of somebody else\n')
        with open(os.path.join(birds.files, 'old.conf'), 'w') as f:
            f.write(birds.text('edge').replace('edge', 'old').replace('192.0.2.12', '192.0.2.13'))
        times = [birds.route_time(vip) for vip in ('192.0.2.10', '192.0.2.11')]
        d.kill()
        if os.path.exists(d.path('state')):
            os.unlink(d.path('state'))
        real.delay = 0.8 # undecided for that long
        d.write_services(text)
        d.start()
        wait_for('warm', lambda: len(d.events('warm')) == 2)
        wait_for('what is configured no more is gone', lambda: not birds.has('192.0.2.12'))
        for vip, was in zip(('192.0.2.10', '192.0.2.11'), times):
            check(abs(birds.route_time(vip) - was) < 0.02, '%s flapped: %s, %s', vip, birds.route_time(vip), was)
        equal(sorted(n for n in os.listdir(birds.files) if not n.startswith('.')), ['default.conf', 'edge.conf', 'foreign.conf'])


def test_documented_bird_conf_is_valid():
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'docs', 'STOCK_BIRD.md')) as f:
        text = f.read()
    conf = next(block for block in text.split('```') if 'router id' in block)
    advice = re.search(r'`(export filter .*)`', text).group(1)
    with tempfile.TemporaryDirectory() as directory:
        for name, conf in (('a', conf), ('b', conf.replace('export where proto ~ "hc_*"', advice.rstrip('.'), 1))):
            path = os.path.join(directory, name)
            with open(path, 'w') as f:
                f.write(conf.replace('/run/alived/bird', directory))
            r = subprocess.run(['bird', '-p', '-c', path], capture_output=True, text=True)
            equal(r.returncode, 0, r.stderr)


DOC_FAR = '''log "%(dir)s/far.log" all;
router id 192.0.2.254;
protocol device { }
protocol bgp down4 {
  local 192.0.2.254 as 65000;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  neighbor 192.0.2.1 as 65001;
  ipv4 { import all; export none; };
}
protocol bgp down6 {
  local 2001:db8::fe as 65000;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  neighbor 2001:db8::1 as 65001;
  ipv6 { import all; export none; };
}
'''


def test_documented_bird_conf_and_commands_work():
    """docs/STOCK_BIRD.md as it stands, but for the directory; and what an operator looks at after the move."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..', 'docs', 'STOCK_BIRD.md')) as f:
        blocks = f.read().split('```')
    conf = next(block for block in blocks if 'router id' in block)
    text = vip_service('198.51.100.10', '127.0.5.1') + vip_service('2001:db8:5::10', '::1')
    with Birds(far=DOC_FAR) as birds, HttpReal('127.0.5.1', PORT), HttpReal('::1', PORT):
        for space, last, last6 in (('local', 1, '1'), ('far', 254, 'fe')):
            run('ip', '-n', birds.space[space], 'addr', 'add', '192.0.2.%d/24' % last, 'dev', 'v0')
            run('ip', '-n', birds.space[space], 'addr', 'add', '2001:db8::%s/64' % last6, 'dev', 'v0', 'nodad')
        birds.kill('local')
        birds.local = conf.replace('%', '%%').replace('log syslog all', 'log "%(dir)s/local.log" all').replace('/run/alived/bird', '%(files)s')
        birds.write_local()
        equal(subprocess.run(['bird', '-p', '-c', birds.path('local.conf')]).returncode, 0)
        birds.start('local')
        with Daemon(text, yaml(birds)) as d:
            wait_for('both routes', lambda: birds.n_routes() == (1, 1), 30)
            wait_for('all is accepted', lambda: d.summary()['announcer']['groups_synced'] == 2)
            out = d.ctl('status')[1]
            check('announcer' in out and 'bird2' in out, out)
            equal(d.ctl('announce', 'verify', '-c', d.path('alived.yaml'))[0], 0)
            r = subprocess.run(['birdc', '-s', birds.path('local.ctl'), "show route protocol 'hc_default_4'"], capture_output=True, text=True)
            check('198.51.100.10/32' in r.stdout, r.stdout)
            kernel = subprocess.run(['ip', '-n', birds.space['local'], 'route', 'show', 'table', 'all'], capture_output=True, text=True).stdout
            check('198.51.100.10' not in kernel, 'the VIP went into the kernel: %s', kernel)


if not shutil.which('bird') or os.geteuid() != 0:
    print('1..0 # SKIP %s' % ('network namespaces need root' if shutil.which('bird') else 'no bird2 on this machine'))
    sys.exit(0)
if __name__ == '__main__':
    integ.main(globals())
