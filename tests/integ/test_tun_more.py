#!/usr/bin/python3
"""Tunnelled checks as an operator sets them up: host rules by `alivectl tun rules`, faults found by
`alivectl doctor` and repaired by the command it names; load, kills and odd routing under the guard."""
import contextlib, json, os, signal, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ, tunlab
from integ import check, equal, wait_for
from tunlab import CHECKER4, CHECKER6, REAL4, REAL6, VIP4, VIP6, Lab, counters, service

TOOLS = 'iptables', 'ip6tables'


def alive(d, ip, service=0):
    return d.real(ip, service=service)['alive']


# --- alivectl in the checker's namespace

def shell(lab, command):
    """Runs what a person would paste: alivectl is the one under test."""
    env = dict(os.environ, PATH=integ.BUILD + ':' + os.environ['PATH'])
    return subprocess.run(['ip', 'netns', 'exec', lab.checker, 'sh', '-c', command], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60, env=env)


def options(d):
    return ' -c %s --services %s' % (d.path('alived.yaml'), d.path('services.conf'))


def rules(lab, d, action):
    r = shell(lab, 'alivectl tun rules %s%s' % (action, options(d)))
    equal(r.returncode, 0, action + ': ' + r.stderr)
    return r.stdout


def table(lab, tool):
    return lab.at_checker(tool + ' -t mangle -S').stdout


def doctor(lab, d):
    """Findings by name, notes left out; the exit status must agree with them."""
    r = shell(lab, 'alivectl --json doctor' + options(d))
    answer = json.loads(r.stdout)
    found = {f['id']: f for f in answer['findings'] if f['severity'] != 'note'}
    equal((r.returncode, answer['ok']), (1 if found else 0, not found), r.stdout)
    return found


def repair(lab, d, name):
    """The doctor finds this and nothing else; its command repairs it."""
    found = doctor(lab, d)
    equal(sorted(found), [name] if isinstance(name, str) else sorted(name))
    for command in {f['repair'] for f in found.values()}:
        r = shell(lab, command)
        equal(r.returncode, 0, command + ': ' + r.stderr)
    equal(doctor(lab, d), {})


# --- rules

def run_rules(yaml):
    with Lab(rules=False) as lab:
        # the state without any rule of ours leaks while the daemon has not noticed yet: not what is tested here
        for tool in TOOLS:
            lab.at_checker(tool + ' -t mangle -A POSTROUTING -m mark ! --mark 0x0 -o c0 -j DROP')
        foreign = {tool: table(lab, tool) for tool in TOOLS}
        servers = [lab.http(VIP4), lab.http(VIP6)]
        with lab.daemon(service(VIP4, [REAL4, REAL6]) + service(VIP6, [REAL4, REAL6], method='GRE'), yaml) as d:
            wait_for('doubts', lambda: counters(d)['tun_doubted'] > 6)
            equal((d.events('real_up'), d.events('real_down'), lab.bare()), ([], [], (0, 0)))
            equal(rules(lab, d, '--apply'), 'iptables: 3 rules added, 0 removed\nip6tables: 3 rules added, 0 removed\n')
            for i in 0, 1:
                wait_for('service %d up' % i, lambda: alive(d, REAL4, i) == 1 and alive(d, REAL6, i) == 1)
            wanted = {tool: table(lab, tool) for tool in TOOLS}
            equal(rules(lab, d, '--apply'), 'iptables: 0 rules added, 0 removed\nip6tables: 0 rules added, 0 removed\n')
            equal({tool: table(lab, tool) for tool in TOOLS}, wanted, 'applied twice')
            equal(doctor(lab, d), {})
            equal(rules(lab, d, '--remove'), 'iptables: 0 rules added, 3 removed\nip6tables: 0 rules added, 3 removed\n')
            equal({tool: table(lab, tool) for tool in TOOLS}, foreign, 'other rules stay')
            wait_for('the daemon to notice', lambda: len(d.events('tunnel_unproven')) >= 4)
            for s in servers:
                s.stop()
            time.sleep(2.5)
            equal(d.events('real_down'), [], 'unknown is not down')
            rules(lab, d, '--apply')
            wait_for('all down: the way is proven again', lambda: len(d.events('real_down')) == 4)
            equal({e['code'] for e in d.events('real_down')}, {'refused'})
            equal(lab.decap.bad, [])
            lab.check_guard()


def test_rules_of_option_steering_make_it_work_and_removed_make_it_unknown():
    run_rules('')


def test_rules_of_mark_steering_with_its_default_range():
    run_rules('  steering: mark\n')


def test_rules_of_mark_steering_with_an_odd_base_leave_other_marks_alone():
    yaml = '  steering: mark\n  mark_mask: 0xffff\n  mark_base: 0x1235\n'
    with Lab(rules=False) as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4]), yaml) as d:
            rules(lab, d, '--apply')
            wait_for('up', lambda: alive(d, REAL4) == 1)
            for mark, passes in (0, True), (1, True), (0x1234, True), (0x1235, False), (0xffff, False), (0x10000, True):
                equal(reaches_itself(lab, mark), passes, 'mark 0x%x' % mark)
            lab.check_guard()


def reaches_itself(lab, mark):
    """Does a marked datagram over the checker's loopback arrive, instead of going to the queue?"""
    import socket
    with tunlab.inside(lab.checker), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(('127.0.0.1', 0))
        s.settimeout(0.3)
        s.setsockopt(socket.SOL_SOCKET, 36, mark)
        s.sendto(b'x', s.getsockname())
        with contextlib.suppress(socket.timeout):
            return s.recv(1) == b'x'
        return False


def test_rules_follow_the_files():
    with Lab(rules=False) as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4])) as d:
            rules(lab, d, '--apply')
            wait_for('up', lambda: alive(d, REAL4) == 1)
            d.write_services(service(VIP4, [REAL4]) + ''.join(service('10.99.0.%d' % i, [REAL4]) for i in range(2, 202)))
            equal(sorted(doctor(lab, d)), ['drop_rules_missing'])
            begin = time.monotonic()
            equal(rules(lab, d, '--apply --print iptables'), 'iptables: 200 rules added, 0 removed\n')
            check(time.monotonic() - begin < 5 * integ.SLOW, 'took %.1f s', time.monotonic() - begin)
            equal(doctor(lab, d), {})
            d.write_services(service(VIP4, [REAL4]))
            equal(rules(lab, d, '--apply --print iptables'), 'iptables: 0 rules added, 200 removed\n')
            lab.at_checker('iptables -t mangle -I OUTPUT -m mark --mark 0xffffffff -m comment --comment alived -j NFQUEUE '
                           '--queue-num 9')
            equal(rules(lab, d, '--apply --print iptables'), 'iptables: 1 rules added, 2 removed\n')
            equal(d.events('real_down'), [])
            equal(doctor(lab, d), {})
            lab.check_guard()


# --- doctor

def test_doctor_finds_removed_rules_and_its_command_repairs_them():
    with Lab(rules=False) as lab:
        lab.http(VIP4)
        lab.http(VIP6)
        with lab.daemon(service(VIP4, [REAL4]) + service(VIP6, [REAL6])) as d:
            repair(lab, d, ['rule_missing', 'drop_rules_missing'])
            wait_for('both up', lambda: alive(d, REAL4) == 1 and alive(d, REAL6, 1) == 1)
            lab.at_checker('ip6tables -t mangle -F')
            repair(lab, d, ['rule_missing', 'drop_rules_missing'])
            equal(d.events('real_down'), [])


def test_doctor_finds_rules_that_catch_and_its_command_goes_before_them():
    with Lab(rules=False) as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4])) as d:
            for rule, name in (('-d 10.99.0.0/16 -j ACCEPT', 'rule_shadowed'), ('-j MARK --set-mark 1', 'rule_shadowed'),
                               ('-m mark --mark 0xffffffff -j NFQUEUE --queue-num 78', 'rule_elsewhere'),
                               ('-m mark ! --mark 0 -j NFQUEUE --queue-num 77 --queue-bypass', 'rule_bypass'),
                               ('-o lo -j ACCEPT', 'rule_doubtful')):
                rules(lab, d, '--apply')
                lab.at_checker('iptables -t mangle -I OUTPUT ' + rule)
                repair(lab, d, name)
                lab.at_checker('iptables -t mangle -D OUTPUT ' + rule)
            wait_for('up', lambda: alive(d, REAL4) == 1)
            equal(d.events('real_down'), [])
            lab.check_guard()


def test_backstop_holds_when_the_output_chain_is_emptied():
    with Lab(rules=False) as lab:
        servers = [lab.http(VIP4), lab.http(VIP6)]
        with lab.daemon(service(VIP4, [REAL4], delay=0.05) + service(VIP6, [REAL6], delay=0.05)) as d:
            rules(lab, d, '--apply')
            wait_for('both up', lambda: alive(d, REAL4) == 1 and alive(d, REAL6, 1) == 1)
            for tool in TOOLS:
                lab.at_checker(tool + ' -t mangle -F OUTPUT')
            wait_for('the daemon to notice', lambda: len(d.events('tunnel_unproven')) == 2)
            equal([e['rule'] for e in d.events('tunnel_unproven')], ['missing'] * 2)
            for s in servers:
                s.stop()
            time.sleep(1)
            equal(d.events('real_down'), [])
            lab.check_guard()


def test_doctor_finds_a_missing_route_and_its_command_repairs_it():
    with Lab(rules=False) as lab:
        server = lab.http(VIP4)
        lab.http(VIP6)
        with lab.daemon(service(VIP4, [REAL4]) + service(VIP6, [REAL4])) as d:
            rules(lab, d, '--apply')
            wait_for('both up', lambda: alive(d, REAL4) == 1 and alive(d, REAL4, 1) == 1)
            lab.at_checker('ip route del 10.99.0.0/24')
            lab.at_checker('ip route del fd99::/64')
            server.stop()
            time.sleep(1)
            found = doctor(lab, d)
            equal(list(found), ['no_route_to_vip'])
            check(found['no_route_to_vip']['repair'] in ('ip route replace 10.99.0.1/32 dev c0',
                                                        'ip -6 route replace fd99::1/128 dev c0'), '%s', found)
            equal(d.events('real_down'), [], 'no route anywhere is no verdict')
            lab.http(VIP4)
            while doctor(lab, d):
                equal(shell(lab, doctor(lab, d)['no_route_to_vip']['repair']).returncode, 0)
            n = len(lab.decap.packets)
            wait_for('checks of both', lambda: {p.inner for p in lab.decap.packets[n:] if p.is_syn} == {4, 6})
            time.sleep(1)
            equal(d.events('real_down'), [])
            check(alive(d, REAL4) == 1 and alive(d, REAL4, 1) == 1, 'up')
            lab.check_guard()


def rename(lab, name):
    """The checker's interface gets a name as VLANs have, with a dot; its IPv4 routes come back by hand."""
    for command in ('ip link set c0 down', 'ip link set c0 name ' + name, 'ip link set %s up' % name,
                    'ip route replace 10.99.0.0/24 via ' + REAL4):
        lab.at_checker(command)


def test_vip_that_becomes_local_takes_no_real_down():
    """Without bindto the kernel takes the VIP itself for the source: unknown, our fault, not the real's."""
    with Lab() as lab:
        lab.http(VIP4)
        lab.at_checker('sysctl -qw net.ipv4.conf.c0.accept_local=1')
        with lab.daemon(service(VIP4, [REAL4])) as d:
            wait_for('up', lambda: d.real(REAL4)['alive'] == 1)
            lab.at_checker('ip addr add %s/32 dev lo' % VIP4)
            wait_for('the alarm', lambda: d.events('checks_unknown'), 15)
            equal((d.events('real_down'), d.real(REAL4)['alive']), ([], 1))


def test_doctor_finds_a_local_vip_whose_answers_the_kernel_drops():
    with Lab(rules=False) as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4], check_extra='bindto ' + CHECKER4)) as d:
            rules(lab, d, '--apply')
            wait_for('up', lambda: alive(d, REAL4) == 1)
            rename(lab, 'c0.7')
            lab.at_checker('ip addr add %s/32 dev lo' % VIP4)
            lab.at_checker('sysctl -qw net/ipv4/conf/c0.7/rp_filter=1')
            wait_for('down: no answer gets in', lambda: alive(d, REAL4) == 0)
            repair(lab, d, ['no_accept_local', 'rp_filter'])
            wait_for('up again', lambda: alive(d, REAL4) == 1)
            d.write_services(service(VIP4, [REAL4]))
            found = doctor(lab, d)
            equal(list(found), ['no_bindto'])
            check('bindto %s' % CHECKER4 in found['no_bindto']['repair'], '%s', found)
            lab.check_guard()


def test_standby_whose_route_to_the_vip_leads_elsewhere():
    """The VIP is not local and its route, here the default one, leaves by another interface."""
    with Lab(rules=False) as lab:
        lab.http(VIP4, body=b'x' * 60000)
        lab.http(VIP6, body=b'x' * 60000)
        lab.at_checker('ip route del 10.99.0.0/24')
        lab.at_checker('ip route del fd99::/64')
        lab.at_checker('ip link add up0 type veth peer name up1')
        lab.at_checker('ip link set up1 up')
        lab.at_checker('ip link set up0 up')
        lab.at_checker('ip addr add 10.66.0.1/24 dev up0')
        lab.at_checker('ip route add default via 10.66.0.2')
        lab.at_checker('ip -6 route add default dev up0')
        with lab.daemon(service(VIP4, [REAL4, REAL6], 'HTTP_GET', check_extra='bindto ' + CHECKER4) +
                        service(VIP6, [REAL4, REAL6], 'HTTP_GET', check_extra='bindto ' + CHECKER6)) as d:
            rules(lab, d, '--apply')
            for i in 0, 1:
                wait_for('service %d up' % i, lambda: alive(d, REAL4, i) == 1 and alive(d, REAL6, i) == 1)
            equal(doctor(lab, d), {})
            lab.at_checker('sysctl -qw net.ipv4.conf.c0.rp_filter=1')
            wait_for('IPv4 answers are dropped', lambda: alive(d, REAL4) == 0 and alive(d, REAL6) == 0)
            check(alive(d, REAL4, 1) == 1 and alive(d, REAL6, 1) == 1, 'IPv6 has no such filter')
            repair(lab, d, 'rp_filter')
            wait_for('up again', lambda: alive(d, REAL4) == 1 and alive(d, REAL6) == 1)
            equal(lab.decap.bad, [])
            lab.check_guard()


def test_doctor_finds_a_rule_that_drops_what_tracking_calls_invalid():
    with Lab(rules=False) as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4])) as d:
            rules(lab, d, '--apply')
            wait_for('up', lambda: alive(d, REAL4) == 1)
            if lab.at_checker('iptables -A INPUT -m conntrack --ctstate INVALID -j DROP', fails=True).returncode:
                print('# SKIP no connection tracking in this kernel')
                return
            wait_for('down: the answers are invalid', lambda: alive(d, REAL4) == 0)
            repair(lab, d, 'state_rule')
            wait_for('up again', lambda: alive(d, REAL4) == 1)


def test_doctor_finds_missing_rights_an_unread_queue_and_small_packets():
    with Lab(rules=False) as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4])) as d:
            rules(lab, d, '--apply')
            wait_for('up', lambda: alive(d, REAL4) == 1)
            lab.at_checker('ip link set c0 mtu 580')
            found = doctor(lab, d)
            equal(list(found), ['small_mtu'])
            equal(found['small_mtu']['repair'], 'ip link set c0 mtu 1500')
            repair(lab, d, 'small_mtu')
            d.kill()
            equal(sorted(doctor(lab, d)), ['daemon_away', 'queue_unread'])
        weak = ['setpriv', '--inh-caps', '-net_raw', '--bounding-set', '-net_raw']
        d = lab.daemon(service(VIP4, [REAL4]))
        d.wrapper = d.wrapper + weak
        with d:
            wait_for('the line', lambda: d.events('tunnel_closed'))
            found = doctor(lab, d)
            check('no_right' in found and 'CAP_NET_RAW' in found['no_right']['text'], '%s', found)


def test_doctor_elsewhere_says_which_namespace():
    with Lab(rules=False) as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4])) as d:
            rules(lab, d, '--apply')
            wait_for('up', lambda: alive(d, REAL4) == 1)
            code, out, _ = d.ctl('--json', 'doctor', '-c', d.path('alived.yaml'), '--services', d.path('services.conf'))
            equal(code, 1)
            found = [f for f in json.loads(out)['findings'] if f['id'] == 'other_namespace']
            env = dict(os.environ, PATH=integ.BUILD + ':' + os.environ['PATH'])
            equal(subprocess.run(found[0]['repair'].split(), env=env, capture_output=True).returncode, 0)


def test_direct_routing_needs_the_real_on_the_link():
    with Lab(rules=False) as lab:
        for vip, tool in (VIP4, 'iptables'), (VIP6, 'ip6tables'):
            lab.http(vip, body=b'x' * 60000)
            lab.at_real(tool + ' -t mangle -F') # the guard: here packets do come to the VIP as they are
        lab.at_checker('ip route add 10.77.0.2/32 via 10.77.0.2')
        with lab.daemon(service(VIP4, [REAL4], 'HTTP_GET', method='DR') + service(VIP6, [REAL6], 'HTTP_GET', method='DR')) as d:
            rules(lab, d, '--apply')
            wait_for('the IPv6 real is up', lambda: alive(d, REAL6, 1) == 1)
            equal(d.events('real_down'), [], 'no hardware address is no verdict')
            repair(lab, d, 'real_behind_router')
            wait_for('the IPv4 real is up', lambda: alive(d, REAL4) == 1, 15)
            check(counters(d)['tun_sent_dr'] > 0, 'counted')
            equal(lab.decap.packets, [], 'no outer header')


# --- load and kills

PORTS = range(80, 90)


def many(kind='HTTP_GET', delay=0.1, **kw):
    """Forty reals, each VIP on ten ports, both families of reals, TUN and GRE."""
    text = ''.join(service(vip, [REAL4, REAL6], kind, port=port, method='GRE' if port % 2 else 'TUN', delay=delay, **kw)
                   for vip in (VIP4, VIP6) for port in PORTS)
    return text.replace('path /', 'path /' + 'p' * 3000)


def all_alive(d):
    return sum(rs['alive'] for vs in d.status() for rs in vs['rs'])


def test_overloaded_queue_lets_nothing_out_and_takes_nothing_down():
    """400 checks a second, a queue of 16 packets, and a reader that stands still at times."""
    with Lab(rules=False, verbose=False) as lab:
        servers = [lab.http(vip, port, body=b'x' * 60000) for vip in (VIP4, VIP6) for port in PORTS]
        with lab.daemon(many(), '  max_queue_len: 16\n  socket_buffer: 16384\n') as d:
            rules(lab, d, '--apply')
            wait_for('all up', lambda: all_alive(d) == 40, 20)
            for _ in range(3):
                with tunlab.stopped_thread(d.process.pid, 'tun'):
                    time.sleep(0.7)
                time.sleep(0.8)
            wait_for('losses', lambda: counters(d)['tun_lost'] > 0)
            equal([(e['real'], e['code']) for e in d.events('real_down')], [])
            servers[0].stop()
            wait_for('the dead ones are down', lambda: all_alive(d) == 38, 20)
            lab.check_guard()
            equal(lab.decap.sum()['bad'], 0)


def test_daemon_killed_amid_many_checks_leaves_no_bare_packet():
    with Lab(rules=False, verbose=False) as lab:
        for vip in VIP4, VIP6:
            for port in PORTS:
                lab.http(vip, port, body=b'x' * 60000)
        for i in range(4):
            with lab.daemon(many()) as d:
                if i == 0:
                    rules(lab, d, '--apply')
                wait_for('all up', lambda: all_alive(d) == 40, 20)
                time.sleep(0.13 * i)
                d.signal(signal.SIGKILL)
                d.process.wait()
                time.sleep(0.3)
                lab.check_guard()
        time.sleep(1.5)
        equal(lab.bare(), (0, 0), 'the drops of resets hold without a daemon')
        equal(lab.decap.sum()['bad'], 0)


if __name__ == '__main__':
    why = tunlab.missing()
    if why:
        print('1..0 # SKIP ' + why)
        sys.exit(0)
    integ.main(globals())
