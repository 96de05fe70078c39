#!/usr/bin/python3
"""HTTP_GET and SSL_GET with all that they may ask for, over HTTP/1.1 and HTTP/2, against nginx, nghttpd
and servers by hand."""
import atexit, contextlib, hashlib, os, shutil, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ, tunlab
from integ import Daemon, HttpReal, check, equal, service, wait_for
from http_peers import (DATA, END_HEADERS, END_STREAM, GOAWAY, HEADERS, RST_STREAM, SETTINGS, STATUS_200, Nghttpd, Nginx, ScriptReal,
                        field, frame, make_certificate, once, server_context)

IP = '127.0.1.2'
PORT = 18280
WORK = tempfile.mkdtemp(prefix='alived-http-')
atexit.register(shutil.rmtree, WORK, ignore_errors=True)
os.chmod(WORK, 0o755)
make_certificate(WORK)
os.mkdir(os.path.join(WORK, 'www'))
BIG = os.urandom(1 << 16) * 48 # 3 MiB: many windows
for name, content in (('index.html', b'rs_weight=37\n'), ('big', BIG), ('state', b'{"state": "up"}\n')):
    with open(os.path.join(WORK, 'www', name), 'wb') as f:
        f.write(content)
CONF = '''
  root %s/www;
  location /health { add_header RS-Weight 23 always; return 200 "status: ok\\n"; }
  location /gone { return 503 "leaving\\n"; }
  location /none { return 204; }
''' % WORK


def http(extra='', port=PORT, tls=False, urls=(), timeout=1, **kw):
    """A service with one check of IP:port; urls: what stands in each url {}, one path by default."""
    kind = 'SSL_GET' if tls else 'HTTP_GET'
    blocks = ''.join('  url {\n    %s\n  }\n' % u.replace('; ', '\n    ') for u in urls or ['path /'])
    text = kind + ' {\n  connect_ip %%(ip)s\n  connect_port %d\n  connect_timeout %g\n%s\n%s}' % (port, timeout, extra, blocks)
    return service('192.0.2.1', [(IP, port)], check=text.replace('%', '%%').replace('%%(ip)s', '%(ip)s'), **kw)


def alive(d):
    return d.real(IP)['alive']


def is_up(d):
    wait_for('up', lambda: alive(d) == 1)


def down(d, code, detail=None, **more):
    line = wait_for('down', lambda: d.events('real_down'))[-1]
    equal(line['code'], code, 'code')
    if detail is not None:
        equal(line['detail'], detail, 'detail')
    for key, value in more.items():
        equal(line.get(key), value, key)
    return line


def listed(d):
    return d.get('/v1/reals')['reals'][0]


def refused(text):
    """The configuration is an error."""
    d = Daemon(text, args=['-t'])
    d.start(wait=False)
    return d.wait() == 1


# --- HTTP/2 --------------------------------------------------------------------------------------

H2_SERVERS = [
    (lambda: Nginx(WORK, IP, PORT, CONF, tls=True), 'http_protocol 2\n', True),
    (lambda: Nginx(WORK, IP, PORT, CONF, tls=True), 'http_protocol auto\n', True),
    (lambda: Nginx(WORK, IP, PORT, CONF), 'http_protocol 2\n', False),
    (lambda: Nghttpd(WORK, IP, PORT, tls=True), 'http_protocol 2\n', True),
    (lambda: Nghttpd(WORK, IP, PORT), 'http_protocol 2\n', False),
]


def test_h2_of_real_servers_is_good():
    for server, extra, tls in H2_SERVERS:
        with server(), Daemon(http(extra, tls=tls, urls=['path /; status_code 200'])) as d:
            is_up(d)
            equal(d.events('real_down'), [])


def test_h2_is_what_is_spoken():
    with Nginx(WORK, IP, PORT, CONF, tls=True) as nginx:
        with Daemon(http('http_protocol 2', tls=True)) as d:
            is_up(d)
        with Daemon(http('http_protocol 1.1', tls=True)) as d:
            is_up(d)
        text = '\n'.join(nginx.accesses())
        check('"GET / HTTP/2.0" 200' in text, 'HTTP/2 in %s', text)
        check('"GET / HTTP/1.1" 200' in text, 'HTTP/1.1 in %s', text)
        check('"monalive"' in text, 'user agent in %s', text)


def test_h2_status_body_digest_and_weight_are_judged():
    digest = hashlib.md5(BIG).hexdigest()
    for server, extra, tls in H2_SERVERS:
        with server():
            with Daemon(http(extra, tls=tls, urls=['path /absent; status_code 200'])) as d:
                down(d, 'http_status', 404)
            with Daemon(http(extra, tls=tls, urls=['path /big; digest %s' % digest], timeout=5)) as d:
                is_up(d)
            with Daemon(http(extra, tls=tls, urls=['path /state; digest %s' % digest])) as d:
                down(d, 'body_digest')
            with Daemon(http(extra + 'max_body_size 1m', tls=tls, urls=['path /big'], timeout=5)) as d:
                down(d, 'body_size', 1 << 20)
            with Daemon(http(extra, tls=tls, urls=[r'path /state; expect_body "\"state\": *\"up\""'])) as d:
                is_up(d)
            with Daemon(http(extra, tls=tls, urls=[r'path /state; expect_body down'])) as d:
                down(d, 'body_expect')
            with Daemon(http(extra + 'dynamic_weight_enable', tls=tls)) as d:
                wait_for('37', lambda: d.real(IP)['weight'] == 37)


def test_h2_header_weight_drain_head_and_204():
    for extra, tls in (('http_protocol 2\n', True), ('http_protocol 2\n', False)):
        with Nginx(WORK, IP, PORT, CONF, tls=tls):
            with Daemon(http(extra + 'dynamic_weight_enable\ndynamic_weight_in_header', tls=tls, urls=['path /health'])) as d:
                wait_for('23', lambda: d.real(IP)['weight'] == 23)
            with Daemon(http(extra + 'drain_status 503', tls=tls, urls=['path /gone; status_code 200'])) as d:
                wait_for('drained', lambda: listed(d)['reason'] == 'drained_by_answer')
            with Daemon(http(extra + 'method HEAD', tls=tls, urls=['path /big; status_code 200'])) as d:
                is_up(d)
            with Daemon(http(extra, tls=tls, urls=['path /none; status_code 204'])) as d:
                is_up(d)


def test_h2_that_the_server_does_not_choose():
    with Nginx(WORK, IP, PORT, CONF, tls=True, h2=False):
        with Daemon(http('http_protocol 2', tls=True)) as d:
            line = wait_for('down', lambda: d.events('real_down'))[0]
            check(line['code'] in ('tls_alpn', 'tls_alert'), 'code %s', line['code'])
        with Daemon(http('http_protocol auto', tls=True)) as d:
            is_up(d) # over HTTP/1.1
    with ScriptReal(IP, PORT, once(), tls=server_context(WORK)), Daemon(http('http_protocol 2', tls=True)) as d:
        down(d, 'tls_alpn')


def test_h2_ends_have_their_codes():
    head = frame(SETTINGS) + frame(HEADERS, END_HEADERS, 1, STATUS_200)
    rows = [
        (once(frame(SETTINGS) + frame(RST_STREAM, 0, 1, b'\0\0\0\7')), True, 'h2_reset', 7),
        (once(frame(SETTINGS) + frame(GOAWAY, 0, 0, b'\0\0\0\0\0\0\0\x0b')), True, 'h2_goaway', 11),
        (once(frame(SETTINGS) + frame(GOAWAY, 0, 0, b'\0\0\0\1\0\0\0\0')), False, 'h2_goaway', 0),
        (once(head + frame(DATA, 0, 1, b'abc')), False, 'body_closed', 3),
        (once(head + frame(DATA, 0, 1, b'abc')), True, 'body_timeout', 3),
        (once(head), False, 'body_closed', 0),
        (once(frame(SETTINGS)), False, 'closed_early', None),
        (once(frame(SETTINGS)), True, 'response_timeout', None),
        (once(b'HTTP/1.1 200 OK\r\n\r\n'), True, 'h2_malformed', None),
    ]
    for script, linger, code, detail in rows:
        with ScriptReal(IP, PORT, script, linger=linger), Daemon(http('http_protocol 2\ncheck_timeout 0.4')) as d:
            down(d, code, detail)


def test_h2_interim_trailers_and_late_reset_are_fine():
    answer = frame(SETTINGS) + frame(HEADERS, END_HEADERS, 1, b'\x08\x03103') + frame(HEADERS, END_HEADERS, 1, STATUS_200) + \
        frame(DATA, 0, 1, b'ok') + frame(HEADERS, END_HEADERS | END_STREAM, 1, field(b'x', b'y')) + frame(RST_STREAM, 0, 1, b'\0\0\0\0')
    for tls in (None, server_context(WORK, ['h2'])):
        with ScriptReal(IP, PORT, once(answer), tls=tls), Daemon(http('http_protocol 2', tls=bool(tls), urls=['path /; expect_body ^ok$'])) as d:
            is_up(d)
            equal(d.events('real_down'), [])


# --- requests ------------------------------------------------------------------------------------

def test_method_and_headers_are_sent_as_written():
    with HttpReal(IP, PORT) as real:
        with Daemon(http('method OPTIONS\nheader X-Token "a b"\nheader user-agent "mine/1.0"', urls=['path /x; virtualhost v.example'])) as d:
            is_up(d)
        equal(real.requests[0][1], 'OPTIONS /x HTTP/1.1\r\nHost: v.example\r\nConnection: close\r\nX-Token: a b\r\n'
                                   'user-agent: mine/1.0\r\n\r\n')
        real.requests.clear()
        with Daemon(http('method POST')) as d:
            is_up(d)
        check('\r\nContent-Length: 0\r\n' in real.requests[0][1], 'request %s', real.requests[0][1])


def test_headers_reach_an_h2_server_in_lower_case():
    conf = CONF + 'location /h { if ($http_x_token != "a b") { return 403; } if ($http_user_agent != "mine") { return 402; } return 200 "h"; }'
    with Nginx(WORK, IP, PORT, conf, tls=True):
        with Daemon(http('http_protocol 2\nheader X-Token "a b"\nheader User-Agent mine', tls=True, urls=['path /h; status_code 200'])) as d:
            is_up(d)
        with Daemon(http('http_protocol 2\nheader User-Agent mine', tls=True, urls=['path /h; status_code 200'])) as d:
            down(d, 'http_status', 403)


def test_head_needs_no_body():
    with HttpReal(IP, PORT, body=b'', headers={}) as real, Daemon(http('method HEAD', urls=['path /; status_code 200'])) as d:
        is_up(d)
        check(real.requests[0][1].startswith('HEAD / HTTP/1.1\r\n'), 'request %s', real.requests[0][1])


# --- answers -------------------------------------------------------------------------------------

def test_status_lists_and_ranges():
    with HttpReal(IP, PORT) as real, Daemon(http(urls=['path /; status_code 200-299 301'])) as d:
        for status, good in ((200, True), (302, False), (301, True), (300, False), (299, True)):
            real.status = status
            wait_for('%d' % status, lambda: alive(d) == good)
        equal([l['detail'] for l in d.events('real_down')], [302, 300])


def test_expect_body_of_text_binary_and_broken_utf8():
    with HttpReal(IP, PORT, body=b'all is well\n') as real:
        with Daemon(http(urls=['path /; expect_body "^all is (well|fine)$"'])) as d:
            is_up(d)
            real.body = b'all is lost\n'
            down(d, 'body_expect')
            real.body = b'all is fine'
            is_up(d)
            for body in (b'', bytes(range(256)) * 64, b'\xff\xfe\xc3'):
                real.body = body
                n = len(real.requests)
                wait_for('asked', lambda: len(real.requests) > n + 2)
                equal(alive(d), 0)
            real.body = b'\xff\0all is well'
            n = len(real.requests)
            wait_for('asked', lambda: len(real.requests) > n + 2)
            equal(alive(d), 0, 'anchored')
        real.body = 'grün\n'.encode() + b'\xff\xfe' + 'schön'.encode()
        with Daemon(http(urls=['path /; expect_body sch(ö|oe)n'])) as d:
            is_up(d)


def test_a_pattern_without_end_is_unknown_and_stalls_nobody():
    with HttpReal(IP, PORT, body=b'a' * ((1 << 20) - 1)) as real, HttpReal('127.0.1.3', PORT) as other:
        text = http(urls=['path /; expect_body "(a+)+[bc]$"'], timeout=3) + \
            service('192.0.2.2', [('127.0.1.3', PORT)], delay=0.05).replace('connect_timeout 1', 'connect_timeout 0.5')
        with Daemon(text, yaml='workers: {count: 1}\n') as d:
            wait_for('unknown', lambda: listed(d)['checks'][0]['last'] and listed(d)['checks'][0]['last']['code'] == 'expect_limit', 10)
            equal(listed(d)['state'], 'undecided')
            n = other.accepted
            time.sleep(2)
            if not integ.SANITIZED:
                check(other.accepted - n >= 25, 'the other check ran %d times in 2 s', other.accepted - n)
            equal(d.events('real_down'), [])
            real.body = b'bbb'
            down(d, 'body_expect')


def test_max_body_size_and_max_response_time():
    with HttpReal(IP, PORT, body=b'x' * 2000) as real:
        with Daemon(http('max_body_size 1k')) as d:
            down(d, 'body_size', 1024)
            real.body = b'x' * 1024
            is_up(d)
        with Daemon(http('max_response_time 0.3', timeout=3)) as d:
            is_up(d)
            real.delay = 0.5
            line = down(d, 'response_slow')
            check(500 <= line['detail'] < 3000 * integ.SLOW, 'took %s ms', line['detail'])
            real.delay = 0
            is_up(d)


# --- several urls --------------------------------------------------------------------------------

def test_every_url_is_asked_in_each_round():
    urls = ['path /a; status_code 200', 'path /b; status_code 200; virtualhost b.example', 'path /c']
    for tls, extra in ((False, ''), (True, ''), (True, 'http_protocol 2\n')):
        with Nginx(WORK, IP, PORT, 'location / { return 200 "x"; }', tls=tls) if tls else HttpReal(IP, PORT) as real:
            with Daemon(http(extra, urls=urls, tls=tls)) as d:
                is_up(d)
                time.sleep(0.5)
                equal(d.events('real_down'), [])
            if not tls:
                asked = [r.split()[1] for _, r in real.requests]
                check(len(asked) >= 6, 'asked %s', asked)
                equal(asked[:6], ['/a', '/b', '/c'] * 2)
                check('Host: b.example' in real.requests[1][1], 'virtualhost of the second')
            else:
                lines = [l.split('"')[1] for l in real.accesses()[-30:] if 'GET /' in l and 'GET / ' not in l]
                check(any('/c' in l for l in lines), 'asked %s', lines)


def test_the_url_that_failed_is_named():
    conf = 'location /a { return 200 "x"; } location /b { return 500; }'
    with Nginx(WORK, IP, PORT, conf, h2=False), Daemon(http(urls=['path /a; status_code 200', 'path /b; status_code 200', 'path /c'])) as d:
        down(d, 'http_status', 500, url='/b')
        last = listed(d)['checks'][0]['last']
        equal((last['code'], last['url']), ('http_status', '/b'))
        status, out, _ = d.ctl('reals')
        check('of /b' in out, 'alivectl says %s', out)


def test_check_timeout_bounds_all_urls():
    with HttpReal(IP, PORT, delay=0.3), Daemon(http('check_timeout 0.8', urls=['path /%d' % i for i in range(4)])) as d:
        line = down(d, 'response_timeout', url='/2')
        check(line['took_us'] < 1200000 * integ.SLOW, 'took %s us', line['took_us'])


def test_sockets_are_given_back_between_urls():
    with HttpReal(IP, PORT) as real, Daemon(http(urls=['path /%d' % i for i in range(16)], delay=0.1)) as d:
        is_up(d)
        before = d.fds()
        n = real.accepted
        wait_for('a hundred more', lambda: real.accepted > n + 100, 20)
        check(d.fds() <= before + 1, 'from %d to %d descriptors', before, d.fds())


def test_each_url_goes_through_the_tunnel():
    if tunlab.missing():
        print('# SKIP %s' % tunlab.missing())
        return
    text = tunlab.service(tunlab.VIP4, [tunlab.REAL4], kind='HTTP_GET', check_extra='url {\npath /first\nstatus_code 200\n}')
    with tunlab.Lab() as lab:
        real = lab.http(tunlab.VIP4)
        with lab.daemon(text) as d:
            wait_for('up', lambda: d.real(tunlab.REAL4)['alive'] == 1, 10)
            wait_for('three rounds', lambda: len(real.requests) >= 6)
            equal([r.split()[1] for _, r in real.requests[:4]], ['/first', '/', '/first', '/'])
            real.status = 404
            line = wait_for('down', lambda: d.events('real_down'))[0]
            equal((line['code'], line['url']), ('http_status', '/first'))
            lab.check_guard()


# --- drain ---------------------------------------------------------------------------------------

def test_drain_status_takes_the_weight_and_gives_it_back():
    with HttpReal(IP, PORT) as real, Daemon(http('drain_status 503', urls=['path /; status_code 200'], real_extra='weight 7')) as d:
        is_up(d)
        equal(d.real(IP)['weight'], 7)
        real.status = 503
        wait_for('drained', lambda: listed(d)['wanted_weight'] == 0)
        row = listed(d)
        equal((row['state'], row['enabled'], row['reason']), ('up', True, 'drained_by_answer'))
        equal((row['checks'][0]['drained'], row['checks'][0]['last']['text']), (True, 'status 503'))
        equal(d.real(IP)['alive'], 1)
        equal(d.get('/v1/services')['services'][0]['weight'], 0)
        equal(wait_for('the log line', lambda: d.events('real_drained'))[0]['status'], 503)
        status, out, _ = d.ctl('reals')
        check('drained_by_answer' in out, 'alivectl says %s', out)
        real.status = 200
        wait_for('back', lambda: listed(d)['wanted_weight'] == 7)
        wait_for('the log line', lambda: len(d.events('real_drain_over')) == 1)
        equal(d.events('real_down'), [])


def test_drain_leaves_the_dynamic_weight_alone():
    with HttpReal(IP, PORT, body=b'rs_weight=60\n') as real:
        with Daemon(http('dynamic_weight_enable\ndrain_status 202', urls=['path /; status_code 200'])) as d:
            wait_for('60', lambda: d.real(IP)['weight'] == 60)
            real.status, real.body = 202, b'rs_weight=5\n'
            wait_for('drained', lambda: listed(d)['wanted_weight'] == 0)
            real.status, real.body = 200, b'no weight'
            wait_for('as before', lambda: listed(d)['wanted_weight'] == 60)


if __name__ == '__main__':
    integ.main(globals())
