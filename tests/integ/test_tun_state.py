#!/usr/bin/python3
"""The tunnel's state as operators and machines see it, with real packets behind every figure; and the
tunnel thread's death, which must never be seen as a real's."""
import json, os, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ, tunlab
from integ import check, equal, wait_for
from tunlab import CHECKER4, REAL4, REAL6, VIP4, VIP6, Lab, counters, ipv4, metrics, service


def alive(d, ip, service=0):
    return d.real(ip, service=service)['alive']


def tunnel(d):
    return d.summary()['tunnel']


def sent(packets, **wanted):
    return sum(all(getattr(p, k) == v for k, v in wanted.items()) for p in packets)


# --- figures

def test_figures_are_those_of_the_packets():
    with Lab() as lab:
        lab.http(VIP4, 80, body=b'x' * 20000)
        lab.http(VIP4, 81)
        with lab.daemon(service(VIP4, [REAL4, REAL6], 'HTTP_GET') + service(VIP4, [REAL4], port=81, method='GRE')) as d:
            wait_for('all up', lambda: alive(d, REAL4) == alive(d, REAL6) == alive(d, REAL4, 1) == 1)
            time.sleep(0.5)
            before = len(lab.decap.packets)
            t, m = tunnel(d), metrics(d)
            time.sleep(0.05)
            after = list(lab.decap.packets)
            equal((t['state'], t['error'], t['steering'], t['queue']), ('open', '', 'option', tunlab.QUEUE))
            for family, reals in ('ipv4', 3), ('ipv6', 0):
                equal((t[family]['rule'], t[family]['proven'], t[family]['reals']), ('proven', True, reals))
                equal(m['alived_tunnel_proven{family="%s"}' % family], 1)
                equal(m['alived_tunnel_rule{family="%s",state="proven"}' % family], 1)
                check(m['alived_tunnel_proof_age_seconds{family="%s"}' % family] < 2 * integ.SLOW, 'age')
            for name, of_gre in ('ipip', False), ('gre', True):
                least, most = (sum((p.proto == 47) == of_gre for p in packets) for packets in (after[:before], after))
                n = t['packets'][name]['sent']
                check(least - 3 <= n <= most, '%s: %d sent, %d to %d came', name, n, least, most)
                check(m['alived_tunnel_packets_total{method="%s",result="sent"}' % name] >= n, 'metric of %s', name)
            equal(t['packets']['dr'], {'sent': 0, 'refused': 0, 'unresolved': 0})
            equal((t['send_errors'], set(t['drops'].values()), t['lost'], t['restarts']), ({}, {0}, 0, 0))
            equal((t['kernel_queue']['dropped_full'], t['kernel_queue']['dropped_buffer']), (0, 0))
            equal(m['alived_tunnel_queue_dropped_total{cause="queue_full"}'], 0)
            check('alived_tunnel_queue_packets' in m, 'depth of the queue')
            n = t['latency']['packets']
            equal(n, sum(b['packets'] for b in t['latency']['buckets']))
            equal(n, t['packets']['ipip']['sent'] + t['packets']['gre']['sent'], 'each packet has its latency')
            check(0 < t['latency']['sum_us'] / n < 5000 * integ.SLOW, '%d us', t['latency']['sum_us'] / n)
            name = 'alived_tunnel_latency_seconds'
            equal(m[name + '_bucket{le="+Inf"}'], m[name + '_count'])
            check(m[name + '_bucket{le="0.005"}'] >= 0.5 * m[name + '_count'], 'below 5 ms')
            check(0 < m[name + '_sum'] < m[name + '_count'] * 0.005 * integ.SLOW, 'the sum is in seconds')
            code, out, _ = d.ctl('status')
            equal(code, 0)
            check('tunnel     open, queue %d, ipv4 proven for 3 reals; ' % tunlab.QUEUE in out, '%s', out)


def test_drops_and_errors_have_their_reasons():
    with Lab() as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4], 'HTTP_GET').replace('path /', 'path /' + 'p' * 3000)) as d:
            wait_for('up', lambda: alive(d, REAL4) == 1)
            tunlab.send_raw(lab.checker, ipv4())
            tunlab.send_raw(lab.checker, ipv4(b'\x1e\x07\x0a\x4d\x00\x63\x02'))
            lab.at_checker('ip link set c0 mtu 1300')
            wait_for('the reasons', lambda: tunnel(d)['send_errors'].get('EMSGSIZE'))
            t, m = tunnel(d), metrics(d)
            equal((t['drops']['no_option'], t['drops']['unknown_real']), (1, 1))
            equal(m['alived_tunnel_drops_total{reason="unknown_real"}'], 1)
            check(t['packets']['ipip']['refused'] == sum(t['send_errors'].values()) > 0, '%s', t)
            check(m['alived_tunnel_send_errors_total{errno="EMSGSIZE"}'] >= 1, 'by errno')


def test_kernel_queue_shows_what_waits_and_what_was_lost():
    with Lab() as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4]), '  max_queue_len: 10\n') as d:
            wait_for('up', lambda: alive(d, REAL4) == 1)
            with tunlab.stopped_thread(d.process.pid, 'tun'):
                for _ in range(40):
                    tunlab.send_raw(lab.checker, ipv4())
                q = wait_for('losses', lambda: (lambda q: q['dropped_full'] >= 30 and q)(tunnel(d)['kernel_queue']))
                equal(q['waiting'], 10)
                equal(metrics(d)['alived_tunnel_queue_packets'], 10)
                check(metrics(d)['alived_tunnel_queue_dropped_total{cause="queue_full"}'] >= 30, 'lost')
            wait_for('it is empty again', lambda: tunnel(d)['kernel_queue']['waiting'] == 0)
            equal(d.events('real_down'), [])


def test_health_names_a_tunnel_that_checks_need():
    with Lab(rules=False) as lab:
        lab.http(VIP4)
        with lab.daemon(service(VIP4, [REAL4])) as d:
            wait_for('doubts', lambda: counters(d)['tun_doubted'] > 1)
            code, out, _ = d.ctl('status')
            equal(code, 1, out)
            check('tunnelled checks are unknown, not proven: ipv4' in out, '%s', out)
            equal(metrics(d)['alived_tunnel_rule{family="ipv4",state="missing"}'], 1)
            lab.add_rules()
            wait_for('up', lambda: alive(d, REAL4) == 1)
            equal(d.ctl('status')[0], 0)


# --- the thread's death

def check_replaced(lab, d, server):
    """The thread is silent from now on: alarm, unknown, another one; the dead real is found then."""
    server.stop()
    event = wait_for('the alarm', lambda: d.events('tunnel_thread_replaced'))[0]
    equal(event['level'], 'error')
    wait_for('the way is proven again', lambda: tunnel(d)['ipv4']['proven'] and tunnel(d)['ipv6']['proven'])
    down = wait_for('the stopped real is down', lambda: d.events('real_down'))
    equal([e['real'] for e in down], ['%s:80' % REAL4])
    equal(down[0]['code'], 'refused', 'an answer that came through the tunnel')
    equal(alive(d, REAL6, 1), 1)
    equal((tunnel(d)['restarts'], metrics(d)['alived_tun_restarts_total']), (1, 1))
    equal(d.request('GET', '/healthz')[0], 200)
    n = len(lab.decap.packets)
    wait_for('checks go on', lambda: sum(p.is_syn for p in lab.decap.packets[n:]) > 4)
    equal(d.reload(), (200, {}), 'a reload reaches the new thread')
    lab.http(VIP4)
    wait_for('up again', lambda: alive(d, REAL4) == 1)
    equal((lab.decap.bad, len(d.events('real_down'))), ([], 1))
    lab.check_guard()


def two_services():
    return service(VIP4, [REAL4]) + service(VIP6, [REAL6])


def test_hanging_thread_is_replaced_while_it_hangs():
    with Lab() as lab:
        server = lab.http(VIP4)
        lab.http(VIP6)
        with lab.daemon(two_services()) as d:
            wait_for('both up', lambda: alive(d, REAL4) == 1 and alive(d, REAL6, 1) == 1)
            with tunlab.stopped_thread(d.process.pid, 'tun'):
                check_replaced(lab, d, server)
                n = counters(d)['tun_sent_ipip']
            wait_for('the left thread ends when it comes back', lambda: d.events('left_thread_ended'))
            wait_for('the new one goes on', lambda: counters(d)['tun_sent_ipip'] > n + 20)
            equal((len(d.events('real_down')), len(d.events('tunnel_closed'))), (1, 0))
            equal(d.stop(), 0)


def test_dead_thread_is_replaced():
    if not tunlab.CAN_END_THREADS or integ.SANITIZED:
        print('# SKIP a thread is ended by its registers, on x86-64, without a sanitizer')
        return
    with Lab() as lab:
        server = lab.http(VIP4)
        lab.http(VIP6)
        with lab.daemon(two_services()) as d:
            wait_for('both up', lambda: alive(d, REAL4) == 1 and alive(d, REAL6, 1) == 1)
            tunlab.end_thread(d.process.pid, 'tun')
            check_replaced(lab, d, server)
            equal(d.stop(), 0)


def test_reload_does_not_wait_for_a_dead_thread():
    with Lab() as lab:
        lab.http(VIP4)
        lab.http(VIP6)
        with lab.daemon(service(VIP4, [REAL4])) as d:
            wait_for('up', lambda: alive(d, REAL4) == 1)
            with tunlab.stopped_thread(d.process.pid, 'tun'):
                d.write_services(two_services())
                begin = time.monotonic()
                equal(d.reload(), (200, {}))
                check(time.monotonic() - begin < 6 * integ.SLOW, 'it took %.1f s', time.monotonic() - begin)
                wait_for('the added real is up', lambda: alive(d, REAL6, 1) == 1)
            equal(d.events('real_down'), [])
            lab.check_guard()


if __name__ == '__main__':
    why = tunlab.missing()
    if why:
        print('1..0 # SKIP ' + why)
        sys.exit(0)
    integ.main(globals())
