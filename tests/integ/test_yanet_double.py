#!/usr/bin/python3
"""The YANET double itself: our codec against protobuf-c, the golden calls, the model's rules."""
import contextlib, os, shutil, socket, struct, subprocess, sys, tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from integ import check, equal
from yanet_double import BINARY, YanetDouble, dump_service

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'vectors', 'yanet')
REAL = ('198.51.100.7', 8443, 3)
KEY = ('192.0.2.16', 443, '198.51.100.7', 8443)


def vector(name):
    with open(os.path.join(VECTORS, name + '.bin'), 'rb') as f:
        return f.read()


@contextlib.contextmanager
def double(config=None):
    directory = tempfile.mkdtemp(prefix='alived-yanet-')
    try:
        with YanetDouble(directory, config if config is not None else services()) as y:
            yield y
    finally:
        shutil.rmtree(directory)


def services(reals=(REAL,)):
    return [dump_service('192.0.2.16', reals, vport=443)]


class Client:
    def __init__(self, y):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.settimeout(10)
        self.s.connect(y.sock)

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self.s.close()

    def read(self, n):
        data = b''
        while len(data) < n:
            more = self.s.recv(n - len(data))
            if not more:
                return None
            data += more
        return data

    def call(self, data):
        """The body of the answer, or None if the connection was closed instead."""
        with contextlib.suppress(ConnectionError):
            self.s.sendall(data)
            head = self.read(8)
            return None if head is None else self.read(struct.unpack('<Q', head)[0]) or b''
        return None


ENABLE, FLUSH, FIND = vector('01_real_enable_ipv4_tcp_weight'), vector('03_real_flush'), vector('04_real_find_all')


def test_our_codec_agrees_with_protobuf_c():
    r = subprocess.run([BINARY, '--self-test'], capture_output=True, text=True, timeout=120)
    check(r.returncode == 0, '%s%s', r.stdout, r.stderr)


def test_golden_calls_are_understood():
    with double() as y, Client(y) as c:
        for name in ('01_real_enable_ipv4_tcp_weight', '02_real_disable_ipv6_udp_noports', '08_real_enable_zero_values',
                     '09_real_batch_three', '03_real_flush'):
            equal(c.call(vector(name)), b'', name)
        check(c.call(FIND), 'a listing')
        equal(c.call(vector('05_real_find_filtered')), b'', 'no match is an empty reply')
        check(c.call(vector('10_inspect_lookup')) is not None, 'InspectLookup')
        equal(y.counts()['updates'], 6)


def test_an_update_is_applied_by_the_flush():
    with double() as y, Client(y) as c:
        equal(y.view()[KEY], (False, 3))
        c.call(ENABLE)
        equal((y.view()[KEY], y.applied()[KEY], y.wanted()[KEY]), ((False, 3), (False, 0), (True, 10)))
        c.call(FLUSH)
        equal((y.view()[KEY], y.applied()[KEY]), ((True, 10), (True, 10)))
        c.call(FLUSH)
        equal(y.counts()['empty_flushes'], 1)


def test_the_listing_is_what_our_decoder_expects():
    with double() as y, Client(y) as c:
        c.call(ENABLE)
        c.call(FLUSH)
        body = c.call(FIND)
        check(b'balancer0' in body and b'\x18\x01\x20\x0a' in body, 'enabled, weight 10: %s', body.hex())


def test_a_restart_forgets_what_was_wanted_and_keeps_what_is_applied():
    with double() as y:
        with Client(y) as c:
            c.call(ENABLE)
            c.call(FLUSH)
            y.restart()
            equal(c.read(1), None, 'connections are closed')
        equal((y.view()[KEY], y.applied()[KEY]), ((False, 3), (True, 10)))


def test_pre_enabling_lies_as_in_the_original():
    with double(services([])) as y, Client(y) as c:
        c.call(ENABLE)
        c.call(FLUSH)
        y.load(services([('198.51.100.8', 1)]))
        y.load(services([('198.51.100.8', 1), REAL]))
        equal((y.view()[KEY], y.applied()[KEY]), ((True, 10), (False, 0)))


def test_what_kills_the_control_plane_is_counted():
    head = ENABLE[:31]
    no_address = b'\x0a\x0b\x0a\x09balancer0'
    short_ipv6 = b'\x0a\x1b\x0a\x09balancer0\x12\x06\x12\x04abcd\x2a\x06\x08\x87\xc8\xcd\xb1\x0c'
    absurd = struct.pack('<Q', 1 << 40)
    directory = tempfile.mkdtemp(prefix='alived-yanet-')
    try:
        y = YanetDouble(directory, services()).start()
        for i, tail in enumerate((struct.pack('<Q', len(no_address)) + no_address,
                                  struct.pack('<Q', len(short_ipv6)) + short_ipv6, absurd)):
            with Client(y) as c:
                equal(c.call(head + tail), None)
            equal(y.deadly(), i + 1)
        equal(y.stop(), 3)
    finally:
        shutil.rmtree(directory)


def test_unknown_methods_and_bodies_close_the_connection():
    with double() as y:
        for data in (ENABLE.replace(b'\x0fBalancerService', b'\x0fBalancerServicf'), ENABLE[:31] + b'\x02' + bytes(7) + b'\x0a\x7f',
                     bytes(8), struct.pack('<Q', 2 << 20)):
            with Client(y) as c:
                equal(c.call(data), None)
        equal(y.counts()['refused_calls'], 4)


def test_misbehaviour_on_command():
    with double() as y:
        y.hang('RealFind')
        with Client(y) as hung, Client(y) as c:
            hung.s.settimeout(0.2)
            with contextlib.suppress(socket.timeout):
                hung.call(FIND)
                raise integ.Failed('it was answered')
            equal(c.call(ENABLE), b'')
        y.unhang()
        y.close_after(4)
        with Client(y) as c:
            equal(c.call(ENABLE), None)
        y.reply_vector(os.path.join(VECTORS, '93_bad_reply_short_ipv6.bin'))
        with Client(y) as c:
            equal(c.call(FIND), vector('93_bad_reply_short_ipv6')[8:])
        y.refuse()
        try:
            Client(y)
            raise integ.Failed('it listens')
        except ConnectionRefusedError:
            pass
        y.refuse(False)
        with Client(y) as c:
            equal(c.call(FLUSH), b'')
        equal([r['method'] for r in y.log() if 'rip' not in r][-1], 'RealFlush')
        equal([r['enabled'] for r in y.updates()], [True, True])


integ.main(globals())
