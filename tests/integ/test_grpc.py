#!/usr/bin/python3
"""GRPC_CHECK against gRPC's own server, in clear and over TLS, and against servers that mean harm."""
import contextlib, os, shutil, socket, ssl, struct, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from integ import Daemon, HttpReal, check, equal, service, wait_for

os.environ.setdefault("GRPC_VERBOSITY", "NONE") # what its servers think of us belongs in no TAP

try:
    import grpc
    import grpc_real
    from grpc_real import GrpcReal
except ImportError as e:
    print('1..0 # SKIP no gRPC for Python here: %s' % e)
    sys.exit(0)

IP = '127.0.1.1'
WORK = tempfile.mkdtemp(prefix='alived-grpc-')
CERT = grpc_real.make_certificate(WORK)


def grpc_service(extra='', timeout=1, ip=IP, **kw):
    text = 'GRPC_CHECK {\n  connect_ip %%(ip)s\n  connect_port %%(port)d\n  connect_timeout %g\n%s\n}' % (timeout, extra)
    return service('192.0.2.1', [(ip, 8080)], check=text, **kw)


def alive(d):
    return d.real(IP)['alive']


def down_code(d, detail=None):
    """The code of the first transition to down."""
    line = wait_for('down', lambda: d.events('real_down'))[0]
    if detail is not None:
        equal((line['code'], line['detail']), (line['code'], detail))
    return line['code']


def both_ways(state, text=''):
    """The server in clear and over TLS: yields each with a daemon that checks it."""
    for tls, off in ((None, 'tls off\n'), (CERT, '')):
        with GrpcReal(IP, tls=tls, **state) as real, Daemon(grpc_service(off + text)) as d:
            yield real, d


def test_serving_is_up_and_the_request_is_the_references():
    for real, d in both_ways({}, 'virtualhost my.Service'):
        wait_for('up', lambda: alive(d) == 1)
        name, metadata, _ = real.requests[0]
        equal(name, 'my.Service')
        equal(metadata['x-rs-alive'], '0', 'the first request')
        check('x-rs-weight' not in metadata, 'no weight without dynamic weight')
        check(metadata['user-agent'].startswith('monalive'), 'user agent %s', metadata['user-agent'])
        wait_for('told alive', lambda: real.requests[-1][1]['x-rs-alive'] == '1')
        equal(d.events('real_down'), [])


def test_without_virtualhost_the_whole_server_is_asked_for():
    for real, d in both_ways({}):
        wait_for('up', lambda: alive(d) == 1)
        equal(real.requests[0][0], '')


def test_ipv6_real_is_checked():
    text = service('2001:db8::1', [('::1', 8080)], check='GRPC_CHECK {\n  connect_ip %(ip)s\n  connect_port %(port)d\n}')
    with GrpcReal('::1', tls=CERT) as real, Daemon(text) as d:
        wait_for('up', lambda: d.real('::1')['alive'] == 1)


def test_two_hundred_checks_at_once_are_good():
    reals = [('127.0.2.%d' % i, 8080) for i in range(1, 201)]
    text = service('192.0.2.1', reals, delay=1, check='GRPC_CHECK {\n  connect_ip %(ip)s\n  connect_port %(port)d\n  connect_timeout 5\n}')
    with RawReal(once(ANSWER), tls=server_context(), ip='0.0.0.0') as real, Daemon(text) as d:
        wait_for('all up', lambda: all(r['alive'] for r in d.status()[0]['rs']), 20)
        before = rss_kib(d)
        n = real.accepted
        wait_for('five more rounds', lambda: real.accepted >= n + 1000, 30)
        equal(d.events('real_down'), [])
        if not integ.SANITIZED:
            check(rss_kib(d) - before < 16 << 10, 'grew from %d to %d KiB', before, rss_kib(d))


def test_not_serving_takes_down_and_serving_brings_up():
    for real, d in both_ways({}):
        wait_for('up', lambda: alive(d) == 1)
        real.status = grpc_real.NOT_SERVING
        equal(down_code(d), 'grpc_not_serving')
        equal(alive(d), 0)
        real.status = grpc_real.SERVING
        wait_for('up', lambda: alive(d) == 1)


def test_every_other_status_has_its_code():
    for status, code in ((grpc_real.UNKNOWN, 'grpc_unknown'), (grpc_real.SERVICE_UNKNOWN, 'grpc_service_unknown')):
        for real, d in both_ways({'status': status}):
            equal(down_code(d), code)


def test_grpc_status_is_told_with_its_number():
    for error in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.PERMISSION_DENIED):
        for real, d in both_ways({'error': error}):
            equal(down_code(d, error.value[0]), 'grpc_status')


def test_unknown_service_name_is_not_found():
    for real, d in both_ways({'known': ['', 'other']}, 'virtualhost my.Service'):
        equal(down_code(d, 5), 'grpc_status')


def test_server_without_health_service_is_unimplemented():
    for real, d in both_ways({'has_health': False}):
        equal(down_code(d, 12), 'grpc_status')


def test_slow_answer_ends_at_check_timeout():
    for real, d in both_ways({'delay': 3}, 'check_timeout 0.4'):
        line = wait_for('down', lambda: d.events('real_down'))[0]
        equal(line['code'], 'response_timeout')


def test_a24_check_works_without_any_timeout():
    text = service('192.0.2.1', [(IP, 8080)], check='GRPC_CHECK {\n  connect_ip %(ip)s\n  connect_port %(port)d\n}')
    with GrpcReal(IP, tls=CERT), Daemon(text) as d:
        wait_for('up', lambda: alive(d) == 1)


def test_server_that_stops_is_down_and_comes_back():
    for real, d in both_ways({}):
        wait_for('up', lambda: alive(d) == 1)
        real.stop()
        equal(down_code(d), 'refused')
        real.start()
        wait_for('up', lambda: alive(d) == 1)


def test_weight_is_the_header_metadata():
    for real, d in both_ways({'weight': ['40']}, 'dynamic_weight_enable'):
        wait_for('40', lambda: d.real(IP)['weight'] == 40)
        equal(real.requests[0][1]['x-rs-weight'], '1', 'the configured weight is told first')
        wait_for('told back', lambda: real.requests[-1][1]['x-rs-weight'] == '40')
        real.weight, real.trailing_weight = [], ['70']
        n = len(real.requests)
        wait_for('more checks', lambda: len(real.requests) > n + 2)
        equal(d.real(IP)['weight'], 40, 'none said, and trailers do not count')
        real.weight = ['50', '60']
        n = len(real.requests)
        wait_for('more checks', lambda: len(real.requests) > n + 2)
        equal(d.real(IP)['weight'], 40, 'two are none')


def test_weight_moves_by_the_coefficient():
    """The first one as it is said, then a fifth of what it was per check; the server is told each step."""
    text = 'dynamic_weight_enable\ndynamic_weight_coefficient 20\n'
    for real, d in both_ways({'weight': ['100']}, text):
        wait_for('100', lambda: d.real(IP)['weight'] == 100)
        n = len(real.requests)
        real.weight = ['50']
        wait_for('50', lambda: d.real(IP)['weight'] == 50)
        told = [int(r[1]['x-rs-weight']) for r in real.requests[n:]]
        steps = [w for i, w in enumerate(told) if i == 0 or w != told[i - 1]]
        equal([w for w in steps if 50 < w < 100][:2], [80, 64], 'steps of a fifth in %s' % steps)


def test_tls_check_of_a_clear_server_and_the_other_way_round_are_down():
    with GrpcReal(IP), Daemon(grpc_service('')) as d:
        check(down_code(d).startswith('tls_'), 'the fault is in TLS')
    with GrpcReal(IP, tls=CERT), Daemon(grpc_service('tls off')) as d:
        check(down_code(d) in ('h2_malformed', 'closed_early', 'reset'), 'code %s', down_code(d))


# --- servers that break off or mean harm ---------------------------------------------------------

DATA, HEADERS, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = 0, 1, 3, 4, 5, 6, 7, 8, 9
END_STREAM, END_HEADERS = 1, 4


def frame(kind, flags=0, stream=0, payload=b'', length=None):
    return struct.pack('>I', len(payload) if length is None else length)[1:] + bytes([kind, flags]) + struct.pack('>I', stream) + payload


def field(name, value):
    """A literal that is not indexed; lengths below 127."""
    return b'\0' + bytes([len(name)]) + name + bytes([len(value)]) + value


HEAD = frame(HEADERS, END_HEADERS, 1, b'\x88' + field(b'content-type', b'application/grpc'))
ANSWER = frame(SETTINGS) + HEAD + frame(DATA, 0, 1, b'\0\0\0\0\2\x08\1') + \
    frame(HEADERS, END_HEADERS | END_STREAM, 1, field(b'grpc-status', b'0'))


class RawReal(HttpReal):
    """Says what its script yields, as fast as it is taken; then reads until the client is gone.
    tls: an ssl.SSLContext."""

    def __init__(self, script, tls=None, linger=True, ip=IP):
        super().__init__(ip)
        self.script, self.tls, self.linger, self.said = script, tls, linger, 0

    def answer(self, c):
        with contextlib.suppress(OSError), c:
            c.settimeout(10)
            if self.tls:
                c = self.tls.wrap_socket(c, server_side=True)
            with c:
                c.recv(24)
                for piece in self.script():
                    c.sendall(piece)
                    self.said += len(piece)
                if not self.linger:
                    c.shutdown(socket.SHUT_WR) # with the request unread, a close would be a reset
                while c.recv(65536):
                    pass


def server_context(alpn=('h2',)):
    c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    c.load_cert_chain(os.path.join(WORK, 'cert.pem'), os.path.join(WORK, 'key.pem'))
    if alpn:
        c.set_alpn_protocols(list(alpn))
    return c


def forever(piece, before=b''):
    def script():
        yield frame(SETTINGS) + before
        while True:
            yield piece * (1 + 16384 // len(piece))
    return script


def once(*pieces, delay=0):
    def script():
        for piece in pieces:
            yield piece
            time.sleep(delay)
    return script


def rss_kib(d):
    with open('/proc/%d/status' % d.process.pid) as f:
        return int([l for l in f if l.startswith('VmRSS')][0].split()[1])


def ends_as(script, *codes, tls=None, linger=True, detail=None):
    """Ten checks of that server: each ends by check_timeout, bad, with one of these codes, and the
    daemon has not grown."""
    with RawReal(script, tls, linger) as real, Daemon(grpc_service(('' if tls else 'tls off\n') + 'check_timeout 0.5')) as d:
        line = wait_for('down', lambda: d.events('real_down'), 3)[0]
        check(line['code'] in codes, 'code %s, not %s', line['code'], codes)
        if detail is not None:
            equal(line['detail'], detail)
        before = rss_kib(d)
        n = real.accepted
        wait_for('more checks', lambda: real.accepted >= n + 8, 10)
        if not integ.SANITIZED:
            check(rss_kib(d) - before < 8 << 10, 'grew from %d to %d KiB', before, rss_kib(d))
        equal(alive(d), 0)
        return real.said


def test_the_plain_answer_by_hand_is_good():
    with RawReal(once(ANSWER)), Daemon(grpc_service('tls off')) as d:
        wait_for('up', lambda: alive(d) == 1)
    with RawReal(once(*[ANSWER[i:i + 1] for i in range(len(ANSWER))], delay=0.002)), Daemon(grpc_service('tls off')) as d:
        wait_for('up in pieces', lambda: alive(d) == 1)
    with RawReal(once(ANSWER), tls=server_context()), Daemon(grpc_service()) as d:
        wait_for('up over TLS', lambda: alive(d) == 1)


def test_tls_without_h2_is_told():
    ends_as(once(ANSWER), 'tls_alpn', tls=server_context(alpn=None))
    # Python's server refuses or ignores: either is the server's no
    ends_as(once(ANSWER), 'tls_alpn', 'tls_alert', tls=server_context(alpn=('http/1.1',)))


def test_a26_server_name_is_the_virtualhost_unless_switched_off():
    names = []
    context = server_context()
    context.sni_callback = lambda s, name, c: names.append(name)
    text = grpc_service('virtualhost www.example.org')
    with RawReal(once(ANSWER), tls=context):
        with Daemon(text) as d:
            wait_for('up', lambda: alive(d) == 1)
            equal(names[0], 'www.example.org')
        with Daemon(text, yaml='experiments:\n  enabled: true\n  enable_tls_sni: false\n') as d:
            wait_for('up', lambda: alive(d) == 1)
            equal(names[-1], None)


def test_close_in_the_midst_is_told():
    ends_as(once(frame(SETTINGS) + HEAD), 'closed_early', linger=False)
    ends_as(once(frame(SETTINGS) + HEAD), 'closed_early', linger=False, tls=server_context())


def test_reset_and_goaway_are_told_with_their_numbers():
    ends_as(once(frame(SETTINGS) + frame(RST_STREAM, 0, 1, struct.pack('>I', 7))), 'h2_reset', detail=7)
    ends_as(once(frame(SETTINGS) + frame(GOAWAY, 0, 0, struct.pack('>II', 0, 11))), 'h2_goaway', detail=11)
    ends_as(once(frame(SETTINGS) + frame(GOAWAY, 0, 0, struct.pack('>II', 1, 0))), 'h2_goaway', linger=False)


def test_http_status_is_told():
    ends_as(once(frame(SETTINGS) + frame(HEADERS, END_HEADERS | END_STREAM, 1, b'\x8e')), 'http_status', detail=500)


def test_http_1_answer_is_malformed():
    ends_as(once(b'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'), 'h2_malformed')


def test_silence_and_trickle_end_at_check_timeout():
    ends_as(once(), 'response_timeout')
    ends_as(once(*[ANSWER[i:i + 1] for i in range(len(ANSWER))], delay=0.05), 'response_timeout')


def test_floods_end_at_their_bounds():
    fields = field(b'x' * 10, b'y' * 100)
    floods = {
        'settings': forever(frame(SETTINGS)),
        'ping': forever(frame(PING, 0, 0, b'12345678')),
        'window': forever(frame(WINDOW_UPDATE, 0, 0, b'\0\0\0\1')),
        'empty data': forever(frame(DATA, 0, 1), HEAD),
        'unknown': forever(frame(0xbb)),
        'body': forever(frame(DATA, 0, 1, b'z' * 1000), HEAD),
        'continuation': forever(frame(CONTINUATION, 0, 1), frame(HEADERS, 0, 1, b'\x88')),
        'endless headers': forever(frame(CONTINUATION, 0, 1, fields), frame(HEADERS, 0, 1, b'\x88')),
    }
    for name, script in floods.items():
        for tls in (None, server_context()) if name in ('ping', 'body') else (None,):
            said = ends_as(script, 'h2_limit', 'h2_malformed', tls=tls)
            check(said > 0, name)


def test_huge_frame_and_wrong_stream_are_malformed():
    ends_as(forever(b'z' * 16384, frame(DATA, 0, 1, length=0xffffff)), 'h2_malformed', detail=6)
    ends_as(once(frame(SETTINGS) + frame(HEADERS, END_HEADERS | END_STREAM, 3, b'\x88')), 'h2_malformed')
    ends_as(once(frame(SETTINGS) + frame(HEADERS, END_HEADERS | END_STREAM, 2, b'\x88')), 'h2_malformed')


if __name__ == '__main__':
    try:
        integ.main(globals())
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
