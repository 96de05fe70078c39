"""What the rows of the benchmark share: contenders that take turns on the same CPUs, targets, CPU time
of processes, medians.

Placement: everything that is measured runs on the last allowed CPU, targets and doubles on the
first, as bench/floor_*.c were calibrated. With one CPU both are the same, and the report says so.
"""
import atexit, contextlib, json, math, os, shutil, signal, socket, statistics, subprocess, sys, tempfile, time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'tests', 'lib'))
import integ  # reads ALIVED_BUILD
from integ import Daemon, wait_for

BENCH = os.path.join(integ.BUILD, 'bench')
CPUS = sorted(os.sched_getaffinity(0))
CLIENT_CPU, TARGET_CPU = CPUS[-1], CPUS[0]
PAIRS = 5
FIRST_IP = 0x7f010001 # 127.1.0.1
PORT, OWN_PORT = 7000, 7001


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


def port_of(i, n, n_own):
    return OWN_PORT if i >= n - n_own else PORT


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


def spread(values):
    """(median, least, most)"""
    return statistics.median(values), min(values), max(values)


# --- what is checked ------------------------------------------------------------------------------

TCP = 'TCP_CHECK {\n      connect_timeout 0.9\n    }'
TCP_HALF_OPEN = 'TCP_CHECK {\n      connect_timeout 0.9\n      half_open\n    }'
HTTP = 'HTTP_GET {\n      url {\n        path /health\n        status_code 200\n      }\n      connect_timeout 0.9\n    }'
# longer than its interval, which only warns: on a busy machine a handshake waits for the CPU
HTTPS = HTTP.replace('HTTP_GET', 'SSL_GET').replace('connect_timeout 0.9', 'connect_timeout 5')


def services(n, check=TCP, delay=1, per_service=20, n_own=0):
    """n reals with one check each; the last n_own of them on OWN_PORT."""
    lines = []
    for first in range(0, n, per_service):
        lines += ['virtual_server %s 80 {' % vip(first // per_service), '  protocol TCP', '  lvs_sched wrr', '  lvs_method NAT',
                  '  virtualhost www.example.org', '  delay_loop %g' % delay, '  retry 0']
        for i in range(first, min(n, first + per_service)):
            lines += ['  real_server %s %d {' % (real_ip(i), port_of(i, n, n_own)), '    ' + check, '  }']
        lines.append('}')
    return '\n'.join(lines) + '\n'


class Fleet:
    """bench/fleet on the targets' CPU. The last n_own of its n targets have listeners of their own, on
    OWN_PORT, and can refuse."""

    def __init__(self, n, kind='tcp', n_own=0):
        self.dir = scratch_dir()
        self.control = os.path.join(self.dir, 'fleet.sock')
        self.argv = on(TARGET_CPU) + [os.path.join(BENCH, 'fleet'), '--' + kind,
                                      '%s:%d,%d' % (real_ip(0), PORT, n - n_own), '--control', self.control]
        if n_own:
            self.argv += ['--' + kind, '%s:%d,%d,own' % (real_ip(n - n_own), OWN_PORT, n_own)]

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


class TlsTarget:
    """bench/tls_target with a fresh self-signed P-256 certificate."""

    def __enter__(self):
        self.dir = scratch_dir()
        certificate, key = os.path.join(self.dir, 'cert.pem'), os.path.join(self.dir, 'key.pem')
        subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                        '-subj', '/CN=www.example.org', '-keyout', key, '-out', certificate],
                       check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.process = subprocess.Popen(on(TARGET_CPU) + [os.path.join(BENCH, 'tls_target'), str(PORT), certificate, key],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        if not self.process.stdout.readline().startswith('ready'):
            self.process.kill()
            self.process.wait()
            raise RuntimeError('the TLS target did not start')
        return self

    def __exit__(self, *failure):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


# --- contenders -----------------------------------------------------------------------------------

class Alived(Daemon):
    """The daemon on the client's CPU with one worker."""

    def __init__(self, text, yaml='', **more):
        super().__init__(text, yaml='workers: {count: 1}\nlogging: {level: warn}\n' + yaml, wrapper=on(CLIENT_CPU), **more)
        atexit.register(shutil.rmtree, self.dir, ignore_errors=True) # a row may fail before it is entered

    def pid(self):
        return self.process.pid

    def pause(self):
        self.signal(signal.SIGSTOP)

    def resume(self):
        self.signal(signal.SIGCONT)
        time.sleep(0.4) # each check goes on at its own next grid point

    def window(self, seconds):
        return seconds

    def counters(self):
        return self.summary()['counters']

    def n_checks(self):
        c = self.counters()
        return c['results_good'] + c['results_bad'] + c['results_unknown']

    def doubts(self):
        """What would spoil a figure, as a note."""
        c = self.counters()
        odd = {k: c[k] for k in ('results_bad', 'results_unknown') if c[k]}
        return 'of %d checks: %s' % (self.n_checks(), odd) if odd else ''

    def wait_until_up(self, n, seconds):
        return wait_for('%d checks are up' % n, lambda: self.summary()['checks']['up'] >= 0.99 * n, seconds, 0.1)


class Haproxy:
    """HAProxy with equal checks, one thread, on the client's CPU. It is started anew for each of its
    turns: stopped and continued, it would make all overdue checks at once and keep them bunched."""

    def __init__(self, n, kind, delay=1):
        self.dir = scratch_dir()
        self.n, self.delay = n, delay
        path = os.path.join(self.dir, 'haproxy.cfg')
        extra = {'http': '  option httpchk GET /health\n', 'https': '  option httpchk GET /health\n'}.get(kind, '')
        server = {'https': ' check-ssl verify none'}.get(kind, '')
        with open(path, 'w') as f:
            f.write('global\n  nbthread 1\n  maxconn 100\ndefaults\n  mode tcp\n  timeout connect 900ms\n  timeout check 900ms\n'
                    '  timeout client 1s\n  timeout server 1s\nfrontend nobody\n  bind unix@%s/sock\n'
                    '  default_backend reals\nbackend reals\n' % self.dir + extra)
            f.writelines('  server s%d %s:%d check inter %dms%s\n' % (i, real_ip(i), PORT, delay * 1000, server) for i in range(n))
        self.argv = on(CLIENT_CPU) + ['haproxy', '-db', '-f', path]
        self.log = os.path.join(self.dir, 'log')
        self.process = None

    def __enter__(self):
        self.resume() # once at the start, to see that it works
        self.pause()
        return self

    def __exit__(self, *failure):
        self.pause()
        shutil.rmtree(self.dir, ignore_errors=True)

    def resume(self):
        if self.process:
            return
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        time.sleep(1.0 + self.delay) # it reads its file, and spreads the first checks over one interval
        if self.process.poll() is not None:
            raise RuntimeError('haproxy ended at start')

    def pause(self):
        process, self.process = self.process, None
        if process and process.poll() is None:
            process.kill()
        if process:
            process.wait()

    def pid(self):
        return self.process.pid

    def window(self, seconds):
        return math.ceil(seconds / self.delay) * self.delay

    def n_checks(self):
        """It has no counter of checks; at its interval each server has one."""
        return self.n * time.monotonic() / self.delay


def us_per_check(contender, seconds):
    n, cpu = contender.n_checks(), cpu_ns(contender.pid())
    time.sleep(contender.window(seconds))
    cpu, n = cpu_ns(contender.pid()) - cpu, contender.n_checks() - n
    return cpu / 1000.0 / max(n, 1)


def floor(argv):
    """Runs one floor program; returns µs of CPU per check."""
    r = subprocess.run(on(CLIENT_CPU) + [os.path.join(BENCH, argv[0])] + [str(a) for a in argv[1:]],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=120)
    if r.returncode != 0:
        raise RuntimeError('%s: exit status %d, %s' % (' '.join(map(str, argv)), r.returncode, r.stdout))
    return json.loads(r.stdout)['us_per_check_cpu']


def take_turns(contenders, floors, seconds):
    """PAIRS rounds; in each, every floor and every contender has its turn of about seconds, alone. The
    daemon takes SIGSTOP as a pause of its own. Returns two dicts of lists of µs per check: of
    contenders, of floors."""
    measured = {name: [] for name in contenders}
    bottoms = {name: [] for name in floors}
    for c in contenders.values():
        c.pause()
    for _ in range(PAIRS):
        for name, argv in floors.items():
            bottoms[name].append(floor(argv))
        for name, c in contenders.items():
            c.resume()
            measured[name].append(us_per_check(c, seconds))
            c.pause()
    contenders['alived'].resume()
    return measured, bottoms
