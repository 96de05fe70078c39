"""Who is measured: the daemon, HAProxy, the floors; and how they take turns."""
import math, os, atexit, shutil, signal, subprocess, json, time

from harness import *
from integ import Daemon, wait_for

PAIRS = 5
binary = os.path.join(integ.BUILD, 'alived') # scripts/bench-compare sets another


def unit_environment():
    """What the packaged unit starts the daemon with."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'packaging', 'alived.service')) as f:
        lines = [l.strip() for l in f if l.startswith('Environment=')]
    return dict(l.split('=', 1)[1].split('=', 1) for l in lines)


class Alived(Daemon):
    """The daemon on the client's CPU."""

    def __init__(self, text, yaml='', workers=1, **more):
        more.setdefault('binary', binary)
        more.setdefault('env', unit_environment())
        super().__init__(text, yaml='workers: {count: %d}\nlogging: {level: warn}\n' % workers + yaml, wrapper=on(CLIENT_CPU), **more)
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


def need_keyword(check, keyword):
    """Skips the row if this daemon does not know the check's keyword yet."""
    with_it = Alived(services(1, check))
    r = subprocess.run([with_it.binary, '-c', with_it.path('alived.yaml'), '--services', with_it.path('services.conf'), '-t'],
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    shutil.rmtree(with_it.dir, ignore_errors=True)
    if r.returncode != 0:
        lines = r.stdout.splitlines()
        why = next((l for l in lines if ' error: ' in l), lines[0] if lines else '')
        raise Skip('this alived refuses `%s`: %s' % (keyword, why.split(' error: ')[-1]))


# a gRPC health check in bytes, as in bench/floor_grpc.c
GRPC_REQUEST = (b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' b'\0\0\0\4\0\0\0\0\0' b'\0\0\x51\1\4\0\0\0\1'
                b'\x83\x87\4\x1c/grpc.health.v1.Health/Check\1\x0fwww.example.org\0\2te\x08trailers\x0f\x10\x10application/grpc'
                b'\0\0\5\0\1\0\0\0\1\0\0\0\0\0')
GRPC_GOOD = b'grpc-status\x0200'
HAPROXY_HEAD = '''global
  nbthread 1
  maxconn 100
defaults
  mode tcp
  timeout connect %dms
  timeout check %dms
  timeout client 1s
  timeout server 1s
frontend nobody
  bind unix@%s/sock
  default_backend reals
backend reals
'''


class Haproxy:
    """HAProxy with equal checks, one thread, on the client's CPU. It is started anew for each of its
    turns: stopped and continued, it would make all overdue checks at once and keep them bunched."""

    def __init__(self, n, kind, fleet, delay=1, is_resuming=False):
        self.dir = scratch_dir()
        self.n, self.fleet, self.delay = n, fleet, delay
        is_tls = kind in ('https', 'grpcs')
        patience_ms = 5000 if is_tls else 900 # the handshake is part of the connect
        lines = {'http': ['option httpchk GET /health'], 'https': ['option httpchk GET /health'],
                 'grpcs': ['option tcp-check', 'tcp-check connect default', 'tcp-check send-binary ' + GRPC_REQUEST.hex(),
                           'tcp-check expect binary ' + GRPC_GOOD.hex()]}.get(kind, [])
        server = ' check-ssl verify none check-sni www.example.org' if is_tls else ''
        server += ' check-alpn h2' if kind == 'grpcs' else ''
        server += ' no-ssl-reuse' if is_tls and not is_resuming else ''
        path = os.path.join(self.dir, 'haproxy.cfg')
        with open(path, 'w') as f:
            f.write(HAPROXY_HEAD % (patience_ms, patience_ms, self.dir))
            f.writelines('  %s\n' % l for l in lines)
            f.writelines('  server s%d %s:%d check inter %dms%s\n' % (i, real_ip(i), PORT, delay * 1000, server) for i in range(n))
        self.argv = on(CLIENT_CPU) + ['haproxy', '-db', '-f', path]
        self.log = os.path.join(self.dir, 'log')
        self.process = None

    def __enter__(self):
        try:
            self.resume() # once at the start, to see that it works
        finally:
            self.pause()
        return self

    def __exit__(self, *failure):
        self.pause()
        shutil.rmtree(self.dir, ignore_errors=True)

    def resume(self):
        if self.process:
            return
        before = self.fleet.book()[0]
        with open(self.log, 'wb') as log:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        # it reads its file, and spreads the first checks over one interval
        wait_for('HAProxy has checked each server once',
                 lambda: self.process.poll() is not None or self.fleet.book()[0] - before >= 0.99 * self.n, 60, 0.05)
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

    def doubts(self):
        with open(self.log, errors='replace') as f:
            n = sum(' is DOWN' in l for l in f)
        return '%d servers DOWN in the last turn' % n if n else ''


class Meter:
    """CPU and checks of one contender, turn by turn. The checks are those that arrived at the targets;
    where these cannot count them, the daemon's own are taken (HAProxy has none)."""

    def __init__(self, contender, fleet):
        self.contender, self.fleet = contender, fleet
        self.us, self.n, self.n_cheap, self.seconds = [], 0, 0, 0

    def book(self):
        return self.fleet.book() or (self.contender.n_checks(), 0)

    def turn(self, seconds):
        pid = self.contender.pid()
        n, cheap = self.book()
        cpu, begin = cpu_ns(pid), time.monotonic()
        time.sleep(self.contender.window(seconds))
        cpu, took = cpu_ns(pid) - cpu, time.monotonic() - begin
        n, cheap = (a - b for a, b in zip(self.book(), (n, cheap)))
        self.us.append(cpu / 1000 / max(n, 1))
        self.n, self.n_cheap, self.seconds = self.n + n, self.n_cheap + cheap, self.seconds + took

    def note(self, cheap):
        text = 'at the targets: %.0f/s, %.0f %% %s' % (self.n / self.seconds, 100 * self.n_cheap / max(self.n, 1), cheap)
        doubts = self.contender.doubts()
        return text + ('; ' + doubts if doubts else '')


def floor(argv):
    """Runs one floor program, with the daemon's environment: what helps the one is not kept from the
    other. Returns µs of CPU per check."""
    r = subprocess.run(on(CLIENT_CPU) + [os.path.join(BENCH, argv[0])] + [str(a) for a in argv[1:]], env={**os.environ, **unit_environment()},
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=120)
    if r.returncode != 0:
        raise RuntimeError('%s: exit status %d, %s' % (' '.join(map(str, argv)), r.returncode, r.stdout))
    return json.loads(r.stdout)['us_per_check_cpu']


def take_turns(meters, floors, seconds):
    """PAIRS rounds; in each, every floor and every contender has its turn of about seconds, alone. The
    daemon takes SIGSTOP as a pause of its own. Returns µs per check of the floors, by name; those of the
    contenders are in their meters."""
    bottoms = {name: [] for name in floors}
    for m in meters.values():
        m.contender.pause()
    for _ in range(PAIRS):
        for name, argv in floors.items():
            bottoms[name].append(floor(argv))
        for m in meters.values():
            m.contender.resume()
            m.turn(seconds)
            m.contender.pause()
    meters['alived'].contender.resume()
    return bottoms
