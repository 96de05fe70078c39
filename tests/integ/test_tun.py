#!/usr/bin/python3
"""Tunnelled checks, proven by packets: docs/internals/tunnel.md."""
import os, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ, tunlab
from integ import check, equal, wait_for
from tunlab import CHECKER4, CHECKER6, REAL4, REAL6, VIP4, VIP6, Lab, counters, service


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


def check_combinations(packets):
    for vip, real, method in COMBINATIONS:
        own = [p for p in packets if p.destination == real and p.proto == protocol(vip, method) and
               p.inner == (4 if vip == VIP4 else 6)]
        check(own, '%s over %s by %s: no packet', vip, real, method)
        for p in own:
            equal((p.source, p.inner_ttl, p.ttl), (CHECKER4 if real == REAL4 else CHECKER6, 2, 64))
            if p.is_syn:
                equal(p.mss, 1500 - overhead(real, method) - (40 if vip == VIP4 else 60),
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


if __name__ == '__main__':
    why = tunlab.missing()
    if why:
        print('1..0 # SKIP ' + why)
        sys.exit(0)
    integ.main(globals())
