"""A laboratory for tunnelled checks: a checker's and a real's network namespace on one veth pair, the
VIPs on the real's lo, tests/peers/decap there in place of the kernel's tunnel modules, and a guard that
counts and drops whatever comes for a VIP without its tunnel."""
import contextlib, ctypes, errno, os, queue, re, socket, struct, subprocess, threading

import integ, netns
from integ import Daemon, HttpReal, check, wait_for

LIBC = ctypes.CDLL(None, use_errno=True)
CHECKER4, REAL4, VIP4 = '10.77.0.1', '10.77.0.2', '10.99.0.1'
CHECKER6, REAL6, VIP6 = 'fd77::1', 'fd77::2', 'fd99::1'
QUEUE = 77
MARK = 0xffffffff


def missing():
    """Why the laboratory cannot be built here, or None."""
    if os.geteuid() != 0:
        return 'needs root'
    if not os.path.exists('/dev/net/tun'):
        return 'no /dev/net/tun'
    name = 'alt-probe-%d' % os.getpid()
    try:
        if netns.add(name).returncode:
            return 'no network namespaces'
        for tool in 'iptables', 'ip6tables':
            r = run(['ip', 'netns', 'exec', name, tool, '-t', 'mangle', '-A', 'OUTPUT', '-m', 'mark', '--mark', '1',
                     '-j', 'NFQUEUE', '--queue-num', '1'], fails=True)
            if r.returncode:
                return 'no NFQUEUE target: ' + r.stderr.strip()
    finally:
        netns.remove(name)
    return None


def run(words, fails=False):
    r = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if r.returncode and not fails:
        raise integ.Failed('%s: %s' % (' '.join(words), r.stderr.strip()))
    return r


@contextlib.contextmanager
def inside(namespace):
    """This thread works in the namespace: sockets made here stay in it."""
    home = os.open('/proc/thread-self/ns/net', os.O_RDONLY)
    away = os.open('/run/netns/' + namespace, os.O_RDONLY)
    try:
        check(LIBC.setns(away, 0x40000000) == 0, 'setns')
        yield
    finally:
        check(LIBC.setns(home, 0x40000000) == 0, 'setns back')
        os.close(home)
        os.close(away)


class Packet:
    FIELDS = 'outer proto source destination ttl tos id df inner inner_ttl flags mss length'.split()

    def __init__(self, words):
        for name, word in zip(self.FIELDS, words):
            setattr(self, name, word if name in ('source', 'destination') else int(word))

    is_syn = property(lambda self: self.flags & 0x12 == 0x02)
    is_rst = property(lambda self: self.flags & 0x04 != 0)


class Decap:
    """tests/peers/decap in a namespace: what it saw, as Packets."""

    def __init__(self, namespace, interface, tun, verbose=True):
        self.namespace = namespace
        self.packets, self.bad, self.sums = [], [], queue.Queue()
        words = ['ip', 'netns', 'exec', namespace, os.path.join(integ.BUILD, 'tests/peers/decap'), interface, tun]
        self.process = subprocess.Popen(words + ['-v'] * verbose, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        preexec_fn=netns.die_with_parent)
        check(self.process.stdout.readline() == 'ready\n', 'decap did not start')
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            words = line.split()
            if words[0] == 'pkt':
                self.packets.append(Packet(words[1:]))
            elif words[0] == 'bad':
                self.bad.append(line.strip())
            elif words[0] == 'sum':
                self.sums.put(dict(zip(words[1::2], map(int, words[2::2]))))

    def sum(self):
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        return self.sums.get(timeout=5)

    def stop(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        self.process.wait(5)


class Lab:
    """with Lab() as lab: namespaces lab.checker and lab.real. rules=False: no host rules yet."""

    def __init__(self, rules=True, mtu=1500, verbose=True, decap=True, guard=True):
        self.checker, self.real = 'alt-c-%d' % os.getpid(), 'alt-r-%d' % os.getpid()
        self.has_rules, self.mtu, self.verbose, self.wants_decap, self.has_guard = rules, mtu, verbose, decap, guard
        self.decap = None
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        try:
            self.build()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *failure):
        try:
            self.stack.close()
            if self.decap:
                self.decap.stop()
        finally:
            netns.remove(self.checker, self.real)

    def on(self, namespace, words, fails=False):
        return run(['ip', 'netns', 'exec', namespace] + words.split(), fails)

    def at_checker(self, words, fails=False):
        return self.on(self.checker, words, fails)

    def at_real(self, words, fails=False):
        return self.on(self.real, words, fails)

    def build(self):
        for namespace in self.checker, self.real:
            check(netns.add(namespace).returncode == 0, 'no namespace %s', namespace)
            self.on(namespace, 'ip link set lo up')
            for key in 'all', 'default':
                self.on(namespace, 'sysctl -qw net.ipv4.conf.%s.rp_filter=0 net.ipv6.conf.%s.accept_dad=0' % (key, key))
        run(('ip link add c0 mtu %d netns %s type veth peer name r0 mtu %d netns %s' %
             (self.mtu, self.checker, self.mtu, self.real)).split())
        for namespace, link, v4, v6 in (self.checker, 'c0', CHECKER4, CHECKER6), (self.real, 'r0', REAL4, REAL6):
            self.on(namespace, 'ip addr add %s/24 dev %s' % (v4, link))
            self.on(namespace, 'ip addr add %s/64 dev %s nodad' % (v6, link))
            self.on(namespace, 'ip link set %s up' % link)
        self.at_real('ip addr add %s/32 dev lo' % VIP4)
        self.at_real('ip addr add %s/128 dev lo nodad' % VIP6)
        self.at_checker('ip route add 10.99.0.0/24 via %s' % REAL4)
        self.at_checker('ip route add fd99::/64 via %s' % REAL6)
        for address in REAL4, REAL6:
            wait_for(address + ' to answer', lambda: self.answers(address))
        if self.has_guard:
            self.guard()
        if self.wants_decap:
            self.decap = Decap(self.real, 'r0', 'decap0', self.verbose)
            self.at_real('sysctl -qw net.ipv4.conf.decap0.rp_filter=0')
            self.at_real('ip link set decap0 up mtu 65535')
        if self.has_rules:
            self.add_rules()

    def answers(self, address):
        with inside(self.checker), socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET) as s:
            s.settimeout(0.2)
            return s.connect_ex((address, 9)) == errno.ECONNREFUSED

    # --- host rules of the checker

    def rule(self, action, mark='0x%x' % MARK, queue=QUEUE, tools=('iptables', 'ip6tables')):
        for tool in tools:
            self.at_checker('%s -t mangle -%s OUTPUT -m mark --mark %s -j NFQUEUE --queue-num %d' % (tool, action, mark, queue))

    def add_rules(self, **kw):
        self.rule('A', **kw)

    def remove_rules(self, **kw):
        self.rule('D', **kw)

    # --- the guard of the real: packets for a VIP that come on the wire itself

    def guard(self):
        for tool, vip in ('iptables', VIP4), ('ip6tables', VIP6):
            rule = '%s -t mangle -A PREROUTING -i r0 -d %s ' % (tool, vip)
            self.at_real(rule + '-p tcp --tcp-flags SYN,RST RST -j DROP')
            self.at_real(rule + '-j DROP')

    def bare(self):
        """(RSTs of dead connections, everything else) that came without a tunnel."""
        rsts = others = 0
        for tool in 'iptables', 'ip6tables':
            for line in self.at_real(tool + ' -t mangle -nvxL PREROUTING').stdout.splitlines():
                if 'DROP' in line:
                    if 'flags' in line:
                        rsts += int(line.split()[0])
                    else:
                        others += int(line.split()[0])
        return rsts, others

    def add_backstop(self, mark='0x%x' % MARK):
        """What packages and `alivectl tun rules` recommend: whatever is marked and was not queued is dropped."""
        for tool in 'iptables', 'ip6tables':
            self.at_checker('%s -t mangle -A POSTROUTING -m mark --mark %s -o c0 -j DROP' % (tool, mark))

    def check_guard(self):
        rsts, others = self.bare()
        check(others == 0, '%d packets came to the VIP without their tunnel (and %d RSTs)', others, rsts)

    # --- what runs there

    def http(self, ip, port=80, **state):
        """HttpReal in the real's namespace; lives as long as the laboratory."""
        real = HttpReal(ip, port, **state)
        with inside(self.real):
            real.start()
        self.stack.callback(real.stop)
        return real

    def daemon(self, services, yaml='', extra_yaml='', **kw):
        """yaml: more lines of check_tun; extra_yaml: other sections."""
        text = 'check_tun:\n  nfqueue: %d\n%s%s' % (QUEUE, yaml, extra_yaml)
        return Daemon(services, text, wrapper=['ip', 'netns', 'exec', self.checker], **kw)


def send_raw(namespace, packet, mark=MARK):
    """Sends an IPv4 or IPv6 packet as it is, marked, from a namespace: what some other program might do."""
    v4 = packet[0] >> 4 == 4
    with inside(namespace), socket.socket(socket.AF_INET if v4 else socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW) as s:
        s.setsockopt(socket.SOL_SOCKET, 36, struct.pack('=I', mark))
        to = socket.inet_ntop(socket.AF_INET, packet[16:20]) if v4 else socket.inet_ntop(socket.AF_INET6, packet[24:40])
        with contextlib.suppress(OSError): # a verdict may come back as an error
            s.sendto(packet, (to, 0))


def ipv4(options=b'', payload=b'\0' * 20, proto=6, to=VIP4, fragment=0):
    options += b'\0' * (-len(options) % 4)
    return struct.pack('!BBHHHBBH', 0x40 | 5 + len(options) // 4, 0, 20 + len(options) + len(payload), 1, fragment, 2, proto, 0) + \
        socket.inet_aton(CHECKER4) + socket.inet_aton(to) + options + payload


def ipv6(extensions=b'', payload=b'\0' * 20, following=6, to=VIP6):
    return struct.pack('!IHBB', 6 << 28, len(extensions) + len(payload), following, 2) + \
        socket.inet_pton(socket.AF_INET6, CHECKER6) + socket.inet_pton(socket.AF_INET6, to) + extensions + payload


class QueueHolder:
    """Another program that reads the queue: binds it in the namespace until it is closed."""

    def __init__(self, namespace, number=QUEUE):
        with inside(namespace):
            self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 12)
        attribute = struct.pack('=HHBBH', 8, 1, 1, 0, 0)
        body = struct.pack('=BBH', 0, 0, socket.htons(number)) + attribute
        self.sock.send(struct.pack('=IHHII', 16 + len(body), 3 << 8 | 2, 0x5, 1, 0) + body)
        answer = self.sock.recv(4096)
        check(struct.unpack('=i', answer[16:20])[0] == 0, 'the queue was not to be had')

    def close(self):
        self.sock.close()


def ptrace(request, tid, address=0, data=0):
    LIBC.ptrace.argtypes = [ctypes.c_long] * 4
    check(LIBC.ptrace(request, tid, address, data) == 0, 'ptrace %d: errno %d', request, ctypes.get_errno())


def seize(pid, name):
    """Stops one thread of a process; returns its number."""
    for tid in map(int, os.listdir('/proc/%d/task' % pid)):
        with open('/proc/%d/task/%d/comm' % (pid, tid)) as f:
            if f.read().strip() == name:
                break
    else:
        raise integ.Failed('no thread ' + name)
    ptrace(0x4206, tid)
    ptrace(0x4207, tid)
    os.waitpid(tid, 0x40000000)
    return tid


@contextlib.contextmanager
def stopped_thread(pid, name):
    """One thread of a process stands still, as if it hung."""
    tid = seize(pid, name)
    try:
        yield
    finally:
        ptrace(17, tid)


CAN_END_THREADS = os.uname().machine == 'x86_64'


def end_thread(pid, name):
    """One thread of a process ends at once, in the middle of what it did: it makes the system call exit.
    It waits in a system call when it is stopped, or soon does."""
    registers = (ctypes.c_ulonglong * 27)()
    at = ctypes.addressof(registers)
    while True:
        tid = seize(pid, name)
        ptrace(12, tid, 0, at) # PTRACE_GETREGS
        with open('/proc/%d/mem' % pid, 'rb') as memory:
            memory.seek(registers[16] - 2)
            if memory.read(2) == b'\x0f\x05': # behind a syscall instruction
                break
        ptrace(17, tid)
    registers[16] -= 2 # rip
    registers[10], registers[14] = 60, 0 # rax: exit, rdi
    registers[15] = 2 ** 64 - 1 # orig_rax: no system call to restart
    ptrace(13, tid, 0, at)
    ptrace(17, tid)
    wait_for('the thread to end', lambda: not os.path.exists('/proc/%d/task/%d' % (pid, tid)))


def service(vip, reals, kind='TCP_CHECK', port=80, method='TUN', delay=0.3, timeout=1, extra='', check_extra=''):
    """A virtual_server whose reals [ip] are checked through the tunnel."""
    lines = ['virtual_server %s %d {' % (vip, port), 'protocol TCP', 'lvs_sched wrr', 'lvs_method ' + method,
             'delay_loop %g' % delay, 'retry 0', extra]
    for ip in reals:
        lines += ['real_server %s %d {' % (ip, port), kind + ' {', 'connect_ip ' + vip, 'connect_port %d' % port,
                  'connect_timeout %g' % timeout, check_extra]
        lines += ['url {', 'path /', 'status_code 200', '}'] * (kind in ('HTTP_GET', 'SSL_GET')) + ['}', '}']
    return '\n'.join(lines + ['}', ''])


def metrics(d):
    """Every sample of /metrics by its name with labels."""
    status, text = d.request('GET', '/metrics')
    check(status == 200, '/metrics: %d', status)
    return {k: float(v) for k, v in (line.rsplit(' ', 1) for line in text.splitlines() if not line.startswith('#'))}


def counters(d):
    """Counters of the daemon by name, from /metrics over its unix socket."""
    status, text = d.request('GET', '/metrics')
    check(status == 200, '/metrics: %d', status)
    return {m.group(1): int(float(m.group(2))) for m in re.finditer(r'^alived_(\w+)_total (\S+)$', text, re.M)}
