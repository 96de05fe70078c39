"""What integration tests share: the daemon under test, real servers to check, BIRD's half of the
datagram protocol, a TAP runner.

A test file defines functions named test_*; `integ.main(globals())` runs them one after another and
prints TAP. Everything a test starts is stopped by its context manager; files live in one temporary
directory per daemon. Traffic stays on 127.0.0.0/8 and ::1.
"""
import atexit, contextlib, http.client, json, os, queue, shutil, signal, socket, subprocess, sys, tempfile, threading, time
import traceback

BUILD = os.environ.get('ALIVED_BUILD', os.path.abspath('build/release'))
SANITIZED = 'san' in os.path.basename(BUILD)
SLOW = 8 if SANITIZED else 1 # sanitizers cost time: limits are stretched, never skipped


class Failed(Exception):
    pass


def check(condition, text='', *values):
    if not condition:
        raise Failed(text % values if values else text)


def equal(got, want, text=''):
    if got != want:
        raise Failed('%s: got %r, want %r' % (text, got, want))


def wait_for(what, condition, seconds=5.0, step=0.01):
    """Waits until condition() is true and returns its value; says what it waited for."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed('waited %.1f s in vain for: %s' % (seconds * SLOW, what))
        time.sleep(step)


def on_sigterm(number, frame):
    """The test ends as by an exception: whoever cleans up does."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + number)


def main(names):
    signal.signal(signal.SIGTERM, on_sigterm)
    tests = [(n, f) for n, f in names.items() if n.startswith('test_')]
    only = sys.argv[1:]
    failed = 0
    for i, (name, function) in enumerate(tests, 1):
        if only and name not in only:
            continue
        try:
            function()
            print('ok %d - %s' % (i, name), flush=True)
        except Exception:
            failed += 1
            print('not ok %d - %s' % (i, name), flush=True)
            print('\n'.join('# ' + line for line in traceback.format_exc().splitlines()), flush=True)
    print('1..%d' % len(tests))
    sys.exit(1 if failed else 0)


class UnixHTTPConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout=10):
        super().__init__('localhost', timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Daemon:
    """alived with its own directory, configuration and READY socket."""

    def __init__(self, services, yaml='', args=(), env=None, binary=None, wrapper=()):
        self.dir = tempfile.mkdtemp(prefix='alived-test-')
        atexit.register(shutil.rmtree, self.dir, ignore_errors=True)
        self.sock = self.path('alived.sock')
        self.binary = binary or os.path.join(BUILD, 'alived')
        self.args, self.env, self.wrapper = list(args), dict(env or {}), list(wrapper)
        self.process = None
        self.notified = []
        self.write_yaml(yaml)
        self.write_services(services)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write_yaml(self, yaml):
        """yaml may use $DIR. Listeners default to the unix socket alone, and the
        state file to one in the directory."""
        text = yaml.replace('$DIR', self.dir)
        if 'server:' not in text:
            text += '\nserver:\n  http_addr: ""\n  grpc_addr: ""\n  metrics_addr: ""\n  unix_sock: "%s"\n' % self.sock
        if not any(line.startswith('state:') for line in text.splitlines()):
            text += '\nstate: {path: "%s"}\n' % self.path('state')
        with open(self.path('alived.yaml'), 'w') as f:
            f.write(text)

    def write_services(self, text):
        with open(self.path('services.conf.new'), 'w') as f:
            f.write(text.replace('$DIR', self.dir))
        os.rename(self.path('services.conf.new'), self.path('services.conf'))

    def start(self, wait=True):
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        notify_path = self.path('notify')
        with contextlib.suppress(FileNotFoundError):
            os.unlink(notify_path)
        self.notify.bind(notify_path)
        threading.Thread(target=self.listen, args=(self.notify,), daemon=True).start()
        self.log_file = open(self.path('log'), 'ab')
        env = dict(os.environ, NOTIFY_SOCKET=notify_path, **self.env)
        self.process = subprocess.Popen(
            self.wrapper + [self.binary, '-c', self.path('alived.yaml'), '--services', self.path('services.conf')] + self.args,
            stdin=subprocess.DEVNULL, stdout=self.log_file, stderr=self.log_file, env=env)
        if wait:
            wait_for('READY', lambda: self.said('READY=1') or self.process.poll() is not None, 10)
            check(self.process.poll() is None, 'alived ended at start:\n%s', self.log_text())
        return self

    def listen(self, notify):
        with contextlib.suppress(OSError):
            while True:
                self.notified.append(notify.recv(4096).decode())

    def said(self, text):
        return any(text in m for m in list(self.notified))

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        with contextlib.suppress(Exception):
            self.kill()
        if failure[0] is not None:
            print('\n'.join('# log: ' + l for l in self.log_text().splitlines()[-40:]), flush=True)
        shutil.rmtree(self.dir, ignore_errors=True)

    def signal(self, number):
        self.process.send_signal(number)

    def stop(self, seconds=6):
        """SIGTERM; returns the exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def wait(self, seconds=6):
        try:
            return self.process.wait(seconds * SLOW)
        except subprocess.TimeoutExpired:
            raise Failed('alived did not end within %d s' % (seconds * SLOW))

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        with contextlib.suppress(Exception):
            self.log_file.close()
            self.notify.shutdown(socket.SHUT_RDWR)
            self.notify.close()

    def log_text(self):
        with open(self.path('log'), errors='replace') as f:
            return f.read()

    def events(self, event=None):
        """Log lines (JSON) as dicts, in order."""
        found = []
        for line in self.log_text().splitlines():
            with contextlib.suppress(ValueError):
                record = json.loads(line)
                if event is None or record.get('event') == event:
                    found.append(record)
        return found

    def request(self, method, path, body=None):
        """Returns (status, text) over the unix socket."""
        c = UnixHTTPConnection(self.sock, timeout=20 * SLOW)
        try:
            c.request(method, path, body=body, headers={'Content-Type': 'application/json'} if body else {})
            r = c.getresponse()
            return r.status, r.read().decode()
        finally:
            c.close()

    def get(self, path):
        status, text = self.request('GET', path)
        check(status == 200, '%s: HTTP %d: %s', path, status, text)
        return json.loads(text)

    def status(self):
        return self.get('/v1/status')['status']

    def summary(self):
        return self.get('/v1/summary')

    def reload(self):
        """POST /v1/reload: (HTTP status, parsed body)."""
        status, text = self.request('POST', '/v1/reload', '{}')
        return status, json.loads(text)

    def real(self, ip, port=None, service=0):
        for rs in self.status()[service]['rs']:
            if rs['ip'] == ip and (port is None or rs.get('port') == port):
                return rs
        raise Failed('no real %s in the status' % ip)

    def fds(self):
        return len(os.listdir('/proc/%d/fd' % self.process.pid))

    def ctl(self, *args):
        """alivectl: (exit status, stdout, stderr)."""
        r = subprocess.run([os.path.join(BUILD, 'alivectl'), '-s', self.sock] + list(args),
                           stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30)
        return r.returncode, r.stdout, r.stderr


class HttpReal:
    """A real server on one address: answers HTTP, keeps what it was asked. Its state can be changed
    at any time: status, body, headers, delay (s), reset (close with RST), up (False: refuses)."""

    def __init__(self, ip, port=8080, **state):
        self.ip, self.port = ip, port
        self.status, self.body, self.headers, self.delay, self.reset = 200, b'ok\n', {}, 0, False
        self.requests = []
        self.accepted = 0
        self.listener = None
        self.__dict__.update(state)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *failure):
        self.stop()

    def start(self):
        self.listener = socket.socket(socket.AF_INET6 if ':' in self.ip else socket.AF_INET)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind((self.ip, self.port))
        self.listener.listen(512)
        threading.Thread(target=self.serve, args=(self.listener,), daemon=True).start()

    def stop(self):
        listener, self.listener = self.listener, None
        if listener:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()

    def serve(self, listener):
        while True:
            try:
                c, _ = listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self.answer, args=(c,), daemon=True).start()

    def answer(self, c):
        with contextlib.suppress(OSError), c:
            c.settimeout(10)
            data = b''
            while b'\r\n\r\n' not in data:
                more = c.recv(4096)
                if not more:
                    return
                data += more
            self.requests.append((time.monotonic(), data.decode('latin-1')))
            if self.delay:
                time.sleep(self.delay)
            if self.reset:
                c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')
                return
            head = 'HTTP/1.1 %d X\r\nContent-Length: %d\r\nConnection: close\r\n' % (self.status, len(self.body))
            head += ''.join('%s: %s\r\n' % h for h in self.headers.items())
            c.sendall(head.encode() + b'\r\n' + self.body)


class TcpReal(HttpReal):
    """Accepts and says nothing."""

    def answer(self, c):
        with contextlib.suppress(OSError), c:
            c.settimeout(5)
            c.recv(1)


class BirdDouble:
    """BIRD's half of the datagram protocol (spec/announce §1.7): keeps the set of announced prefixes,
    the sequence of records with times, and counts what the real one could not read."""

    def __init__(self, directory, group='default'):
        self.own = os.path.join(directory, group + '_m2b')
        self.peer = os.path.join(directory, group + '_b2m')
        self.routes, self.records, self.malformed, self.datagrams = {}, [], 0, 0
        self.is_reading = True
        self.sock = None

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *failure):
        self.stop()

    def start(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.own)
        self.routes = {}
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.own)
        self.sock.settimeout(0.05)
        threading.Thread(target=self.read, args=(self.sock,), daemon=True).start()
        self.ask()

    def stop(self):
        sock, self.sock = self.sock, None
        if sock:
            sock.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.own)

    def ask(self):
        with contextlib.suppress(OSError):
            self.sock.sendto(b'request!', self.peer)

    def read(self, sock):
        while self.sock is sock:
            if not self.is_reading:
                time.sleep(0.01)
                continue
            try:
                data = sock.recv(1 << 20)
            except socket.timeout:
                continue
            except OSError:
                return
            self.take(data)

    def take(self, data):
        now = time.monotonic()
        self.datagrams += 1
        if not data or len(data) % 19:
            self.malformed += 1
            return
        for i in range(0, len(data), 19):
            version, address, length, state = data[i], data[i + 1:i + 17], data[i + 17], data[i + 18]
            v4 = address[:12] == b'\0' * 10 + b'\xff\xff'
            if state > 1 or (version, v4, length) not in ((4, True, 32), (6, False, 128)):
                self.malformed += 1
                continue
            text = socket.inet_ntop(socket.AF_INET, address[12:]) if v4 else socket.inet_ntop(socket.AF_INET6, address)
            self.routes[text] = bool(state)
            self.records.append((now, text, bool(state)))

    def announced(self):
        return sorted(a for a, up in list(self.routes.items()) if up)


def service(vip, reals, check='TCP_CHECK { connect_ip %(ip)s connect_port %(port)d connect_timeout 1 }', port=80, extra='',
            real_extra='', delay=0.2, retry=0, method='NAT'):
    """One virtual_server with reals [(ip, port)] that are checked in the clear."""
    lines = ['virtual_server %s %d {' % (vip, port), '  protocol TCP', '  lvs_sched wrr', '  lvs_method %s' % method,
             '  delay_loop %g' % delay, '  retry %d' % retry, '  delay_before_retry 0.05']
    lines += ['  ' + l for l in extra.splitlines()]
    for ip, rport in reals:
        body = check % {'ip': ip, 'port': rport}
        body = body.replace('{ ', '{\n').replace(' }', '\n}').replace(' connect_', '\nconnect_')
        lines += ['  real_server %s %d {' % (ip, rport)] + ['    ' + l for l in real_extra.splitlines()]
        lines += ['    ' + l for l in body.splitlines()] + ['  }']
    return '\n'.join(lines + ['}', ''])
