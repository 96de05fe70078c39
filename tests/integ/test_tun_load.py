#!/usr/bin/python3
"""Thousands of HTTP checks per second through one tunnel thread, without loss. The rate that a machine
must do is measured by `make bench` (row tunnel); here it is one that a busy machine can do too.

ALIVED_TUN_RATE and ALIVED_TUN_S set checks per second and seconds."""
import os, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ, tunlab, tunload
from integ import check, equal

RATE = int(os.environ.get('ALIVED_TUN_RATE', 1500))
# how much of it must be done: on a busy machine checks may be put off, but not lost
SHARE = 0.98 if 'ALIVED_TUN_RATE' in os.environ else 0.4
SECONDS = float(os.environ.get('ALIVED_TUN_S', 5))
# a busy machine lets threads wait
YAML = 'checks:\n  lag_guard: 2s\n'


def run_load(method):
    with tunload.LoadLab() as lab:
        with lab.daemon(tunload.services(RATE, method=method, timeout=3), extra_yaml=YAML) as d:
            tunload.wait_until_up(d, RATE)
            time.sleep(0.5)
            seen = tunload.measure(lab, d, SECONDS)
            rate = seen['results_good'] / seen['seconds']
            print('# %.0f checks/s, %.0f packets/s, %.1f us of CPU per packet' %
                  (rate, seen['tun_packets'] / seen['seconds'], seen['tun_cpu_ns'] / 1e3 / seen['tun_packets']))
            check(rate > SHARE * RATE, 'only %.0f of %d checks per second were good', rate, RATE)
            equal({k: seen[k] for k in ('results_bad', 'results_unknown', 'tun_lost', 'tun_send_errors', 'tun_too_big', 'tun_unknown_real',
                                        'kernel_drops', 'decap_bad')},
                  dict.fromkeys(('results_bad', 'results_unknown', 'tun_lost', 'tun_send_errors', 'tun_too_big', 'tun_unknown_real',
                                 'kernel_drops', 'decap_bad'), 0))
            check(seen['tun_packets'] > 2.5 * seen['results_good'], 'they went through the tunnel')
            check(abs(seen['decap_packets'] - seen['tun_packets']) < 0.02 * seen['tun_packets'] + 200, 'and arrived: %s', seen)
            equal(d.events('real_down'), [])
            lab.check_guard()


def test_load_through_ipip_is_without_loss():
    run_load('TUN')


def test_load_through_gre_is_without_loss():
    run_load('GRE')


if __name__ == '__main__':
    why = tunlab.missing()
    if why:
        print('1..0 # SKIP ' + why)
        sys.exit(0)
    integ.main(globals())
