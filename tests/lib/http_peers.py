"""Real servers that speak HTTP/2 and HTTP/1.1: nginx and nghttpd; and one that says what a script
says, frame by frame, for what no real server would."""
import contextlib, json, os, selectors, socket, ssl, struct, subprocess, sys, time

from integ import HttpReal, wait_for

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4
STATUS_200 = b'\x88'


def frame(kind, flags=0, stream=0, payload=b'', length=None):
    return struct.pack('>I', len(payload) if length is None else length)[1:] + bytes([kind, flags]) + struct.pack('>I', stream) + payload


def field(name, value):
    """A literal that is not indexed; lengths below 127."""
    return b'\0' + bytes([len(name)]) + name + bytes([len(value)]) + value


def make_certificate(directory, name='www.example'):
    """Writes key.pem and cert.pem."""
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-subj', '/CN=' + name, '-keyout', os.path.join(directory, 'key.pem'),
                    '-out', os.path.join(directory, 'cert.pem')], check=True, capture_output=True)


def server_context(directory, alpn=()):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(os.path.join(directory, 'cert.pem'), os.path.join(directory, 'key.pem'))
    if alpn:
        c.set_alpn_protocols(list(alpn))
    return c


class Program:
    """A server program: start() until it answers on (ip, port), stop() and reap it."""
    process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        self.stop()

    def run(self, argv, ip, port):
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def answers():
            with contextlib.suppress(OSError), socket.create_connection((ip, port), timeout=1):
                return True
            return self.process.poll() is not None
        wait_for('%s to listen' % argv[0], answers)
        return self

    def stop(self):
        process, self.process = self.process, None
        if process:
            process.terminate()
            process.wait()


class Nginx(Program):
    """conf: what stands in its server block, beside listeners and certificate."""

    def __init__(self, directory, ip, port, conf, tls=False, h2=True):
        self.dir, self.ip, self.port, self.conf, self.tls, self.h2 = directory, ip, port, conf, tls, h2

    def start(self):
        path = os.path.join(self.dir, 'nginx-%d.conf' % self.port)
        options = (' ssl' if self.tls else '') + (' http2' if self.h2 else '')
        with open(path, 'w') as f:
            f.write('''daemon off; master_process off; pid %(dir)s/nginx-%(port)d.pid; error_log %(dir)s/nginx-%(port)d.log;
events { worker_connections 512; }
http { access_log %(dir)s/access-%(port)d.log; client_body_temp_path %(dir)s; proxy_temp_path %(dir)s; fastcgi_temp_path %(dir)s;
  uwsgi_temp_path %(dir)s; scgi_temp_path %(dir)s;
  server { listen %(ip)s:%(port)d%(options)s; ssl_certificate %(dir)s/cert.pem; ssl_certificate_key %(dir)s/key.pem;
    %(conf)s
  } }
''' % dict(dir=self.dir, ip=self.ip, port=self.port, options=options, conf=self.conf))
        return self.run(['nginx', '-p', self.dir, '-c', path], self.ip, self.port)

    def accesses(self):
        with open(os.path.join(self.dir, 'access-%d.log' % self.port)) as f:
            return f.read().splitlines()


class Nghttpd(Program):
    """Serves the files of a directory over HTTP/2."""

    def __init__(self, directory, ip, port, tls=False, args=()):
        self.dir, self.ip, self.port, self.tls, self.args = directory, ip, port, tls, list(args)

    def start(self):
        argv = ['nghttpd', '-a', self.ip, '-d', os.path.join(self.dir, 'www')] + self.args
        if not self.tls:
            argv += ['--no-tls', str(self.port)]
        else:
            argv += [str(self.port), os.path.join(self.dir, 'key.pem'), os.path.join(self.dir, 'cert.pem')]
        return self.run(argv, self.ip, self.port)


class ScriptReal(HttpReal):
    """Says what its script yields, as fast as it is taken (a number: sleeps so many seconds), then
    reads until the client is gone; with linger=False it ends its half. Keeps the time of each
    connection. tls: an ssl.SSLContext."""

    def __init__(self, ip, port, script, tls=None, linger=True):
        super().__init__(ip, port)
        self.script, self.tls, self.linger, self.said, self.times = script, tls, linger, 0, []

    def answer(self, c):
        self.times.append(time.monotonic())
        with contextlib.suppress(OSError), c:
            c.settimeout(20)
            if self.tls:
                c = self.tls.wrap_socket(c, server_side=True)
            with c:
                c.recv(16)
                for piece in self.script():
                    if not isinstance(piece, bytes):
                        time.sleep(piece)
                        continue
                    c.sendall(piece)
                    self.said += len(piece)
                if not self.linger:
                    c.shutdown(socket.SHUT_WR)
                while c.recv(65536):
                    pass


def once(*pieces):
    return lambda: iter(pieces)


def forever(piece, before=b''):
    """before once, then piece without end, in writes of some 16 KiB."""
    def script():
        yield before
        while True:
            yield piece * (1 + 16384 // len(piece))
    return script


def trickle(data, seconds=0.1):
    """One byte each so many seconds, round and round."""
    def script():
        while True:
            for i in range(len(data)):
                yield data[i:i + 1]
                yield seconds
    return script


class QuietReals:
    """Good servers on many addresses in a process of their own, so that what others do in the test's
    own disturbs neither them nor their clock. take() gives the times (CLOCK_MONOTONIC, s) of the
    connections to each since the last call."""

    def __init__(self, ips, port):
        self.ips, self.port = list(ips), port

    def __enter__(self):
        self.process = subprocess.Popen([sys.executable, os.path.abspath(__file__), str(self.port)] + self.ips, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.process.stdout.readline()
        return self

    def __exit__(self, *failure):
        self.process.kill()
        self.process.communicate()

    def take(self):
        self.process.stdin.write('take\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def be_quiet_reals(port, ips):
    """The process of QuietReals: one thread, ends with its stdin."""
    times = {ip: [] for ip in ips}
    selector = selectors.DefaultSelector()
    for ip in ips:
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((ip, port))
        s.listen(64)
        selector.register(s, selectors.EVENT_READ, ip)
    selector.register(sys.stdin, selectors.EVENT_READ, None)
    print('ready', flush=True)
    while True:
        for key, _ in selector.select():
            if key.fileobj is sys.stdin:
                if not sys.stdin.readline():
                    return
                print(json.dumps([times[ip] for ip in ips]), flush=True)
                times = {ip: [] for ip in ips}
            elif key.data:
                c, _ = key.fileobj.accept()
                times[key.data].append(time.monotonic())
                selector.register(c, selectors.EVENT_READ, None)
            else:
                selector.unregister(key.fileobj)
                with contextlib.suppress(OSError), key.fileobj as c:
                    if c.recv(4096):
                        c.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')


if __name__ == '__main__':
    be_quiet_reals(int(sys.argv[1]), sys.argv[2:])
