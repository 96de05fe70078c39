#!/usr/bin/python3
"""Real nginx servers behind HTTP_GET and SSL_GET: verdict, weight, flush, order of announcement; and the
demonstration that the README promises."""
import contextlib, json, os, shutil, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from integ import BirdDouble, Daemon, check, equal, service, wait_for
from yanet_double import YanetDouble, dump_service

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', '..')
VIP = '192.0.2.1'
PORT, TLS_PORT = 18180, 18543
CONF = '''
daemon off; master_process off; pid %(dir)s/%(name)s.pid; error_log %(dir)s/%(name)s.log;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path %(dir)s; proxy_temp_path %(dir)s; fastcgi_temp_path %(dir)s;
  uwsgi_temp_path %(dir)s; scgi_temp_path %(dir)s;
  server {
    listen %(ip)s:%(port)d;
    listen %(ip)s:%(tls_port)d ssl;
    ssl_certificate %(dir)s/cert.pem; ssl_certificate_key %(dir)s/key.pem; ssl_protocols %(tls)s;
    root %(dir)s/www; chunked_transfer_encoding on;
    location /health { add_header RS-Weight %(weight)d always; return %(status)d "ok\\n"; }
    location /file { alias %(dir)s/body; }
  }
}
'''
YAML = '''
yanet: {control_plane_sock_path: "$DIR/yanet.sock"}
balancer: {flush_period: 20ms, sync_states_period: 300ms}
bird: {sock_dir: "$DIR"}
announcer: {update_period: 20ms}
blind: {max_hold: 0s}
'''


class Nginx:
    def __init__(self, directory, ip, **state):
        self.dir, self.ip, self.process = directory, ip, None
        self.state = dict({'weight': 10, 'status': 200, 'tls': 'TLSv1.2 TLSv1.3'}, **state)

    def write(self):
        name = 'nginx-' + self.ip
        self.conf = os.path.join(self.dir, name + '.conf')
        with open(self.conf, 'w') as f:
            f.write(CONF % dict(self.state, dir=self.dir, name=name, ip=self.ip, port=PORT, tls_port=TLS_PORT))

    def start(self):
        self.write()
        self.process = subprocess.Popen(['nginx', '-p', self.dir, '-c', self.conf], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return self

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait()
            self.process = None

    def change(self, **state):
        self.stop()
        self.state.update(state)
        self.start()

    def __enter__(self):
        return self.start()

    def __exit__(self, *failure):
        self.stop()


def certificate(directory):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-subj', '/CN=real', '-keyout', directory + '/key.pem', '-out', directory + '/cert.pem'],
                   check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def http_check(kind='HTTP_GET', path='/health', extra=''):
    return ('%s {\n  url {\n    path %s\n    status_code 200\n%s  }\n  connect_ip %%(ip)s\n  connect_port %%(port)d\n'
            '  connect_timeout 1\n  dynamic_weight_enable\n  dynamic_weight_in_header\n}' % (kind, path, extra))


def test_verdict_weight_flush_and_order_with_nginx():
    reals = [('127.0.3.%d' % i, PORT) for i in (1, 2, 3)]
    d = Daemon(service(VIP, reals, check=http_check(), extra='announce_group default\nquorum 15'), yaml=YAML)
    certificate(d.dir)
    servers = [Nginx(d.dir, ip) for ip, _ in reals]
    with contextlib.ExitStack() as stack:
        for s in servers:
            stack.enter_context(s)
        yanet = stack.enter_context(YanetDouble(d.dir, [dump_service(VIP, reals)]))
        bird = stack.enter_context(BirdDouble(d.dir))
        stack.enter_context(d)
        applied = lambda i: yanet.applied()[(VIP, 80) + reals[i]]
        wait_for('all enabled with weight 10', lambda: all(applied(i) == (True, 10) for i in range(3)))
        wait_for('announced', lambda: bird.announced() == [VIP])
        servers[0].change(weight=30)
        wait_for('weight 30', lambda: applied(0) == (True, 30))
        servers[1].change(status=503)
        wait_for('out by its status', lambda: applied(1)[0] is False)
        equal(bird.announced(), [VIP])
        line = wait_for('its line', lambda: [e for e in d.events('real_down') if e['real'].startswith(reals[1][0])])[-1]
        check(line['code'] in ('http_status', 'refused'), '%s', line) # it restarts: refused may come first
        wait_for('the status is seen', lambda: servers[1].state['status'] == 503 and 'http_status' in json.dumps(
            d.get('/v1/reals')['reals'][1]['checks'][0]['last']))
        n = len(bird.records)
        servers[0].stop()
        wait_for('withdrawn: weight 10 is left', lambda: bird.announced() == [])
        wait_for('disabled', lambda: applied(0)[0] is False)
        withdrawn_at = [t for t, vip, up in bird.records[n:] if not up][0]
        disabled_at = [e['t'] for e in yanet.updates() if not e['enabled'] and e['rip'] == reals[0][0]][-1]
        check(withdrawn_at <= disabled_at + 0.002, 'disabled %.4f s before the withdrawal', withdrawn_at - disabled_at)
        servers[0].start()
        wait_for('announced again', lambda: bird.announced() == [VIP])


def test_https_with_nginx_of_both_versions():
    reals = [('127.0.3.1', TLS_PORT), ('127.0.3.2', TLS_PORT)]
    d = Daemon(service(VIP, reals, check=http_check('SSL_GET')))
    certificate(d.dir)
    with Nginx(d.dir, '127.0.3.1', tls='TLSv1.2') as old, Nginx(d.dir, '127.0.3.2', tls='TLSv1.3') as new, d:
        wait_for('both up', lambda: all(d.real(ip)['alive'] == 1 for ip, _ in reals))
        new.stop()
        wait_for('down', lambda: d.real('127.0.3.2')['alive'] == 0)
        equal(d.real('127.0.3.1')['alive'], 1)


def test_a12_minimum_version_is_enforced_against_nginx():
    d = Daemon(service(VIP, [('127.0.3.1', TLS_PORT)], check=http_check('SSL_GET')), yaml='tls_min_version: 1.3\n')
    certificate(d.dir)
    with Nginx(d.dir, '127.0.3.1', tls='TLSv1.2') as real, d:
        down = wait_for('refused', lambda: d.events('real_down'))[0]
        equal(down['layer'], 'tls')
        real.change(tls='TLSv1.3')
        wait_for('up', lambda: d.real('127.0.3.1')['alive'] == 1)


def test_digest_of_a_large_body_from_nginx():
    import hashlib
    body = os.urandom(300000)
    digest = hashlib.md5(body).hexdigest().upper()
    text = service(VIP, [('127.0.3.1', PORT)], check=http_check(path='/file', extra='    digest %s\n' % digest))
    d = Daemon(text)
    certificate(d.dir)
    with open(d.path('body'), 'wb') as f:
        f.write(body)
    with Nginx(d.dir, '127.0.3.1'), d:
        wait_for('up', lambda: d.real('127.0.3.1')['alive'] == 1)
        with open(d.path('body'), 'ab') as f:
            f.write(b'x')
        wait_for('down', lambda: d.events('real_down'))
        equal(d.events('real_down')[0]['code'], 'body_digest')


def test_demo_plays_its_scene():
    r = subprocess.run([os.path.join(ROOT, 'scripts', 'demo')], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    check(r.returncode == 0 and 'demo: ok' in r.stdout, r.stdout[-2000:] + r.stderr[-2000:])


integ.main(globals())
