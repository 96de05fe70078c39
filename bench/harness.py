"""What the rows of the benchmark share: placement, targets, CPU time of processes, medians, figures.

Placement: everything that is measured runs on the last allowed CPU, targets and doubles on the
first, as bench/floor_*.c were calibrated. With one CPU both are the same, and the report says so.
"""
import atexit, json, os, contextlib, shutil, socket, statistics, subprocess, sys, tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))
import integ  # reads ALIVED_BUILD

BENCH = os.path.join(integ.BUILD, 'bench')
CPUS = sorted(os.sched_getaffinity(0))
CLIENT_CPU, TARGET_CPU = CPUS[-1], CPUS[0]
FIRST_IP = 0x7f010001 # 127.1.0.1
PORT, OWN_PORT, CLOSED_PORT = 7000, 7001, 7009
IS_ALONE = os.environ.get('ALIVED_BENCH_NETNS') == '1' # in a network namespace of its own


class Skip(Exception):
    """The row cannot be measured here; the text says why."""


def scratch_dir():
    """Gone at the end, whatever the end is."""
    path = tempfile.mkdtemp(prefix='alived-bench-')
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def on(cpu):
    return ['taskset', '-c', str(cpu)]


def real_ip(i):
    return socket.inet_ntoa((FIRST_IP + i).to_bytes(4, 'big'))


def vip(i):
    return '198.18.%d.%d' % (i >> 8, i & 255)


def cpu_ns(pid, thread=None):
    """CPU time of a process, or of its threads of that name, from the scheduler's own books."""
    total = 0
    for task in os.listdir('/proc/%d/task' % pid):
        with contextlib.suppress(OSError):
            path = '/proc/%d/task/%s/' % (pid, task)
            with open(path + 'comm') as f:
                if thread and f.read().strip() != thread:
                    continue
            with open(path + 'schedstat') as f:
                total += int(f.read().split()[0])
    return total


def rss_bytes(pid):
    with open('/proc/%d/status' % pid) as f:
        return next(int(l.split()[1]) * 1024 for l in f if l.startswith('VmRSS:'))


def tcp_counters():
    """The namespace's own books: connections that targets accepted, and those that were reset before
    (half-open checks). Nobody else makes any here if IS_ALONE."""
    with open('/proc/net/snmp') as f:
        names, values = (l.split()[1:] for l in f if l.startswith('Tcp:'))
    book = dict(zip(names, map(int, values)))
    return book['PassiveOpens'], book['AttemptFails']


# --- figures --------------------------------------------------------------------------------------

def figure(row, name, unit, values, budget=None, bound=None, note='', series=None):
    """budget: what is promised, bound: what is still acceptable, both at most. series: (plot, curve, x)
    if it is a point of one."""
    return dict(row=row, name=name, unit=unit, value=statistics.median(values), low=min(values), high=max(values), runs=len(values),
                budget=budget, bound=bound, note=note, series=series)


# --- what is checked ------------------------------------------------------------------------------

TCP = 'TCP_CHECK {\n      connect_timeout 0.9\n    }'
TCP_HALF_OPEN = 'TCP_CHECK {\n      connect_timeout 0.9\n      half_open\n    }'
HTTP = 'HTTP_GET {\n      url {\n        path /health\n        status_code 200\n      }\n      connect_timeout 0.9\n    }'
# longer than its interval, which only warns: on a busy machine a handshake waits for the CPU
HTTPS = HTTP.replace('HTTP_GET', 'SSL_GET').replace('connect_timeout 0.9', 'connect_timeout 5')
GRPC = 'GRPC_CHECK {\n      virtualhost www.example.org\n      connect_timeout 5\n    }'


def resuming(check):
    return check[:-1] + '  session_reuse on\n    }'


def services(n, check=TCP, delay=1, per_service=20, port=lambda i: PORT):
    """n reals with one check each."""
    lines = []
    for first in range(0, n, per_service):
        lines += ['virtual_server %s 80 {' % vip(first // per_service), '  protocol TCP', '  lvs_sched wrr', '  lvs_method NAT',
                  '  virtualhost www.example.org', '  delay_loop %g' % delay, '  retry 0']
        for i in range(first, min(n, first + per_service)):
            lines += ['  real_server %s %d {' % (real_ip(i), port(i)), '    ' + check, '  }']
        lines.append('}')
    return '\n'.join(lines) + '\n'


def last_on_own_port(n, n_own):
    """The last n_own of n targets have listeners of their own and can refuse."""
    return lambda i: OWN_PORT if i >= n - n_own else PORT


# --- targets --------------------------------------------------------------------------------------

def make_certificate(directory):
    """A fresh self-signed P-256 certificate: bench/fleet's options."""
    certificate, key = os.path.join(directory, 'cert.pem'), os.path.join(directory, 'key.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-subj', '/CN=www.example.org', '-keyout', key, '-out', certificate],
                   check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return ['--certificate', certificate, '--key', key]


class Fleet:
    """bench/fleet on the targets' CPU. The last n_own of its n targets have listeners of their own, on
    OWN_PORT. with_syns: arrivals by the kernel's time stamps, where that is allowed."""

    def __init__(self, n, kind='tcp', n_own=0, tickets=0, with_syns=False):
        self.dir = scratch_dir()
        self.is_tls = kind in ('https', 'grpcs')
        self.control = os.path.join(self.dir, 'fleet.sock')
        self.argv = on(TARGET_CPU) + [os.path.join(BENCH, 'fleet'), '--control', self.control]
        if n > n_own:
            self.argv += ['--' + kind, '%s:%d,%d' % (real_ip(0), PORT, n - n_own)]
        if n_own:
            self.argv += ['--' + kind, '%s:%d,%d,own' % (real_ip(n - n_own), OWN_PORT, n_own)]
        if self.is_tls:
            self.argv += make_certificate(self.dir) + ['--tickets', str(tickets)]
        if with_syns and os.geteuid() == 0:
            self.argv.append('--syn')

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline().startswith('ready'):
            self.process.kill()
            self.process.wait()
            raise RuntimeError('the fleet of targets did not start')
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(self.control)
        self.file = self.line.makefile('rw')
        return self

    def __exit__(self, *failure):
        self.line.close()
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)

    def command(self, text):
        self.file.write(text + '\n')
        self.file.flush()
        reply = ''
        while True:
            line = self.file.readline()
            if not line or line.strip() == 'ok':
                return reply
            if line.startswith('error'):
                raise RuntimeError('%s: %s' % (text, line))
            reply += line

    def stats(self, interval):
        return json.loads(self.command('stats %g' % interval))

    def served(self):
        return json.loads(self.command('served'))

    def book(self):
        """What has arrived so far, as (checks, of them cheaper ones): resumed handshakes, half-open
        connects. None where nobody can know: half-open ones are in no program's books."""
        if self.is_tls:
            s = self.served()
            return s['full'] + s['resumed'], s['resumed']
        if not IS_ALONE:
            return None
        accepted, reset = tcp_counters()
        return accepted + reset, reset
