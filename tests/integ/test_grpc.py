#!/usr/bin/python3
"""GRPC_CHECK against gRPC's own server, in clear and over TLS, and against servers that mean harm."""
import contextlib, os, shutil, socket, struct, sys, tempfile, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from integ import Daemon, check, equal, service, wait_for

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


def test_tls_check_of_a_clear_server_and_the_other_way_round_are_down():
    with GrpcReal(IP), Daemon(grpc_service('')) as d:
        check(down_code(d).startswith('tls_'), 'the fault is in TLS')
    with GrpcReal(IP, tls=CERT), Daemon(grpc_service('tls off')) as d:
        check(down_code(d) in ('h2_malformed', 'closed_early', 'reset'), 'code %s', down_code(d))


if __name__ == '__main__':
    try:
        integ.main(globals())
    finally:
        shutil.rmtree(WORK, ignore_errors=True)
