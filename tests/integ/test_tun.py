#!/usr/bin/python3
"""Tunnelled checks, proven by packets: docs/internals/tunnel.md."""
import contextlib, json, os, socket, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ, tunlab
from integ import check, equal, wait_for
from tunlab import CHECKER4, CHECKER6, REAL4, REAL6, VIP4, VIP6, Lab, counters, ipv4, ipv6, service


def alive(d, ip, service=0):
    return d.real(ip, service=service)['alive']


def test_ipip_tcp_check_goes_through_the_tunnel():
    with Lab() as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4])) as d:
            wait_for('up', lambda: alive(d, REAL4) == 1)
            syn = [p for p in lab.decap.packets if p.is_syn][0]
            equal((syn.outer, syn.proto, syn.source, syn.destination), (4, 4, CHECKER4, REAL4))
            equal((syn.inner, syn.inner_ttl), (4, 2))
            wait_for('the reset that ends the check', lambda: any(p.is_rst for p in lab.decap.packets))
            equal(lab.decap.bad, [])
            lab.check_guard()


COMBINATIONS = [(vip, real, method) for method in ('TUN', 'GRE') for vip in (VIP4, VIP6) for real in (REAL4, REAL6)]
BAD_COUNTERS = ['tun_' + name for name in ('send_errors', 'too_big', 'truncated', 'malformed', 'fragments', 'no_option', 'lost',
                                           'unknown_real', 'unknown_mark', 'unknown_method', 'verdict_errors', 'doubted',
                                           'proofs_bypassed')] + ['results_bad']


def protocol(vip, method):
    return 47 if method == 'GRE' else 4 if vip == VIP4 else 41


def overhead(real, method):
    return (20 if real == REAL4 else 40) + (4 if method == 'GRE' else 0)


def all_services(kind, **kw):
    """One service per VIP and method (TUN on port 80, GRE on 81), each with an IPv4 and an IPv6 real."""
    return ''.join(service(vip, [REAL4, REAL6], kind, port=80 if method == 'TUN' else 81, method=method, **kw)
                   for method in ('TUN', 'GRE') for vip in (VIP4, VIP6))


def check_combinations(packets, mtu=1500):
    for vip, real, method in COMBINATIONS:
        own = [p for p in packets if p.destination == real and p.proto == protocol(vip, method) and
               p.inner == (4 if vip == VIP4 else 6)]
        check(own, '%s over %s by %s: no packet', vip, real, method)
        for p in own:
            equal((p.source, p.inner_ttl, p.ttl), (CHECKER4 if real == REAL4 else CHECKER6, 2, 64))
            if p.is_syn:
                equal(p.mss, mtu - overhead(real, method) - (40 if vip == VIP4 else 60),
                      'MSS of %s over %s by %s' % (vip, real, method))
            if real == REAL4:
                equal((p.df, p.tos), (1 if vip == VIP4 else 0, 0))


def run_combinations(kind, yaml='', rules=None, **state):
    with Lab(rules=rules is None) as lab:
        if rules:
            rules(lab)
        servers = [lab.http(vip, port, **state) for vip in (VIP4, VIP6) for port in (80, 81)]
        with lab.daemon(all_services(kind), yaml) as d:
            for i in range(4):
                for real in REAL4, REAL6:
                    wait_for('service %d real %s up' % (i, real), lambda: alive(d, real, i) == 1)
            wait_for('each real checked four times', lambda: sum(p.is_syn for p in lab.decap.packets) > 32, 10)
            check_combinations(list(lab.decap.packets))
            equal(lab.decap.bad, [])
            c = counters(d)
            check(c['tun_sent_ipip'] and c['tun_sent_gre'], 'no packets counted: %s', c)
            equal([k for k in BAD_COUNTERS if c[k]], [])
            lab.check_guard()
            return servers


def test_all_family_pairs_and_methods_tcp():
    run_combinations('TCP_CHECK')


def test_all_family_pairs_and_methods_http_60_kb():
    servers = run_combinations('HTTP_GET', body=b'x' * 60000)
    check(all(s.requests for s in servers), 'every VIP was asked')


def test_mark_steering_needs_no_option():
    # base 0x4000, mask 0x7fff: slots from 0x4000 to 0x7ffe, the test datagram 0x7fff
    run_combinations('HTTP_GET', '  steering: mark\n  mark_mask: 0x7fff\n  mark_base: 0x4000\n',
                     lambda lab: lab.add_rules(mark='0x4000/0xffffc000'), body=b'x' * 60000)


def test_rule_missing_is_unknown_and_nothing_is_ever_sent():
    with Lab(rules=False) as lab:
        lab.http(VIP4)
        lab.http(VIP6)
        with lab.daemon(service(VIP4, [REAL4]) + service(VIP6, [REAL6])) as d:
            wait_for('doubts', lambda: counters(d)['tun_doubted'] > 6)
            equal([e['rule'] for e in d.events('tunnel_unproven')], ['missing', 'missing'])
            equal((d.events('real_up'), d.events('real_down')), ([], []))
            equal(lab.bare(), (0, 0))
            equal(lab.decap.packets, [])
            lab.add_rules(tools=('iptables',))
            wait_for('the IPv4 real is up', lambda: alive(d, REAL4) == 1)
            equal(d.events('real_down'), [])
            wait_for('the line', lambda: d.events('tunnel_proven'))
            equal([e['family'] for e in d.events('tunnel_proven')], ['ipv4'])
            equal(lab.bare(), (0, 0))


def test_rule_removed_while_running_changes_no_verdict():
    with Lab() as lab:
        lab.add_backstop()
        servers = [lab.http(VIP4), lab.http(VIP6)]
        with lab.daemon(service(VIP4, [REAL4]) + service(VIP6, [REAL6])) as d:
            wait_for('both up', lambda: alive(d, REAL4) == 1 and alive(d, REAL6, 1) == 1)
            lab.remove_rules()
            wait_for('the daemon to notice', lambda: len(d.events('tunnel_unproven')) == 2)
            servers[0].stop()
            time.sleep(2)
            equal(d.events('real_down'), [])
            check(alive(d, REAL4) == 1 and alive(d, REAL6, 1) == 1, 'verdicts stand')
            lab.add_rules()
            wait_for('the stopped real is down', lambda: d.events('real_down'))
            equal(d.events('real_down')[0]['code'], 'refused')
            equal(alive(d, REAL6, 1), 1)
            equal(lab.decap.bad, [])
            lab.check_guard()


def test_rule_removed_while_running_makes_no_dead_real_up():
    """The VIP's owner answers, if a check goes out bare: that must not count for the real."""
    with Lab() as lab:
        lab.http(VIP4)
        lab.at_checker('ip addr add %s/32 dev lo' % VIP4)
        with tunlab.inside(lab.checker):
            owner = integ.HttpReal(VIP4)
            owner.start()
        lab.stack.callback(owner.stop)
        lab.at_real('iptables -A OUTPUT -s %s -j DROP' % VIP4)
        with lab.daemon(service(VIP4, [REAL4], check_extra='bindto ' + CHECKER4)) as d:
            wait_for('down', lambda: d.events('real_down'))
            equal(d.events('real_down')[0]['code'], 'connect_timeout')
            for _ in range(3):
                lab.remove_rules()
                time.sleep(1.5)
                lab.add_rules()
                time.sleep(1.5)
            equal(d.events('real_up'), [])


def test_queue_taken_by_another_program_is_waited_for():
    with Lab() as lab:
        lab.http(VIP4)
        holder = tunlab.QueueHolder(lab.checker)
        with lab.daemon(service(VIP4, [REAL4])) as d:
            wait_for('the line', lambda: d.events('tunnel_closed'))
            equal(d.events('tunnel_closed')[0]['error'], 'EBUSY')
            wait_for('doubts', lambda: counters(d)['tun_doubted'] > 3)
            equal((d.events('real_up'), d.events('real_down')), ([], []))
            holder.close()
            wait_for('up', lambda: alive(d, REAL4) == 1, 8)
            equal(len(d.events('tunnel_closed')), 1, 'said once')
            lab.check_guard()


def test_without_rights_everything_else_runs_on():
    own = '127.77.%d.%d' % (os.getpid() >> 8 & 255, os.getpid() & 255) # this one runs outside of any namespace
    with integ.HttpReal(own):
        plain_service = integ.service('192.0.2.1', [(own, 8080)])
        d = integ.Daemon(service(VIP4, [REAL4]) + plain_service, 'check_tun:\n  nfqueue: %d\n' % tunlab.QUEUE,
                         wrapper=['setpriv', '--reuid', '65534', '--clear-groups', '--inh-caps', '-all', '--bounding-set', '-all'])
        os.chmod(d.dir, 0o777)
        os.chmod(d.path('alived.yaml'), 0o666)
        os.chmod(d.path('services.conf'), 0o666)
        before = os.umask(0)
        try:
            d.start()
            wait_for('the plain real is up', lambda: alive(d, own, 1) == 1)
            wait_for('the line', lambda: d.events('tunnel_closed'))
            equal(d.events('tunnel_closed')[0]['error'], 'EPERM')
            wait_for('doubts', lambda: counters(d)['tun_doubted'] > 3)
            equal(d.events('real_down'), [])
        finally:
            os.umask(before)
            d.__exit__(None)


def test_daemon_killed_leaves_no_bare_packet_and_starts_again():
    with Lab() as lab:
        lab.http(VIP4, body=b'x' * 60000, delay=0.2)
        text = service(VIP4, [REAL4], 'HTTP_GET', delay=0.05)
        for _ in range(3):
            with lab.daemon(text) as d:
                wait_for('up', lambda: alive(d, REAL4) == 1)
                d.kill()
        time.sleep(0.5)
        equal(lab.decap.bad, [])
        lab.check_guard()


def test_hanging_tunnel_thread_is_unknown_and_recovers():
    with Lab() as lab:
        server = lab.http(VIP4)
        lab.http(VIP6)
        with lab.daemon(service(VIP4, [REAL4]) + service(VIP6, [REAL6], delay=1)) as d:
            wait_for('both up', lambda: alive(d, REAL4) == 1 and alive(d, REAL6, 1) == 1)
            with tunlab.stopped_thread(d.process.pid, 'tun'):
                server.stop()
                time.sleep(2.3)
                equal((d.events('real_down'), d.events('tunnel_thread_replaced')), ([], []))
                equal(d.request('GET', '/healthz')[0], 503)
            wait_for('the stopped real is down', lambda: d.events('real_down'))
            equal([e['real'] for e in d.events('real_down')], ['%s:80' % REAL4])
            check(counters(d)['tun_stalls'] >= 1, 'the standstill was counted')
            equal(d.request('GET', '/healthz')[0], 200)
            lab.check_guard()


def test_refused_and_silent_reals_go_down_without_delay():
    with Lab() as lab:
        server = lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4])) as d:
            wait_for('up', lambda: alive(d, REAL4) == 1)
            server.stop()
            down = wait_for('down', lambda: d.events('real_down'))[0]
            equal(down['code'], 'refused')
            check(down['took_us'] < 50000 * integ.SLOW, 'took %d us', down['took_us'])
            # a RST that is back before its SYN was noted as sent waits for that note, no longer
            check(counters(d)['tun_held'] <= 1, 'its own packets are the proof')
            lab.http(VIP4)
            wait_for('up again', lambda: alive(d, REAL4) == 1)
            lab.at_real('ip addr del %s/32 dev lo' % VIP4)
            wait_for('down: the VIP is gone', lambda: len(d.events('real_down')) == 2)
            equal(d.events('real_down')[1]['code'], 'connect_timeout')


def test_vip_on_the_checker_itself():
    with Lab() as lab:
        lab.http(VIP4)
        lab.http(VIP6)
        for vip in VIP4 + '/32', VIP6 + '/128 nodad':
            lab.at_checker('ip addr add %s dev lo' % vip)
        lab.at_checker('sysctl -qw net.ipv4.conf.c0.accept_local=1')
        with lab.daemon(service(VIP4, [REAL4], check_extra='bindto ' + CHECKER4) +
                        service(VIP6, [REAL4], check_extra='bindto ' + CHECKER6)) as d:
            wait_for('both up', lambda: alive(d, REAL4) == 1 and alive(d, REAL4, 1) == 1)
            mss = {p.inner: p.mss for p in lab.decap.packets if p.is_syn}
            equal(mss, {4: 1440, 6: 1420}, 'the segment size is the route to the real, not lo')
            lab.check_guard()


def long_service(path_bytes=3000, **kw):
    """A check whose request takes several segments."""
    return service(VIP4, [REAL4], 'HTTP_GET', **kw).replace('path /', 'path /' + 'p' * path_bytes)


def test_segments_fit_the_route_after_encapsulation():
    with Lab() as lab:
        lab.http(VIP4, body=b'x' * 60000)
        lab.at_checker('ip route add %s/32 dev c0 mtu 700' % REAL4)
        with lab.daemon(long_service(method='GRE')) as d:
            wait_for('up', lambda: alive(d, REAL4) == 1)
            wait_for('several connections of the kept socket', lambda: sum(p.is_syn for p in lab.decap.packets) >= 4)
            equal({p.mss for p in lab.decap.packets if p.is_syn}, {700 - 24 - 40})
            equal(max(p.length for p in lab.decap.packets), 700 - 24 - 8, 'the option counted and was taken out')
            equal(counters(d)['tun_too_big'], 0)
            equal(d.events('real_down'), [])


def test_packets_cut_by_max_packet_len_are_unknown_not_bad():
    with Lab() as lab:
        lab.http(VIP4)
        with lab.daemon(long_service(), '  max_packet_len: 1000\n') as d:
            wait_for('losses', lambda: counters(d)['tun_lost'] > 3)
            wait_for('doubts', lambda: counters(d)['tun_doubted'] > 1)
            equal(d.events('real_down'), [])


def test_packet_too_big_for_the_link_is_unknown_and_heals():
    with Lab() as lab:
        lab.http(VIP4)
        with lab.daemon(long_service()) as d:
            wait_for('up', lambda: alive(d, REAL4) == 1)
            lab.at_checker('ip link set c0 mtu 1300')
            wait_for('it was noticed', lambda: counters(d)['tun_too_big'] > 0)
            n = len(lab.decap.packets)
            wait_for('smaller segments', lambda: any(p.mss == 1300 - 60 for p in lab.decap.packets[n:]))
            time.sleep(1.5)
            equal(d.events('real_down'), [])


def test_outer_source_is_the_services_network_or_the_bind_address():
    with Lab() as lab:
        lab.http(VIP4)
        lab.http(VIP6)
        lab.at_checker('ip addr add 10.77.0.9/24 dev c0')
        networks = 'ipv4_outer_source_network 203.0.113.7/24\nipv6_outer_source_network 2001:db8:5::/48'
        with lab.daemon(service(VIP4, [REAL4, REAL6], extra=networks) + service(VIP6, [REAL4, REAL6]),
                        '  ipv4_bind: 10.77.0.9\n') as d:
            for i in 0, 1:
                for real in REAL4, REAL6:
                    wait_for('up', lambda: alive(d, real, i) == 1)
            sources = {(p.inner, p.destination): p.source for p in lab.decap.packets}
            equal(sources, {(4, REAL4): '203.0.113.7',
                            (4, REAL6): '2001:db8:5:a4d:1::1', # 10.77.0.1 behind the prefix, our last two bytes
                            (6, REAL4): '10.77.0.9',
                            (6, REAL6): CHECKER6})
            equal((lab.decap.bad, d.events('real_down')), ([], []))


def test_tls_check_through_the_tunnel():
    with Lab() as lab:
        with tempfile.TemporaryDirectory() as directory:
            key, certificate = os.path.join(directory, 'key'), os.path.join(directory, 'certificate')
            tunlab.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=real',
                        '-keyout', key, '-out', certificate])
            server = subprocess.Popen(['ip', 'netns', 'exec', lab.real, 'openssl', 's_server', '-accept', '443', '-quiet', '-www',
                                       '-key', key, '-cert', certificate], stdin=subprocess.DEVNULL)
            try:
                with lab.daemon(service(VIP4, [REAL6], 'SSL_GET', port=443, method='GRE') +
                                service(VIP6, [REAL4], 'SSL_GET', port=443)) as d:
                    wait_for('both up', lambda: alive(d, REAL6) == 1 and alive(d, REAL4, 1) == 1, 10)
                    equal(lab.decap.bad, [])
                    lab.check_guard()
            finally:
                server.kill()
                server.wait()


def test_hostile_packets_in_the_queue_are_counted_and_stop_nothing():
    real = bytes(map(int, REAL4.split('.')))
    option = b'\x1e\x07' + real + b'\x02'
    packets = {
        'tun_no_option': [ipv4(), ipv6(), ipv4(proto=17), ipv4(b'\x94\x04\0\0')],
        'tun_malformed': [ipv6(b'\x06\xff' + b'\0' * 6, following=60), ipv6(b'\x06\0\x1e\xff\0\0\0\0', following=60),
                          ipv6(b'\x06\1' + b'\x1e\x05' + real + b'\x02' + b'\x1e' + b'\xff' * 7, following=60)],
        'tun_unknown_real': [ipv4(b'\x1e\x07\x0a\x4d\x00\x63\x02'), ipv4(b'\x1e\x13' + b'\xfd' + b'\0' * 15 + b'\x05')],
        'tun_unknown_method': [ipv4(option[:-1] + b'\x77'), ipv6(b'\x06\x01\x1e\x05' + real + b'\0\x01\x05' + b'\0' * 5, following=60)],
    }
    with Lab() as lab:
        lab.http(VIP4)
        lab.http(VIP6)
        with lab.daemon(service(VIP4, [REAL4]) + service(VIP6, [REAL6])) as d:
            wait_for('both up', lambda: alive(d, REAL4) == 1 and alive(d, REAL6, 1) == 1)
            # packets behind an odd option never get as far as the queue: the kernel looks first
            for reason, odd in packets.items():
                for packet in odd:
                    tunlab.send_raw(lab.checker, packet)
                wait_for(reason, lambda: counters(d)[reason] >= len(odd))
            for _ in range(500):
                tunlab.send_raw(lab.checker, ipv4(os.urandom(32), os.urandom(64)))
                tunlab.send_raw(lab.checker, ipv6(os.urandom(64), following=60))
            n = len(lab.decap.packets)
            wait_for('checks go on', lambda: sum(p.is_syn for p in lab.decap.packets[n:]) > 6)
            check(alive(d, REAL4) == 1 and alive(d, REAL6, 1) == 1, 'still up')
            equal((d.events('real_down'), d.events('tunnel_closed'), lab.decap.bad), ([], [], []))
            lab.check_guard()


def test_flood_that_loses_packets_takes_no_real_down():
    """A queue that overflows loses the checks' packets too: bad results are unknown then."""
    with Lab() as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4], delay=0.1, timeout=0.2), '  max_queue_len: 10\n  socket_buffer: 4096\n') as d:
            wait_for('up', lambda: alive(d, REAL4) == 1)
            packet = ipv4(payload=b'\0' * 1000)
            with tunlab.inside(lab.checker), socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
                s.setsockopt(socket.SOL_SOCKET, 36, b'\xff' * 4)
                end = time.monotonic() + 3
                while time.monotonic() < end:
                    with contextlib.suppress(OSError):
                        s.sendto(packet, (VIP4, 0))
            wait_for('losses', lambda: counters(d)['tun_lost'] > 0)
            equal(d.events('real_down'), [])
            n = len(lab.decap.packets)
            wait_for('checks go on', lambda: sum(p.is_syn for p in lab.decap.packets[n:]) > 3)
            equal(alive(d, REAL4), 1)


def test_reload_of_reals_while_checks_run():
    with Lab() as lab:
        lab.http(VIP4)
        lab.http(VIP6)
        one, two = service(VIP4, [REAL4]), service(VIP4, [REAL6])
        with lab.daemon(one) as d:
            wait_for('up', lambda: alive(d, REAL4) == 1)
            for text, real in ((two, REAL6), (one + service(VIP6, [REAL4]), REAL4), (one, REAL4)) * 3:
                d.write_services(text)
                equal(d.reload(), (200, {}))
                wait_for('the new real is up', lambda: alive(d, real) == 1)
            equal((d.events('real_down'), lab.decap.bad), ([], []))
            c = counters(d)
            equal((c['tun_unknown_real'], c['tun_send_errors']), (0, 0), 'packets of removed reals found them still')
            lab.check_guard()


def test_rule_41_a_full_range_of_marks_is_a_load_error():
    """Base 1 and mask 3: marks 1 and 2 are for reals, 3 is the test datagram's."""
    steering = 'check_tun:\n  steering: mark\n  mark_base: 1\n  mark_mask: 3\n'
    reals = ['10.77.0.%d' % i for i in range(10, 13)]
    for n, status in (2, 0), (3, 1):
        d = integ.Daemon(service(VIP4, reals[:n]), steering, args=['-t'])
        try:
            d.start(wait=False)
            equal(d.wait(), status, '%d reals:\n%s' % (n, d.log_text()))
        finally:
            d.__exit__(None)


class DirectLab(Lab):
    """Direct routing: the VIPs lead nowhere but to lo, the real answers no ARP for them."""

    def __init__(self):
        super().__init__(decap=False, guard=False)

    def build(self):
        super().build()
        self.at_checker('ip route replace 10.99.0.0/24 dev lo')
        self.at_checker('ip route replace fd99::/64 dev lo')
        for key in 'all', 'r0':
            self.at_real('sysctl -qw net.ipv4.conf.%s.arp_ignore=1 net.ipv4.conf.%s.arp_announce=2' % (key, key))


def direct_services(kind='HTTP_GET', **kw):
    return service(VIP4, [REAL4], kind, method='DR', check_extra='bindto ' + CHECKER4, **kw) + \
        service(VIP6, [REAL6], kind, method='DR', check_extra='bindto ' + CHECKER6, **kw)


def all_up(d):
    return alive(d, REAL4) == 1 and alive(d, REAL6, 1) == 1


def test_direct_routing_reaches_the_real_and_its_vip():
    with DirectLab() as lab:
        lab.http(VIP4, body=b'x' * 60000)
        lab.http(VIP6, body=b'x' * 60000)
        with lab.daemon(direct_services()) as d:
            wait_for('all up', lambda: all_up(d))
            c = counters(d)
            check(c['tun_sent_dr'] > 10, 'packets sent: %d', c['tun_sent_dr'])
            equal([k for k in BAD_COUNTERS if c[k]], [])
            equal(d.events('no_reply_for_vip'), [], 'nobody looks at a real that answers')


def test_direct_routing_names_the_vip_that_is_missing_on_the_real():
    """The real is up and answers on its own address: that is told, and is down all the same."""
    env = dict(os.environ, PATH=integ.BUILD + ':' + os.environ['PATH'])
    for vip, bits, real, i in (VIP4, 32, REAL4, 0), (VIP6, 128, REAL6, 1):
        with DirectLab() as lab:
            lab.http(VIP4)
            lab.http(VIP6)
            with lab.daemon(direct_services('TCP_CHECK')) as d:
                wait_for('all up', lambda: all_up(d))
                n = counters(d)['tun_vips_silent']
                lab.at_real('ip addr del %s/%d dev lo' % (vip, bits))
                down = wait_for('the VIP is gone', lambda: d.events('real_down'))
                equal([e['code'] for e in down], ['no_reply_for_vip'])
                # IPv6 reals say at once that they have no such address
                check(down[0]['took_us'] < (1100000 if vip == VIP4 else 100000) * integ.SLOW, 'it took %d us', down[0]['took_us'])
                told = d.events('no_reply_for_vip')
                equal(len(told), 1)
                check(told[0]['hint'].endswith('is the VIP on its loopback?'), '%s', told)
                time.sleep(3)
                equal((len(d.events('no_reply_for_vip')), counters(d)['tun_vips_silent']), (1, n + 1), 'once')
                rows = json.loads(d.request('GET', '/v1/reals')[1])['reals']
                last = [r['checks'][0]['last'] for r in rows if r['rs'].startswith((real + ':', '[' + real))]
                equal([(l['code'], l['layer']) for l in last], [('no_reply_for_vip', 'connect')])
                r = subprocess.run(['ip', 'netns', 'exec', lab.checker, 'alivectl', '--json', '-s', d.sock, 'doctor', '-c',
                                    d.path('alived.yaml'), '--services', d.path('services.conf')], capture_output=True, text=True, env=env)
                found = [f for f in json.loads(r.stdout)['findings'] if f['id'] == 'no_reply_for_vip']
                equal([f['repair'] for f in found], ['ssh %s ip addr add %s/%d dev lo' % (real, vip, bits)])
                lab.at_real(found[0]['repair'].split(' ', 2)[2])
                wait_for('up again', lambda: all_up(d))
                equal(len(d.events('real_down')), 1)


def test_direct_routing_to_a_real_that_is_silent_everywhere_is_a_timeout():
    with DirectLab() as lab:
        lab.http(VIP4)
        lab.http(VIP6)
        with lab.daemon(direct_services('TCP_CHECK')) as d:
            wait_for('all up', lambda: all_up(d))
            lab.at_real('ip link set r0 down')
            wait_for('both down', lambda: len(d.events('real_down')) == 2)
            equal({e['code'] for e in d.events('real_down')}, {'connect_timeout'})
            equal(d.events('no_reply_for_vip'), [])


def test_direct_routing_with_the_vip_on_the_checker():
    with DirectLab() as lab:
        lab.http(VIP4)
        lab.http(VIP6)
        for vip in VIP4 + '/32', VIP6 + '/128 nodad':
            lab.at_checker('ip addr add %s dev lo' % vip)
        lab.at_checker('sysctl -qw net.ipv4.conf.c0.accept_local=1')
        with lab.daemon(direct_services('TCP_CHECK')) as d:
            wait_for('all up', lambda: all_up(d))
            equal(d.events('real_down'), [])


def test_direct_routing_follows_a_new_hardware_address():
    with DirectLab() as lab:
        lab.http(VIP4)
        lab.http(VIP6)
        with lab.daemon(direct_services('TCP_CHECK')) as d:
            wait_for('all up', lambda: all_up(d))
            lab.at_real('ip link set r0 address 02:00:00:77:00:02')
            # as a server does that takes the address over
            lab.at_checker('ip neigh flush dev c0')
            wait_for('up with the new address', lambda: all_up(d), 8)
            n = counters(d)['tun_sent_dr']
            wait_for('checks go on', lambda: counters(d)['tun_sent_dr'] > n + 10)
            wait_for('all up', lambda: all_up(d))


def test_direct_routing_to_a_dead_real_is_down_not_unknown():
    with DirectLab() as lab:
        text = service(VIP4, ['10.77.0.99'], method='DR', check_extra='bindto ' + CHECKER4)
        with lab.daemon(text) as d:
            line = wait_for('down', lambda: d.events('real_down'))[0]
            equal(line['code'], 'connect_timeout')
            check(counters(d)['tun_unresolved'] > 0, 'counted')


def test_direct_routing_through_a_router_is_unknown_and_told():
    with DirectLab() as lab:
        lab.at_checker('ip route add 10.88.0.0/24 via %s' % REAL4)
        text = service(VIP4, ['10.88.0.1'], method='DR', check_extra='bindto ' + CHECKER4)
        with lab.daemon(text) as d:
            wait_for('the line', lambda: d.events('real_not_on_link'))
            wait_for('doubts', lambda: counters(d)['tun_doubted'] > 3)
            equal((d.events('real_down'), d.events('real_up'), len(d.events('real_not_on_link'))), ([], [], 1))


if __name__ == '__main__':
    why = tunlab.missing()
    if why:
        print('1..0 # SKIP ' + why)
        sys.exit(0)
    integ.main(globals())
