#!/usr/bin/python3
"""HTTPS checks against real TLS servers (nginx, openssl s_server): versions, verification, client
certificates, sessions, expiry, files replaced under a running daemon; and against servers that mean no good."""
import contextlib, glob, os, re, socket, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from integ import SLOW, Daemon, check, equal, service, wait_for

IP = '127.0.8.1'
VIP = '192.0.2.8'
QUIET = dict(stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
NGINX = '''
daemon off; master_process off; pid %(dir)s/nginx.pid; error_log %(dir)s/nginx.log;
events { worker_connections 512; }
http {
  client_body_temp_path %(dir)s; proxy_temp_path %(dir)s; fastcgi_temp_path %(dir)s; uwsgi_temp_path %(dir)s; scgi_temp_path %(dir)s;
  log_format t '$server_port $msec $ssl_protocol $ssl_cipher reused=$ssl_session_reused sni=$ssl_server_name client=$ssl_client_verify $ssl_client_s_dn';
  access_log %(dir)s/access.log t;
  ssl_session_cache shared:s:1m;
  %(servers)s
}
'''
SERVER = '''
  server {
    listen %(ip)s:%(port)d ssl; ssl_certificate %(dir)s/%(cert)s.pem; ssl_certificate_key %(dir)s/%(cert)s.key;
    ssl_protocols %(protocols)s; %(extra)s
    location / { return 200 "ok\\n"; }
  }
'''


# --- certificates ---

def openssl(*args, text=''):
    r = subprocess.run(['openssl'] + list(args), input=text, capture_output=True, text=True)
    check(r.returncode == 0, 'openssl %s: %s', args[0], r.stderr)


def make_ca(d, name):
    openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '3', '-subj', '/CN=' + name,
            '-keyout', '%s/%s.key' % (d, name), '-out', '%s/%s.pem' % (d, name))


def make_cert(d, name, ca=None, san='DNS:www.example.org', days=2):
    """name.pem and name.key; ca None: signs itself. days < 0: has expired."""
    key, out = '%s/%s.key' % (d, name), '%s/%s.pem' % (d, name)
    with open('%s/%s.ext' % (d, name), 'w') as f:
        f.write('subjectAltName=%s\n' % san)
    openssl('req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=' + name, '-keyout', key + '.new',
            '-out', '%s/%s.csr' % (d, name))
    signer = ['-CA', '%s/%s.pem' % (d, ca), '-CAkey', '%s/%s.key' % (d, ca), '-CAcreateserial'] if ca else ['-signkey', key + '.new']
    openssl('x509', '-req', '-in', '%s/%s.csr' % (d, name), '-days', str(days), '-extfile', '%s/%s.ext' % (d, name), '-out', out + '.new', *signer)
    os.rename(key + '.new', key)
    os.rename(out + '.new', out)


def write(path, text):
    with open(path + '.new', 'w') as f:
        f.write(text)
    os.rename(path + '.new', path)


def read(*paths):
    return ''.join(open(p).read() for p in paths)


# --- servers ---

def is_listening(port, ip=IP):
    with socket.socket() as s:
        s.settimeout(1)
        return s.connect_ex((ip, port)) == 0


@contextlib.contextmanager
def process(args, port, **kw):
    p = subprocess.Popen(args, **dict(QUIET, **kw))
    try:
        wait_for('%s on %d' % (args[0], port), lambda: is_listening(port) or p.poll() is not None)
        check(p.poll() is None, '%s ended', args)
        yield p
    finally:
        p.kill()
        p.wait()


class Nginx:
    """One nginx with a server per entry: (port, cert, protocols, extra)."""

    def __init__(self, d, servers):
        self.dir, self.servers, self.p = d, servers, None

    def start(self):
        parts = [SERVER % dict(ip=IP, dir=self.dir, port=port, cert=cert, protocols=protocols, extra=extra.replace('$DIR', self.dir))
                 for port, cert, protocols, extra in self.servers]
        write(self.dir + '/nginx.conf', NGINX % dict(dir=self.dir, servers=''.join(parts)))
        self.p = subprocess.Popen(['nginx', '-p', self.dir, '-c', self.dir + '/nginx.conf'], **QUIET)
        wait_for('nginx', lambda: is_listening(self.servers[0][0]))

    def stop(self):
        if self.p:
            self.p.kill()
            self.p.wait()
            self.p = None

    def restart(self):
        self.stop()
        self.start()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *failure):
        self.stop()

    def log(self, port=None):
        with contextlib.suppress(FileNotFoundError):
            lines = open(self.dir + '/access.log').read().splitlines()
            return [l for l in lines if port is None or l.startswith('%d ' % port)]
        return []


def https(extra='', timeout=1, url=''):
    return ('SSL_GET {\n  url {\n    path /\n    status_code 200\n%s  }\n  connect_ip %%(ip)s\n  connect_port %%(port)d\n'
            '  connect_timeout %g\n  check_timeout %g\n%s\n}' % (url, timeout, timeout, extra))


def one_each(cases, delay=0.2, retry=0):
    """cases: (port, lines of the check). A service per case, its VIP port counting from 1."""
    return ''.join(service(VIP, [(IP, port)], check=https(extra), port=i + 1, delay=delay, retry=retry)
                   for i, (port, extra) in enumerate(cases))


def last(d, i):
    """The check of the i-th service as /v1/reals tells it."""
    return d.get('/v1/reals?vs=tcp/%s:%d' % (VIP, i + 1))['reals'][0]['checks'][0]


def settled(d, n):
    return wait_for('first verdicts', lambda: (lambda s: s['reals']['undecided'] == 0 and s['reals']['up'] + s['reals']['down'] == n)(d.summary()), 10)


def expect(d, i, code, text=''):
    got = last(d, i)['last']
    equal((got['code'], got['text']), (code, text), 'service %d' % (i + 1))


# --- tests ---

def test_versions_from_and_to_against_s_server():
    names = ['1.0', '1.1', '1.2', '1.3']
    flags = ['-tls1', '-tls1_1', '-tls1_2', '-tls1_3']
    pairs = [(lo, hi) for lo in range(4) for hi in range(lo, 4)]
    cases = [(18601 + v, lo, hi) for v in range(4) for lo, hi in pairs]
    d = Daemon(one_each([(port, '  tls_min_version %s\n  tls_max_version %s' % (names[lo], names[hi])) for port, lo, hi in cases], delay=2))
    make_cert(d.dir, 'leaf')
    with contextlib.ExitStack() as stack:
        for v in range(4):
            stack.enter_context(process(['openssl', 's_server', '-accept', '%s:%d' % (IP, 18601 + v), '-cert', d.path('leaf.pem'), '-key',
                                         d.path('leaf.key'), flags[v], '-cipher', 'DEFAULT:@SECLEVEL=0', '-www'], 18601 + v))
        stack.enter_context(d)
        settled(d, len(cases))
        for i, (port, lo, hi) in enumerate(cases):
            v, c = port - 18601, last(d, i)
            equal(c['state'], 'up' if lo <= v <= hi else 'down', 'TLS %s with %s to %s: %s' % (names[v], names[lo], names[hi], c['last']))
            if c['state'] == 'up':
                equal(c['tls']['version'], 'TLSv' + names[v])
            else:
                check(c['last']['code'] in ('tls_alert', 'tls_protocol'), '%s', c['last'])
                check(c['last']['text'] in ('protocol_version', 'unsupported protocol'), '%s', c['last'])


def test_verification_by_nginx_with_every_kind_of_certificate():
    d = Daemon('')
    for ca in ('ca', 'other'):
        make_ca(d.dir, ca)
    make_cert(d.dir, 'good', 'ca', san='DNS:www.example.org,IP:' + IP)
    make_cert(d.dir, 'expired', 'ca', days=-1)
    make_cert(d.dir, 'named', 'ca', san='DNS:named.example.org')
    make_cert(d.dir, 'own')
    make_cert(d.dir, 'foreign', 'other')
    certs = ['good', 'expired', 'named', 'own', 'foreign']
    servers = [(18610 + i, c, 'TLSv1.2 TLSv1.3', '') for i, c in enumerate(certs)]
    ca, www = '  verify on\n  ca_file $DIR/ca.pem', '\n  virtualhost www.example.org'
    cases = [ # port, lines, code, words
        (18610, ca + www, 'ok', ''),
        (18610, ca, 'ok', ''), # no name: the address
        (18610, ca + '\n  sni www.example.org', 'ok', ''),
        (18610, ca + www + '\n  verify_name ' + IP, 'ok', ''),
        (18610, ca + www + '\n  sni off', 'ok', ''),
        (18610, ca + '\n  virtualhost other.example.org', 'tls_verify', 'hostname mismatch'),
        (18610, ca + '\n  virtualhost 127.0.8.2', 'tls_verify', 'IP address mismatch'),
        (18611, ca + www, 'tls_verify', 'certificate has expired'),
        (18611, '  verify off' + www, 'ok', ''),
        (18612, ca + www, 'tls_verify', 'hostname mismatch'),
        (18612, ca + www + '\n  verify_name named.example.org', 'ok', ''),
        (18612, '  verify off' + www, 'ok', ''),
        (18613, ca + www, 'tls_verify', 'self-signed certificate'),
        (18613, '  verify on\n  ca_file $DIR/own.pem' + www, 'ok', ''),
        (18613, '  verify off', 'ok', ''),
        (18614, ca + www, 'tls_verify', 'unable to get local issuer certificate'),
        (18614, '  verify on' + www, 'tls_verify', 'unable to get local issuer certificate'), # the system's store
        (18614, '', 'ok', ''),
    ]
    d.write_services(one_each([c[:2] for c in cases]))
    with Nginx(d.dir, servers), d:
        settled(d, len(cases))
        for i, (port, lines, code, words) in enumerate(cases):
            expect(d, i, code, words)
            equal(last(d, i)['last']['layer'], 'local' if code == 'ok' else 'tls')
            equal(last(d, i)['state'], 'up' if code == 'ok' else 'down')
        line = [e for e in d.events('real_down') if e['code'] == 'tls_verify']
        check({e['text'] for e in line} == {c[3] for c in cases if c[3]}, 'the log says why: %s', line)
        rows = d.ctl('reals')[1]
        check('tls_verify certificate has expired' in rows, '%s', rows)
        names = {l.split('sni=')[1].split()[0] for l in open(d.path('access.log')) if l.startswith('18610 ')}
        equal(names, {'www.example.org', '-'})


def test_client_certificate_required_by_nginx():
    d = Daemon('')
    for ca in ('ca', 'other'):
        make_ca(d.dir, ca)
    make_cert(d.dir, 'leaf', 'ca')
    make_cert(d.dir, 'right', 'ca')
    make_cert(d.dir, 'wrong', 'other')
    write(d.path('both.pem'), read(d.path('right.pem'), d.path('right.key')))
    # nginx answers 400 by itself where TLS alone would have let it pass
    servers = [(18620 + i, 'leaf', p, 'ssl_verify_client on; ssl_client_certificate $DIR/ca.pem;') for i, p in enumerate(['TLSv1.2', 'TLSv1.3'])]
    strict = [(18622 + i, ['-tls1_2', '-tls1_3'][i]) for i in range(2)]
    ways = ['', '  cert_file $DIR/wrong.pem\n  key_file $DIR/wrong.key', '  cert_file $DIR/right.pem\n  key_file $DIR/right.key',
            '  cert_file $DIR/both.pem']
    cases = [(port, way) for port in range(18620, 18624) for way in ways]
    d.write_services(one_each(cases, delay=0.5))
    with contextlib.ExitStack() as stack:
        nginx = stack.enter_context(Nginx(d.dir, servers))
        for port, flag in strict:
            stack.enter_context(process(['openssl', 's_server', '-accept', '%s:%d' % (IP, port), '-cert', d.path('leaf.pem'), '-key',
                                         d.path('leaf.key'), '-CAfile', d.path('ca.pem'), '-Verify', '3', '-verify_return_error', flag, '-www'], port))
        stack.enter_context(d)
        settled(d, len(cases))
        for i, (port, way) in enumerate(cases):
            c = last(d, i)
            is_good = 'right' in way or 'both' in way
            equal(c['state'], 'up' if is_good else 'down', '%d %s: %s' % (port, way, c['last']))
            if is_good:
                continue
            if port < 18622:
                equal((c['last']['code'], c['last']['text']), ('http_status', 'status 400'))
            else:
                alerts = {'': ('certificate_required' if port == 18623 else 'handshake_failure',)}
                equal(c['last']['code'], 'tls_alert')
                check(c['last']['text'] in alerts.get(way, ('unknown_ca', 'decrypt_error', 'bad_certificate')), '%s', c['last'])
        check(any('client=SUCCESS CN=right' in l for l in nginx.log()), 'nginx saw our name')


def test_sessions_are_resumed_by_nginx_and_s_server():
    d = Daemon('')
    make_cert(d.dir, 'leaf')
    servers = [(18630 + i, 'leaf', p, x) for i, (p, x) in enumerate([('TLSv1.2', ''), ('TLSv1.3', ''), ('TLSv1.2', 'ssl_session_tickets off;')])]
    reuse = ['off', 'on', 'auto']
    cases = [(port, '  session_reuse ' + r) for port, _, _, _ in servers for r in reuse]
    d.write_services(one_each(cases, delay=0.1))
    # one server for each way, or the log could not tell them apart
    servers = [(18630 + i, 'leaf', servers[i // 3][2], servers[i // 3][3]) for i in range(9)]
    d.write_services(one_each([(18630 + i, '  session_reuse ' + reuse[i % 3]) for i in range(9)], delay=0.1))
    with Nginx(d.dir, servers) as nginx, d:
        wait_for('31 checks each', lambda: all(len(nginx.log(s[0])) >= 31 for s in servers), 20)
        for i, s in enumerate(servers):
            seen = ['reused=r' in l for l in nginx.log(s[0])][:31]
            want = {'off': [False] * 31, 'on': [False] + [True] * 30, 'auto': [n % 10 != 0 for n in range(31)]}[reuse[i % 3]]
            equal(seen, want, 'TLS %s, %s' % (s[2], reuse[i % 3]))
        equal(d.events('real_down'), [])
        told = {i: last(d, i)['tls'] for i in range(9)}
        check(not told[0]['resumed'] and told[1]['resumed'], '%s', told)
        check(all(t['cert_expiry'] for t in told.values()), 'a resumed one knows its certificate')
        counters = d.summary()['counters']
        check(counters['tls_resumed'] >= 3 * (30 + 27) and counters['tls_handshakes'] >= 3 * (31 + 1 + 4), '%s', counters)
    d = Daemon(one_each([(18640, '  session_reuse on'), (18641, '  session_reuse on')], delay=0.2))
    make_cert(d.dir, 'leaf')
    with contextlib.ExitStack() as stack:
        for port, flag in ((18640, '-tls1_2'), (18641, '-tls1_3')):
            stack.enter_context(process(['openssl', 's_server', '-accept', '%s:%d' % (IP, port), '-cert', d.path('leaf.pem'), '-key',
                                         d.path('leaf.key'), flag, '-www'], port))
        stack.enter_context(d)
        for i in range(2):
            wait_for('resumed by s_server', lambda: (last(d, i)['tls'] or {}).get('resumed') and last(d, i)['state'] == 'up')


def test_session_dies_with_the_server_and_the_check_goes_on():
    d = Daemon('')
    make_cert(d.dir, 'leaf')
    d.write_services(one_each([(18650, '  session_reuse on')], delay=0.1, retry=3))
    with Nginx(d.dir, [(18650, 'leaf', 'TLSv1.3', '')]) as nginx, d:
        wait_for('resumed', lambda: (last(d, 0)['tls'] or {}).get('resumed'))
        make_cert(d.dir, 'leaf', days=20)
        nginx.restart() # it knows none of its tickets any more
        wait_for('the new certificate', lambda: days_left(last(d, 0)['tls']) > 10)
        wait_for('resumed again', lambda: last(d, 0)['tls']['resumed'])
        equal(d.events('real_down'), [])


def days_left(tls):
    import calendar
    return (calendar.timegm(time.strptime(tls['cert_expiry'], '%Y-%m-%dT%H:%M:%SZ')) - time.time()) / 86400


def test_certificate_that_ends_soon_is_a_warning_and_no_verdict():
    d = Daemon('', yaml='metrics: {enable_per_service_metrics: true}\n')
    make_cert(d.dir, 'leaf', days=5)
    d.write_services(one_each([(18660, '  expire_warn 10'), (18660, '  expire_warn 3'), (18660, '')]))
    with Nginx(d.dir, [(18660, 'leaf', 'TLSv1.2 TLSv1.3', '')]) as nginx, d:
        settled(d, 3)
        wait_for('the warning', lambda: d.events('certificate_expires'))
        wait_for('one warning', lambda: d.summary()['certs_expiring'] == 1)
        time.sleep(1)
        lines = d.events('certificate_expires')
        equal(len(lines), 1, 'once')
        equal((lines[0]['level'], lines[0]['service']), ('warn', 'tcp/%s:1' % VIP))
        check(lines[0]['days_left'] in (4, 5), '%s', lines)
        equal([last(d, i)['tls']['cert_expires_soon'] for i in range(3)], [True, False, False])
        equal([last(d, i)['state'] for i in range(3)], ['up'] * 3)
        check('certificate ends in 4 d' in d.ctl('reals')[1], '%s', d.ctl('reals')[1])
        check('1 with a certificate that ends soon' in d.ctl('status')[1], '%s', d.ctl('status')[1])
        check('\nalived_tls_certs_expiring 1\n' in d.request('GET', '/metrics')[1], 'gauge')
        per_service = d.request('GET', '/v1/metrics/per_service')[1]
        stamps = re.findall(r'^alived_tls_cert_expiry_timestamp_seconds\{.*vport="(\d)"\} (\d+)$', per_service, re.M)
        equal([p for p, _ in stamps], ['1', '2', '3'])
        check(all(abs(int(s) - time.time() - 5 * 86400) < 300 for _, s in stamps), '%s', stamps)
        make_cert(d.dir, 'leaf', days=50)
        nginx.restart()
        line = wait_for('its end', lambda: d.events('certificate_renewed'))[0]
        check(line['days_left'] in (49, 50), '%s', line)
        wait_for('no warning', lambda: d.summary()['certs_expiring'] == 0)
        make_cert(d.dir, 'leaf', days=-1)
        nginx.restart()
        wait_for('expired', lambda: len(d.events('certificate_expires')) >= 2)
        check('certificate has expired' in d.ctl('reals')[1], '%s', d.ctl('reals')[1])
        wait_for('two warnings', lambda: d.summary()['certs_expiring'] == 2)
        d.write_services(one_each([(18660, ''), (18660, '  expire_warn 3'), (18660, '')]))
        equal(d.reload()[0], 200)
        wait_for('one warning', lambda: d.summary()['certs_expiring'] == 1)


def test_files_replaced_before_a_reload_are_used_and_no_state_flips():
    d = Daemon('')
    for ca in ('ca', 'ca2'):
        make_ca(d.dir, ca)
    make_cert(d.dir, 'leaf', 'ca')
    make_cert(d.dir, 'client', 'ca')
    write(d.path('trust.pem'), read(d.path('ca.pem')))
    write(d.path('clients.pem'), read(d.path('ca.pem'), d.path('ca2.pem')))
    lines = '  verify on\n  ca_file $DIR/trust.pem\n  virtualhost www.example.org\n  cert_file $DIR/client.pem\n  key_file $DIR/client.key\n'
    d.write_services(one_each([(18670, lines + '  session_reuse %s' % r) for r in ('off', 'on')], delay=0.1, retry=5))
    extra = 'ssl_verify_client on; ssl_client_certificate $DIR/clients.pem;'
    with Nginx(d.dir, [(18670, 'leaf', 'TLSv1.2 TLSv1.3', extra)]) as nginx, d:
        settled(d, 2)
        equal([last(d, i)['state'] for i in range(2)], ['up', 'up'])
        since = [last(d, i)['since'] for i in range(2)]
        # 1. another client certificate: what nginx sees changes with the reload
        make_cert(d.dir, 'next', 'ca2')
        write(d.path('client.key'), read(d.path('next.key')))
        write(d.path('client.pem'), read(d.path('next.pem')))
        equal(d.reload()[0], 200)
        wait_for('the new client certificate', lambda: all('CN=next' in l for l in nginx.log()[-4:]))
        # 2. another authority signs the server's: both are trusted first
        write(d.path('trust.pem'), read(d.path('ca.pem'), d.path('ca2.pem')))
        equal(d.reload()[0], 200)
        make_cert(d.dir, 'leaf', 'ca2')
        nginx.restart()
        n = len(nginx.log())
        wait_for('good with the new one', lambda: len(nginx.log()) > n + 6)
        write(d.path('trust.pem'), read(d.path('ca2.pem')))
        equal(d.reload()[0], 200)
        n = len(nginx.log())
        wait_for('good with the new one alone', lambda: len(nginx.log()) > n + 6)
        equal(d.events('real_down'), [])
        equal([last(d, i)['since'] for i in range(2)], since, 'no state was lost')
        # 3. an unchanged reload makes no context anew and loses no session
        made, full = (d.summary()['counters'][k] for k in ('tls_contexts', 'tls_handshakes'))
        wait_for('resumed', lambda: last(d, 1)['tls']['resumed'])
        for _ in range(3):
            equal(d.reload()[0], 200)
            n = len(nginx.log())
            wait_for('some checks', lambda: len(nginx.log()) > n + 6)
            check(last(d, 1)['tls']['resumed'], 'still resumed')
        equal(d.summary()['counters']['tls_contexts'], made)
        # 4. a file that is broken is refused as a whole, what runs goes on
        write(d.path('client.key'), 'junk')
        status, answer = d.reload()
        check(status >= 400 and 'client.key' in str(answer), '%d %s', status, answer)
        n = len(nginx.log())
        wait_for('checks go on', lambda: len(nginx.log()) > n + 6)
        write(d.path('client.key'), read(d.path('next.key')))
        # 5. trust taken away is felt
        write(d.path('trust.pem'), read(d.path('ca.pem')))
        equal(d.reload()[0], 200)
        wait_for('both down', lambda: [last(d, i)['state'] for i in range(2)] == ['down', 'down'])
        equal([last(d, i)['last']['code'] for i in range(2)], ['tls_verify'] * 2, 'the resumed one, too')


def rss_kb(d):
    return int(re.search(r'VmRSS:\s+(\d+)', open('/proc/%d/status' % d.process.pid).read()).group(1))


def gaps_ms(nginx, port, interval_ms):
    """How far the gaps between arrivals are off, sorted."""
    times = [float(l.split()[1]) * 1000 for l in nginx.log(port)]
    return sorted(abs(b - a - interval_ms) for a, b in zip(times, times[1:]))


# mode: what the check must say of it
ROGUES = {
    'mute': (['tls_timeout'], ''),
    'garbage': (['tls_protocol'], 'wrong version number'),
    'record': (['tls_protocol'], 'packet length too long'),
    'hello': (['tls_timeout'], ''),
    'trickle': (['tls_timeout'], ''),
    'alerts': (['tls_protocol'], 'too many warn alerts'),
    'alert': (['tls_alert'], 'access_denied'),
    'chain': (['tls_protocol'], 'excessive message size'),
    'long_chain': (['ok'], ''),
    'renegotiate': (['ok'], ''),
    'requests': (['tls_protocol'], 'unexpected message'),
    'keys': (['tls_protocol'], 'unexpected message'),
    'tickets': (['tls_protocol'], 'unexpected message'),
    'data': (['body_timeout', 'body_size'], ''),
}


def test_servers_that_mean_no_good():
    """Two daemons check the same good server at the same time, one of them among rogues: what it is late for more than
    the other is what they cost, on however busy a machine."""
    rogue = os.path.join(integ.BUILD, 'tests', 'peers', 'tls_rogue')
    modes = sorted(ROGUES)
    one_worker = 'workers: {count: 1}\n'
    alone, d = Daemon(one_each([(18701, '')], delay=0.1), yaml=one_worker), Daemon('', yaml=one_worker)
    make_cert(d.dir, 'leaf')
    good = one_each([(18700, '')], delay=0.1)
    bad = ''.join(service('192.0.2.9', [(IP, 18710 + i)], check=https('  session_reuse on\n', timeout=0.8), port=i + 1, delay=1)
                  for i in range(len(modes)))
    with contextlib.ExitStack() as stack:
        for i, mode in enumerate(modes): # they shall cost us, not take the processor away
            stack.enter_context(process(['nice', '-n', '19', rogue, IP, str(18710 + i), mode, d.path('leaf.pem'), d.path('leaf.key')], 18710 + i))
        nginx = stack.enter_context(Nginx(d.dir, [(18700, 'leaf', 'TLSv1.3', ''), (18701, 'leaf', 'TLSv1.3', '')]))
        d.write_services(good)
        stack.enter_context(alone)
        stack.enter_context(d)
        wait_for('a while in good company', lambda: len(nginx.log(18700)) > 20, 15)
        before = rss_kb(d)
        os.truncate(d.path('access.log'), 0)
        d.write_services(good + bad)
        equal(d.reload()[0], 200)
        wait_for('in bad company', lambda: len(nginx.log(18700)) > 120, 30)
        quiet, amid = gaps_ms(nginx, 18701, 100), gaps_ms(nginx, 18700, 100)
        after = rss_kb(d)
        for i, mode in enumerate(modes):
            c = d.get('/v1/reals?vs=tcp/192.0.2.9:%d' % (i + 1))['reals'][0]['checks'][0]
            codes, text = ROGUES[mode]
            check(c['last'] and c['last']['code'] in codes and c['last']['text'] == text, '%s: %s', mode, c['last'])
            check(len(c['history']) >= 5, '%s: %s', mode, c['history'])
            # a timer that is late while the machine is busy is no fault of the check
            took = sorted(h['duration_us'] for h in c['history'])
            check(took[len(took) // 2] <= 900000 * SLOW and took[-1] <= 1500000 * SLOW, '%s: %s', mode, took)
        shown = lambda g: 'p50 %.0f p90 %.0f max %.0f ms' % (g[len(g) // 2], g[len(g) * 9 // 10], g[-1])
        stalls = [x.summary()['counters']['worker_stalls'] for x in (alone, d)]
        print('# gap errors of the good check: alone %s, among rogues %s; stalls %s; RSS %d -> %d KB' % (
            shown(quiet), shown(amid), stalls, before, after), flush=True)
        check(amid[len(amid) * 9 // 10] <= quiet[len(quiet) * 9 // 10] + 30 * SLOW, 'others came late: %s', shown(amid))
        if not integ.SANITIZED: # whose memory and time are not the daemon's
            check(stalls[1] <= stalls[0] + 4, 'stood still: %s', stalls) # a rogue would do it each second
            check(after - before < 16 * 1024, 'memory grew from %d to %d KB', before, after)
        equal([e for e in d.events('real_down') if VIP in e['service']], [])


integ.main(globals())
