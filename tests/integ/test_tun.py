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


if __name__ == '__main__':
    why = tunlab.missing()
    if why:
        print('1..0 # SKIP ' + why)
        sys.exit(0)
    integ.main(globals())
