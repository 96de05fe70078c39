"""A laboratory under load: thousands of reals behind one decapsulator, all on one veth pair. Their
addresses are routed there, their VIPs are on lo, bench/fleet answers for all of them."""
import os, subprocess, time

import integ, tunlab
from integ import check
from tunlab import Lab, REAL4, counters

VIPS = 100


def real_ip(i):
    return '10.%d.%d.%d' % (78 + (i >> 16), i >> 8 & 255, i & 255)


def vip(i):
    return '10.98.0.%d' % (1 + i % VIPS)


def services(n, kind='HTTP_GET', method='TUN', delay=1, timeout=0.9, connect=vip):
    """n reals with one check each, behind VIPS services."""
    lines = []
    for v in range(min(n, VIPS)):
        lines += ['virtual_server %s 80 {' % vip(v), 'protocol TCP', 'lvs_sched wrr', 'lvs_method ' + method, 'delay_loop %g' % delay,
                  'retry 0']
        for i in range(v, n, VIPS):
            lines += ['real_server %s 80 {' % real_ip(i), kind + ' {', 'connect_ip %s' % connect(v), 'connect_port 80',
                      'connect_timeout %g' % timeout] + ['url {', 'path /', 'status_code 200', '}'] * (kind == 'HTTP_GET') + ['}', '}']
        lines.append('}')
    return '\n'.join(lines + [''])


class LoadLab(Lab):
    """on: words that place the real's programs, as taskset; groups: what else bench/fleet answers for."""

    def __init__(self, on=(), groups=()):
        self.on_cpu, self.groups = list(on), groups
        super().__init__(verbose=False)

    def build(self):
        super().build()
        self.at_real('ip addr add 10.98.0.0/24 dev lo')
        self.at_checker('ip route add 10.98.0.0/24 via ' + REAL4)
        for net in '10.78.0.0/16', '10.79.0.0/16':
            self.at_checker('ip route add %s via %s' % (net, REAL4))
        # what decap has taken is of no use to the kernel
        self.at_real('iptables -t raw -A PREROUTING -i r0 -p 4 -j DROP')
        self.at_real('iptables -t raw -A PREROUTING -i r0 -p 47 -j DROP')
        for what in '-j DROP', '-p tcp --tcp-flags SYN,RST RST -j DROP': # the latter before the former
            self.at_real('iptables -t mangle -I PREROUTING -i r0 -d 10.98.0.0/24 ' + what)
        self.fleet()
        if self.on_cpu:
            subprocess.run(self.on_cpu[:1] + ['-pc', self.on_cpu[-1], str(self.decap.process.pid)], check=True, stdout=subprocess.DEVNULL)

    def fleet(self):
        words = ['ip', 'netns', 'exec', self.real] + self.on_cpu
        words += [os.path.join(integ.BUILD, 'bench', 'fleet'), '--http', '10.98.0.1:80,%d' % VIPS]
        for group in self.groups:
            words += ['--http', group]
        self.server = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.stack.callback(self.end_fleet)
        check(self.server.stdout.readline().startswith('ready'), 'the fleet did not start')

    def end_fleet(self):
        self.server.kill()
        self.server.wait()
        self.server.stdout.close()


def wait_until_up(d, n, seconds=20):
    integ.wait_for('%d checks are up' % n, lambda: d.summary()['checks']['up'] >= n, seconds, 0.1)


def cpu_ns(pid, thread=None):
    total = 0
    for task in os.listdir('/proc/%d/task' % pid):
        with open('/proc/%d/task/%s/comm' % (pid, task)) as f:
            if thread and f.read().strip() != thread:
                continue
        with open('/proc/%d/task/%s/schedstat' % (pid, task)) as f:
            total += int(f.read().split()[0])
    return total


def measure(lab, d, seconds):
    """What happened in that time: the counters' growth, CPU in ns, the kernel's losses, the far end's view."""
    before, cpu, ends, begin = counters(d), cpu_ns(d.process.pid, 'tun'), lab.decap.sum(), time.monotonic()
    time.sleep(seconds)
    after, took = counters(d), time.monotonic() - begin
    seen = {k: after[k] - before[k] for k in after}
    seen['seconds'] = took
    seen['tun_cpu_ns'] = cpu_ns(d.process.pid, 'tun') - cpu
    kernel = d.summary()['tunnel']['kernel_queue']
    seen['kernel_drops'] = kernel['dropped_full'] + kernel['dropped_buffer']
    seen['decap_bad'] = lab.decap.sum()['bad'] - ends['bad']
    seen['decap_packets'] = lab.decap.sum()['packets'] - ends['packets']
    return seen
