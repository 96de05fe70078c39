"""The YANET double (tests/peers/yanet_double.c) for integration tests.

    with YanetDouble(directory, {'balancer0': services}) as yanet:
        ... yanet.sock is what `yanet.control_plane_sock_path` names ...
        yanet.applied()[('192.0.2.1', 80, '198.51.100.7', 8080)] == (True, 10)

Leaving the block stops it and fails if anything came that kills a real control plane.
"""
import contextlib, json, os, signal, socket, subprocess, time

BUILD = os.environ.get('ALIVED_BUILD', os.path.abspath('build/release'))
BINARY = os.path.join(BUILD, 'tests', 'peers', 'yanet_double')


def dump_service(vip, reals, vport=80, proto='tcp', scheduler='wrr', weight=1, version=None):
    """One service as a dump has it. reals: (ip, port) or (ip, port, weight); a port may be None."""
    service = {'vip': vip, 'proto': proto, 'scheduler': scheduler, 'ops': False, 'lvs_method': 'TUN', 'reals': []}
    if vport is not None:
        service['vport'] = str(vport)
    if version is not None:
        service['version'] = version
    for ip, port, *w in reals:
        real = {'ip': ip, 'weight': str(w[0] if w else weight)}
        if port is not None:
            real['port'] = str(port)
        service['reals'].append(real)
    return service


class YanetDouble:
    """config: a dump (list of services: module balancer0) or a dict of such lists by module name; None:
    nothing is configured until load()."""

    def __init__(self, directory, config=None, name='yanet'):
        self.sock = os.path.join(directory, name + '.sock')
        self.control = os.path.join(directory, name + '.ctl')
        self.config = os.path.join(directory, name + '.json')
        self.process = None
        self.line = None
        self.write(config if config is not None else [])

    def write(self, config):
        with open(self.config + '.new', 'w') as f:
            json.dump(config, f)
        os.rename(self.config + '.new', self.config)

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        status = self.stop()
        if failure[0] is None and status != 0:
            raise AssertionError('the YANET double ended with status %d: something deadly was sent' % status)

    def start(self):
        self.process = subprocess.Popen([BINARY, self.sock, self.control, self.config], stdin=subprocess.DEVNULL)
        end = time.monotonic() + 20
        while True:
            self.line = socket.socket(socket.AF_UNIX)
            try:
                self.line.connect(self.control)
                return self
            except OSError:
                self.line.close()
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError('the YANET double did not start')
            time.sleep(0.01)

    def stop(self):
        """Ends it; returns the exit status: 0, or 3 if something deadly came."""
        if self.process is None:
            return 0
        with contextlib.suppress(OSError, ValueError):
            self.command('quit')
        self.line.close()
        process, self.process = self.process, None
        try:
            return process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()

    def kill(self):
        """Dies without a word, as a crash: the socket file stays."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = None
        self.line.close()

    def command(self, text):
        self.line.sendall(text.encode() + b'\n')
        data = b''
        while not data.endswith(b'\n'):
            more = self.line.recv(1 << 20)
            if not more:
                raise OSError('the YANET double closed its control connection')
            data += more
        return json.loads(data)

    def _do(self, text):
        if self.command(text) is not True:
            raise AssertionError('the YANET double refused: ' + text)

    @staticmethod
    def _by_key(reals, module):
        return {(r['vip'], r['vport'], r['rip'], r['rport']): (r['enabled'], r['weight'])
                for r in reals if r['module'] == module}

    def applied(self, module='balancer0'):
        """What the data plane has: {(vip, vport, rip, rport): (enabled, weight)}. The truth."""
        return self._by_key(self.command('applied'), module)

    def view(self, module='balancer0'):
        """What RealFind shows."""
        return self._by_key(self.command('view'), module)

    def wanted(self, module='balancer0'):
        """What was asked for, flushed or not, configured or not."""
        return self._by_key(self.command('wanted'), module)

    def counts(self):
        """Real, RealFlush, RealFind, InspectLookup, updates, empty_flushes, refused_calls, connections, deadly."""
        return self.command('counts')

    def deadly(self):
        return self.command('deadly')[0]

    def log(self):
        """Calls and updates in order: dicts with t (CLOCK_MONOTONIC s), conn, method; updates also with
        their key, enabled, weight (None: none was sent)."""
        return self.command('log')

    def updates(self):
        return [r for r in self.log() if 'rip' in r]

    def clear_log(self):
        self._do('clear-log')

    def load(self, config):
        """A reload of YANET with another services file."""
        self.write(config)
        self._do('load ' + self.config)

    def restart(self):
        """The control plane alone dies and comes back without memory."""
        self._do('restart')

    def delay(self, method, seconds):
        self._do('delay %s %d' % (method, seconds * 1000))

    def hang(self, method):
        self._do('hang ' + method)

    def unhang(self):
        """Later calls are answered again; those that hang stay so."""
        self._do('unhang')

    def close_after(self, n_bytes):
        self._do('close-after %d' % n_bytes)

    def reply_vector(self, path):
        self._do('reply-vector ' + (path or 'none'))

    def refuse(self, on=True):
        self._do('refuse ' + ('on' if on else 'off'))
