#!/usr/bin/python3
"""alivectl announce: list, verify against a real BIRD, and the configuration that it prints, in a real BIRD."""
import json, os, shutil, signal, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from birds import Birds, run
from integ import BUILD, BirdDouble, Daemon, HttpReal, check, equal, service, wait_for

PORT = 18484
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
announcer: {backend: bird2, announce_group: [default, edge-1]}
bird2: {dir: "%s", ctl_sock: "%s"}
logging: {encoding: json}
state: {path: $DIR/state}
'''
# everything but what is printed and the sessions
MINIMAL = '''log "%%(dir)s/local.log" all;
router id 10.255.0.1;
protocol device { }

%s
protocol bgp up4 {
  local 10.255.0.1 as 65001;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  neighbor 10.255.0.2 as 65002;
  ipv4 { import none; export %s; next hop self; };
}
protocol bgp up6 {
  local fd00:a11::1 as 65001;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  neighbor fd00:a11::2 as 65002;
  ipv6 { import none; export %s; next hop self; };
}
'''


def vip(address, ip, group='default'):
    return service(address, [(ip, PORT)], check=HTTP, extra='announce_group %s\nquorum 1' % group, delay=0.1)


def verify(d, *more):
    return d.ctl('announce', 'verify', '-c', d.path('alived.yaml'), *more)


def test_list_says_what_is_announced_and_why_not():
    text = vip('192.0.2.10', '127.0.5.1') + vip('192.0.2.10', '127.0.5.1').replace(' 80 {', ' 81 {', 1) + \
        vip('2001:db8::10', '::1', 'edge-1') + vip('192.0.2.11', '127.0.5.2')
    with Birds() as birds, HttpReal('127.0.5.1', PORT), HttpReal('::1', PORT), Daemon(text, YAML % (birds.files, birds.path('local.ctl'))) as d:
        wait_for('both', lambda: birds.n_routes() == (1, 1), 20)
        wait_for('all is accepted', lambda: d.summary()['announcer']['unsent'] == 0)
        code, out, err = d.ctl('announce', 'list')
        equal((code, err), (0, ''))
        rows = [line.split() for line in out.splitlines()]
        equal(rows[0], ['PREFIX', 'GROUP', 'STATE', 'ACCEPTED', 'SINCE', 'REASON'])
        equal([r[:4] + r[5:] for r in rows[1:4]], [
            ['192.0.2.10/32', 'default', 'announced', 'announced', 'services_up'],
            ['192.0.2.11/32', 'default', 'withdrawn', 'withdrawn', 'service_down'],
            ['2001:db8::10/128', 'edge-1', 'announced', 'announced', 'services_up']])
        check('bird2 group default: in sync, 0 not accepted yet; ipv4 1 accepted' in out, out)
        code, out, err = d.ctl('--json', 'announce', 'list')
        answer = json.loads(out)
        equal([(p['prefix'], p['group'], p['state'], p['sent'], p['reason']) for p in answer['prefixes']][0],
              ('192.0.2.10/32', 'default', 'announced', 'announced', 'services_up'))
        equal([b['backend'] for b in answer['backends']], ['bird2'])


def test_verify_asks_bird_itself_and_names_each_difference():
    text = vip('192.0.2.10', '127.0.5.1') + vip('192.0.2.11', '127.0.5.2') + vip('2001:db8::10', '::1', 'edge-1')
    with Birds() as birds, HttpReal('127.0.5.1', PORT) as a, HttpReal('127.0.5.2', PORT), HttpReal('::1', PORT), \
            Daemon(text, YAML % (birds.files, birds.path('local.ctl'))) as d:
        wait_for('all', lambda: birds.n_routes() == (2, 1), 20)
        equal(verify(d), (0, '3 compared, 0 differ\n', ''))
        equal(json.loads(verify(d, '--json')[1]), {'compared': 3, 'differences': []})

        # a withdrawal that BIRD's broken configuration blocks, and a route that nobody asks for
        birds.write_local('protocol static hc_edge { ipv4; }\nthis is no configuration;\n')
        a.status = 503
        wait_for('refused', lambda: d.events('bird_config_refused'))
        code, out, _ = verify(d)
        equal((code, out), (1, 'bird2 group default: 192.0.2.10/32: wanted withdrawn, BIRD has a route\n3 compared, 1 differ\n'))
        birds.write_local()
        wait_for('gone', lambda: not birds.has('192.0.2.10'))
        equal(verify(d)[0], 0)

        birds.ask('local', "disable 'hc_default_4'")
        code, out, _ = verify(d, '--json')
        equal(code, 1)
        equal([(x['backend'], x['prefix'], x['group'], x['text']) for x in json.loads(out)['differences']],
              [('bird2', '192.0.2.11/32', 'default', 'wanted announced, BIRD has no route')])
        wait_for('repaired', lambda: verify(d)[0] == 0, 12, 0.5)

        birds.kill('local')
        code, out, _ = verify(d)
        equal(code, 1)
        check('BIRD cannot be asked at' in out and 'Connection refused' in out, out)


def test_verify_names_strangers():
    """Somebody's route is in a file of ours, and bird.conf is broken, so that the daemon's repair is refused."""
    with Birds() as birds, HttpReal('127.0.5.1', PORT), Daemon(vip('192.0.2.10', '127.0.5.1'), YAML % (birds.files, birds.path('local.ctl'))) as d:
        wait_for('announced', lambda: birds.n_routes() == (1, 0), 20)
        wait_for('configured', lambda: d.summary()['announcer']['groups_synced'] == 2)
        want = birds.text('default')
        d.signal(signal.SIGSTOP)
        try:
            with open(os.path.join(birds.files, 'new'), 'w') as f:
                f.write(want.replace('route 192.0.2.10/32 blackhole;', 'route 192.0.2.10/32 blackhole;\n  route 192.0.2.99/32 blackhole;'))
            os.rename(os.path.join(birds.files, 'new'), os.path.join(birds.files, 'default.conf'))
            birds.ask('local', 'configure')
            wait_for('it is there', lambda: birds.has('192.0.2.99'))
            birds.write_local('this is no configuration;\n')
        finally:
            d.signal(signal.SIGCONT)
        equal(verify(d)[:2], (1, 'bird2 group default: 192.0.2.99/32: BIRD has a route, no service asks for it\n1 compared, 1 differ\n'))
        birds.write_local()
        wait_for('repaired', lambda: not birds.has('192.0.2.99'), 10)
        equal(verify(d)[0], 0)


def test_verify_of_backend_bird_names_what_was_not_accepted():
    yaml = '''
balancer: {backend: none}
announcer: {backend: bird, announce_group: [default]}
bird: {sock_dir: "$DIR"}
state: {path: $DIR/state}
'''
    with HttpReal('127.0.5.1', PORT), Daemon(vip('192.0.2.10', '127.0.5.1'), yaml) as d:
        wait_for('up', lambda: d.summary()['prefixes']['announced'] == 1)
        equal(verify(d)[:2], (1, 'bird group default: 192.0.2.10/32: not accepted yet\n1 compared, 1 differ\n'))
        with BirdDouble(d.dir) as bird:
            wait_for('announced', lambda: bird.announced() == ['192.0.2.10'])
            equal(verify(d)[0], 0)


def printed(yaml, group, *more):
    with tempfile.NamedTemporaryFile('w', suffix='.yaml') as f:
        f.write(yaml)
        f.flush()
        r = subprocess.run([os.path.join(BUILD, 'alivectl'), 'announce', 'print-bird-config', group, '-c', f.name] + list(more),
                           capture_output=True, text=True)
        return r.returncode, r.stdout, r.stderr


def test_printed_configuration_of_bird2_works_in_a_real_bird():
    with Birds() as birds:
        yaml = YAML % (birds.files, birds.path('local.ctl'))
        code, text, err = printed(yaml.replace('$DIR', birds.dir), 'edge-1')
        equal((code, err), (0, ''))
        birds.kill('local')
        birds.local = MINIMAL % (text.replace('%', '%%'), "filter 'alived_edge-1'", "filter 'alived_edge-1'")
        birds.write_local()
        birds.start('local')
        both = vip('192.0.2.10', '127.0.5.1', 'edge-1') + vip('2001:db8::10', '::1', 'edge-1') + vip('192.0.2.11', '127.0.5.1')
        with HttpReal('127.0.5.1', PORT) as a, HttpReal('::1', PORT), Daemon(both, yaml) as d:
            wait_for('the group is at the neighbour', lambda: birds.has('192.0.2.10') and birds.has('2001:db8::10'), 20)
            wait_for('all is accepted', lambda: verify(d)[0] == 0, 10, 0.2)
            equal(birds.n_routes(), (1, 1), 'another group is not let out')
            a.status = 503
            wait_for('withdrawn', lambda: not birds.has('192.0.2.10'))


def test_printed_configuration_of_bird_list_works_in_a_real_bird():
    with Birds() as birds:
        yaml = '''
balancer: {backend: none}
announcer: {backend: bird_list, announce_group: [default]}
bird_list: {ctl_sock: "%s", bird_conf: "%s", bird6_conf: "%s"}
''' % (birds.path('local.ctl'), birds.path('four.conf'), birds.path('six.conf'))
        for name, variable, prefix in (('four', 'ACAST_PS_ADVERTISE', '192.0.2.10/32'), ('six', 'ACAST6_PS_ADVERTISE', '2001:db8::10/128')):
            with open(birds.path(name + '.conf'), 'w') as f:
                f.write('define %s =\n    [\n        %s\n    ];\n' % (variable, prefix))
        code, text, err = printed(yaml, 'default')
        equal((code, err), (0, ''))
        birds.kill('local')
        birds.local = MINIMAL % (text.replace('%', '%%'), 'where net ~ ACAST_PS_ADVERTISE', 'where net ~ ACAST6_PS_ADVERTISE')
        check('export where net ~ ACAST6_PS_ADVERTISE' in text)
        birds.write_local()
        for address in ('192.0.2.10/32', '192.0.2.11/32', '2001:db8::10/128'):
            run('ip', '-n', birds.space['local'], 'addr', 'add', address, 'dev', 'lo')
        birds.start('local')
        wait_for('what is in the lists is at the neighbour', lambda: birds.has('192.0.2.10') and birds.has('2001:db8::10'), 20)
        equal(birds.n_routes(), (1, 1))
        text = vip('192.0.2.10', '127.0.5.1') + vip('192.0.2.11', '127.0.5.1') + vip('2001:db8::10', '::1')
        with HttpReal('127.0.5.1', PORT), HttpReal('::1', PORT) as b, Daemon(text, yaml + 'state: {path: $DIR/state}\n') as d:
            wait_for('the daemon has its lists in BIRD', lambda: birds.n_routes() == (2, 1), 10)
            wait_for('all agrees', lambda: verify(d)[:2] == (0, '3 compared, 0 differ\n'), 10, 0.2)
            b.status = 503
            wait_for('withdrawn', lambda: not birds.has('2001:db8::10'), 10)
            equal(verify(d)[0], 0)
            run('ip', '-n', birds.space['local'], 'addr', 'del', '192.0.2.11/32', 'dev', 'lo')
            wait_for('no address, no route', lambda: not birds.has('192.0.2.11'))
            equal(verify(d)[:2], (1, 'bird_list group default: 192.0.2.11/32: wanted announced, BIRD has no route\n3 compared, 1 differ\n'))
            code, out, _ = d.ctl('announce', 'list')
            check('bird_list group (all): in sync' in out, out)


def test_print_refuses_what_it_cannot_know():
    yaml = 'balancer: {backend: none}\nannouncer: {backend: %s, announce_group: [default]}\n'
    code, out, err = printed(yaml % 'bird2', 'nix')
    equal((code, out), (1, ''))
    check("no group 'nix'" in err and 'there are: default' in err, err)
    code, out, err = printed(yaml % 'bird', 'default')
    equal((code, out), (1, ''))
    check('only bird2 and bird_list' in err, err)
    code, out, err = printed(yaml % '[bird2, bird_list]', 'default', '--json')
    equal([(x['backend'], x['group']) for x in json.loads(out)], [('bird2', 'default'), ('bird_list', 'default')])


if not shutil.which('bird') or os.geteuid() != 0:
    print('1..0 # SKIP %s' % ('network namespaces need root' if shutil.which('bird') else 'no bird2 on this machine'))
    sys.exit(0)
if __name__ == '__main__':
    integ.main(globals())
