"""Row `tunnel`: what the tunnel thread can do, what it adds to a check, and 12,000 HTTP checks per second
through it. A checker's and a real's network namespace; the real's kernel has no tunnel modules, so a
program of ours takes the outer header off and costs as much as the thread itself."""
import json, os, statistics, subprocess, time

from harness import *
import tunlab, tunload

RATE = 12000
LOSSES = ('results_bad', 'results_unknown', 'tun_lost', 'tun_send_errors', 'kernel_drops', 'decap_bad')
DIRECT = 1000
DIRECT_NET = '10.97.0.0/16'


def direct_ip(i):
    return '10.97.%d.%d' % (i >> 8, i & 255)


def direct_services(n):
    """n reals at addresses of their own, checked without a tunnel over the same link."""
    lines = ['virtual_server 198.18.0.1 80 {', 'protocol TCP', 'lvs_sched wrr', 'lvs_method NAT', 'delay_loop 1', 'retry 0']
    for i in range(1, n + 1):
        lines += ['real_server %s 80 {' % direct_ip(i), 'TCP_CHECK {', 'connect_timeout 0.9', '}', '}']
    return '\n'.join(lines + ['}', ''])


class Bench(tunload.LoadLab):
    def __init__(self):
        super().__init__(on=on(TARGET_CPU), groups=['%s:80,%d' % (direct_ip(1), DIRECT)])

    def build(self):
        super().build()
        self.at_real('ip addr add %s dev lo' % DIRECT_NET)
        self.at_checker('ip route add %s via %s' % (DIRECT_NET, tunlab.REAL4))


def thread_alone():
    runs = []
    for _ in range(3):
        r = subprocess.run([os.path.join(BENCH, 'bench_tun'), '2'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.DEVNULL, text=True, timeout=60)
        if r.returncode != 0 or not r.stdout:
            raise Skip('bench_tun needs root and iptables')
        runs.append(json.loads(r.stdout))
    per_s = [r['saturated_per_s'] for r in runs]
    yield figure('tunnel', 'time per packet, saturated', 'us', [1e6 / p for p in per_s], 10, 16.7,
                 note='%.0f packets/s' % statistics.median(per_s))
    yield figure('tunnel', 'CPU per packet, saturated', 'us', [r['saturated_cpu_us'] for r in runs], 10, 16.7)
    yield figure('tunnel', 'one way, plain, p50', 'us', [r['plain_p50_us'] for r in runs])
    yield figure('tunnel', 'one way, through queue and thread, p50', 'us', [r['tunnel_p50_us'] for r in runs])
    yield figure('tunnel', 'added connect latency, p50', 'us', [r['added_p50_us'] for r in runs], 50, note='one way: answers come straight')


def durations(d):
    """Of the latest check of each real, by whether it went through the tunnel."""
    found = {True: [], False: []}
    for real in json.loads(d.request('GET', '/v1/reals')[1])['reals']:
        for c in real['checks']:
            if c['last'] and c['last']['code'] == 'ok':
                found[c['tunnelled']].append(c['last']['duration_us'])
    return found


def side_by_side(lab, n=DIRECT):
    text = tunload.services(n, 'TCP_CHECK') + direct_services(n)
    with lab.daemon(text) as d:
        tunload.wait_until_up(d, 2 * n)
        time.sleep(1)
        samples = []
        for _ in range(4):
            time.sleep(1)
            samples.append(durations(d))
        tunnelled, direct = ([statistics.median(s[t]) for s in samples] for t in (True, False))
    yield figure('tunnel', 'TCP check, direct, p50, %d/s of each' % n, 'us', direct)
    yield figure('tunnel', 'TCP check, tunnelled, p50, %d/s of each' % n, 'us', tunnelled)
    yield figure('tunnel', 'tunnelled less direct', 'us', [a - b for a, b in zip(tunnelled, direct)],
                 note="with the waking of the real's user-space decapsulator and its TUN device")


def load(lab, seconds):
    """All programs where the kernel puts them: the real's (our own decapsulator and server) take more than
    one CPU's worth together with the daemon, and a real that cannot follow is no loss of ours."""
    with lab.daemon(tunload.services(RATE, timeout=3), extra_yaml='checks:\n  lag_guard: 2s\n') as d:
        tunload.wait_until_up(d, RATE, 30)
        time.sleep(1)
        seen = tunload.measure(lab, d, max(seconds, 12))
    packets = seen['tun_packets']
    rate = seen['results_good'] / seen['seconds']
    yield figure('tunnel', 'HTTP, %d @1s: good results missing' % RATE, '%', [100 * max(0, 1 - rate / RATE)], 1, 1,
                 note='%.0f/s for %.0f s, %.0f packets/s' % (rate, seen['seconds'], packets / seen['seconds']))
    losses = {k: seen[k] for k in LOSSES}
    yield figure('tunnel', 'HTTP, %d @1s: lost, bad or unknown' % RATE, '', [sum(losses.values())], 0, 0, note=str(losses))
    yield figure('tunnel', 'HTTP, %d @1s: CPU of the thread per packet' % RATE, 'us', [seen['tun_cpu_ns'] / 1e3 / packets],
                 note="%.2f of a CPU, the real's receive path in it" % (seen['tun_cpu_ns'] / 1e9 / seen['seconds']))


def row_tunnel(seconds):
    why = tunlab.missing()
    if why:
        raise Skip(why)
    yield from thread_alone()
    with Bench() as lab:
        yield from side_by_side(lab)
    with tunload.LoadLab() as lab:
        yield from load(lab, seconds)
