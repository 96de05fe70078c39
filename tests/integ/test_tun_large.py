#!/usr/bin/python3
"""What is larger than a packet crosses the tunnel: requests and answers of 60 kB, TLS hellos of several
segments, over links with little room. The real's end sees well-formed packets that fit, and nothing bare."""
import os, socket, ssl, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ, tunlab
from integ import check, equal, wait_for
from test_tun import BAD_COUNTERS, DirectLab, alive, all_services, check_combinations, direct_services
from tunlab import REAL4, REAL6, VIP4, VIP6, Lab, counters, service

PATH_BYTES = 60000
BODY = b'x' * 60000


def with_path(text):
    return text.replace('path /', 'path /' + 'p' * PATH_BYTES)


def whole_requests(server):
    return sum(text.startswith('GET /%s HTTP/1.1\r\n' % ('p' * PATH_BYTES)) for _, text in server.requests)


def check_fit(packets, mtu):
    """Nothing is longer than the link, and what is long fills it."""
    check(packets, 'packets')
    for p in packets:
        outer = p.length + (20 if p.outer == 4 else 40) + (4 if p.proto == 47 else 0)
        check(outer <= mtu, '%d bytes on a link of %d', outer, mtu)
    longest = max(p.length for p in packets)
    check(longest > mtu - 90, 'the longest inner packet has %d bytes', longest)


def run_large(mtu, yaml='', rules=None, seconds=15):
    with Lab(mtu=mtu, rules=rules is None) as lab:
        if rules:
            rules(lab)
        servers = [lab.http(vip, port, body=BODY) for vip in (VIP4, VIP6) for port in (80, 81)]
        with lab.daemon(with_path(all_services('HTTP_GET', delay=0.5, timeout=3)), yaml) as d:
            for i in range(4):
                for real in REAL4, REAL6:
                    wait_for('service %d real %s up' % (i, real), lambda: alive(d, real, i) == 1, seconds)
            wait_for('each VIP was asked twice by each', lambda: all(whole_requests(s) >= 4 for s in servers), seconds)
            packets = list(lab.decap.packets)
            check_combinations(packets, mtu)
            check_fit(packets, mtu)
            equal(lab.decap.bad, [])
            c = counters(d)
            equal([k for k in BAD_COUNTERS if c[k]], [])
            lab.check_guard()


def test_60_kb_both_ways_through_all_tunnels_on_a_plain_link():
    run_large(1500)


def test_60_kb_both_ways_through_all_tunnels_on_the_smallest_ipv6_link():
    """1280 is the least that IPv6 allows; the inner packets have even less."""
    run_large(1280)


def test_60_kb_both_ways_in_mark_steering():
    run_large(1400, '  steering: mark\n  mark_mask: 0x7fff\n  mark_base: 0x4000\n', lambda lab: lab.add_rules(mark='0x4000/0xffffc000'))


def test_60_kb_of_header_lines():
    lines = ['X-Filler-%d: %s' % (i, 'v' * 3000) for i in range(20)]
    extra = '\n'.join('header X-Filler-%d "%s"' % (i, 'v' * 3000) for i in range(20))
    with Lab(mtu=1280) as lab:
        servers = [lab.http(vip, body=BODY) for vip in (VIP4, VIP6)]
        text = service(VIP4, [REAL4, REAL6], 'HTTP_GET', method='GRE', timeout=3, check_extra=extra) + \
            service(VIP6, [REAL4, REAL6], 'HTTP_GET', timeout=3, check_extra=extra)
        with lab.daemon(text) as d:
            for i in 0, 1:
                wait_for('both up', lambda: alive(d, REAL4, i) == 1 and alive(d, REAL6, i) == 1, 15)
            for s in servers:
                request = s.requests[-1][1]
                equal([l for l in lines if '\r\n%s\r\n' % l not in request], [])
            check_fit(list(lab.decap.packets), 1280)
            equal((lab.decap.bad, counters(d)['tun_too_big'], d.events('real_down')), ([], 0, []))
            lab.check_guard()


def test_60_kb_over_an_ipv4_route_of_600_bytes():
    with Lab() as lab:
        server = lab.http(VIP4, body=BODY)
        lab.at_checker('ip route add %s/32 dev c0 mtu 600' % REAL4)
        text = service(VIP4, [REAL4], 'HTTP_GET', method='GRE', timeout=3) + service(VIP4, [REAL4], 'HTTP_GET', port=81, timeout=3)
        lab.http(VIP4, 81, body=BODY)
        with lab.daemon(with_path(text)) as d:
            wait_for('both up', lambda: alive(d, REAL4) == 1 and alive(d, REAL4, 1) == 1, 15)
            wait_for('more requests', lambda: whole_requests(server) >= 3, 15)
            check_fit(list(lab.decap.packets), 600)
            equal((lab.decap.bad, counters(d)['tun_too_big'], d.events('real_down')), ([], 0, []))
            lab.check_guard()


def test_60_kb_by_direct_routing():
    with DirectLab() as lab:
        servers = [lab.http(vip, body=BODY) for vip in (VIP4, VIP6)]
        with lab.daemon(with_path(direct_services(timeout=3))) as d:
            wait_for('both up', lambda: alive(d, REAL4) == 1 and alive(d, REAL6, 1) == 1, 15)
            wait_for('more requests', lambda: all(whole_requests(s) >= 3 for s in servers), 15)
            equal((counters(d)['tun_too_big'], d.events('real_down')), (0, []))


# --- TLS

class TlsReal(integ.HttpReal):
    """Notes the length of each ClientHello record."""

    def __init__(self, context, *args, **state):
        super().__init__(*args, **state)
        self.context, self.hellos = context, []

    def answer(self, c):
        try:
            c.settimeout(10)
            head = c.recv(5, socket.MSG_PEEK | socket.MSG_WAITALL)
            self.hellos.append(int.from_bytes(head[3:5], 'big'))
            c = self.context.wrap_socket(c, server_side=True)
        except (OSError, ssl.SSLError):
            c.close()
            return
        super().answer(c)


def tls_context(directory):
    key, certificate = os.path.join(directory, 'key'), os.path.join(directory, 'certificate')
    tunlab.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=real', '-keyout', key,
                '-out', certificate])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


def big_hello(directory):
    library = os.path.join(directory, 'big_hello.so')
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'big_hello.c')
    tunlab.run(['cc', '-D_GNU_SOURCE', '-shared', '-fPIC', '-o', library, source, '-ldl'])
    return library


def run_tls(mtu, preload, least_hello):
    with Lab(mtu=mtu) as lab, tempfile.TemporaryDirectory() as directory:
        context = tls_context(directory)
        servers = []
        for vip in VIP4, VIP6:
            for port in 80, 81:
                servers.append(TlsReal(context, vip, port, body=BODY))
                with tunlab.inside(lab.real):
                    servers[-1].start()
                lab.stack.callback(servers[-1].stop)
        d = lab.daemon(with_path(all_services('SSL_GET', delay=0.5, timeout=4)))
        if preload:
            d.wrapper = d.wrapper + ['env', 'LD_PRELOAD=' + big_hello(directory)]
        with d:
            for i in range(4):
                for real in REAL4, REAL6:
                    wait_for('service %d real %s up' % (i, real), lambda: alive(d, real, i) == 1, 20)
            wait_for('whole requests', lambda: all(whole_requests(s) >= 2 for s in servers), 20)
            for s in servers:
                check(min(s.hellos) >= least_hello, 'hellos of %s bytes', s.hellos)
            packets = list(lab.decap.packets)
            check_combinations(packets, mtu)
            check_fit(packets, mtu)
            equal((lab.decap.bad, d.events('real_down')), ([], []))
            lab.check_guard()


def test_https_with_60_kb_both_ways_on_the_smallest_ipv6_link():
    run_tls(1280, False, 200)


def test_hello_of_several_segments():
    """As large as with post-quantum key shares: more than a packet of 1500 bytes."""
    if integ.SANITIZED:
        print('# SKIP a preloaded library and a sanitizer do not go together')
        return
    run_tls(1500, True, 2400)


if __name__ == '__main__':
    why = tunlab.missing()
    if why:
        print('1..0 # SKIP ' + why)
        sys.exit(0)
    integ.main(globals())
