#!/usr/bin/python3
"""The daemon on real input, without a balancer: checks, verdicts, reload, stop."""
import concurrent.futures, json, os, re, signal, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from integ import Daemon, HttpReal, TcpReal, check, equal, service, wait_for

HTTP = '''HTTP_GET {
  url {
    path /health
    status_code 200
  }
  connect_ip %(ip)s
  connect_port %(port)d
  connect_timeout 1
}'''


def http_service(vip, reals, **kw):
    return service(vip, reals, check=HTTP.replace('{ ', '{'), **kw)


def alive(d, ip):
    return d.real(ip)['alive']


def test_http_real_goes_up_down_and_up_again():
    with HttpReal('127.0.1.1') as real, Daemon(http_service('192.0.2.1', [('127.0.1.1', 8080)])) as d:
        wait_for('up', lambda: alive(d, '127.0.1.1') == 1)
        real.status = 503
        wait_for('down by status', lambda: alive(d, '127.0.1.1') == 0)
        line = wait_for('a line', lambda: d.events('real_down'))[0]
        equal((line['code'], line['detail'], line['layer']), ('http_status', 503, 'http'))
        real.status = 200
        wait_for('up again', lambda: alive(d, '127.0.1.1') == 1)
        equal(d.real('127.0.1.1')['transitions'], 3)


def test_request_on_the_wire_is_the_references():
    with HttpReal('127.0.1.1') as real, Daemon(http_service('192.0.2.1', [('127.0.1.1', 8080)])) as d:
        wait_for('a request', lambda: real.requests)
        equal(real.requests[0][1].split('\r\n'),
              ['GET /health HTTP/1.1', 'Host: 127.0.1.1:8080', 'User-Agent: monalive', 'Connection: close', '', ''])


def test_dynamic_weight_moves_by_the_step_limit():
    body = HTTP.rstrip('}') + '  dynamic_weight_enable\n  dynamic_weight_in_header\n  dynamic_weight_coefficient 50\n}'
    text = service('192.0.2.1', [('127.0.1.1', 8080)], check=body, real_extra='weight 10')
    with HttpReal('127.0.1.1', headers={'RS-Weight': '40'}) as real, Daemon(text) as d:
        wait_for('40 by steps of half', lambda: d.real('127.0.1.1')['weight'] == 40)
        asked = [re.search(r'X-Rs-Weight: (\d*)', r[1]).group(1) for r in real.requests]
        equal(asked[0], '10', 'the first request tells the configured weight')
        check('X-Rs-Alive: 0' in real.requests[0][1], 'first request: not alive yet')
        wait_for('the weight is told back', lambda: 'X-Rs-Weight: 40' in real.requests[-1][1])
        check('X-Rs-Alive: 1' in real.requests[-1][1], 'later: alive')
        real.headers = {'RS-Weight': '10'}
        wait_for('10', lambda: d.real('127.0.1.1')['weight'] == 10)


def test_tcp_refused_and_silent_are_told_apart():
    text = service('192.0.2.1', [('127.0.1.1', 8080), ('127.0.1.2', 8080)])
    with TcpReal('127.0.1.1'), Daemon(text) as d:
        wait_for('verdicts', lambda: alive(d, '127.0.1.1') == 1 and d.events('real_down'))
        equal(d.events('real_down')[0]['code'], 'refused')
        equal(alive(d, '127.0.1.2'), 0)


def test_response_slower_than_check_timeout_is_down():
    body = HTTP.replace('connect_timeout 1', 'connect_timeout 1\n  check_timeout 0.3')
    with HttpReal('127.0.1.1', delay=0.8) as real, Daemon(service('192.0.2.1', [('127.0.1.1', 8080)], check=body)) as d:
        wait_for('down', lambda: d.events('real_down'))
        equal(d.events('real_down')[0]['code'], 'response_timeout')
        real.delay = 0
        wait_for('up', lambda: alive(d, '127.0.1.1') == 1)


def test_a7_two_checks_of_a_real_are_anded():
    two = HTTP + '\nTCP_CHECK {\n  connect_ip %(ip)s\n  connect_port 8081\n  connect_timeout 1\n}'
    with HttpReal('127.0.1.1'), Daemon(service('192.0.2.1', [('127.0.1.1', 8080)], check=two)) as d:
        wait_for('down: port 8081 refuses', lambda: d.events('real_down'))
        time.sleep(0.6)
        equal(alive(d, '127.0.1.1'), 0, 'the good check alone does not make it up')
        with TcpReal('127.0.1.1', 8081):
            wait_for('both are up', lambda: alive(d, '127.0.1.1') == 1)


def test_retries_come_in_a_burst_and_the_run_is_reset_by_a_good_result():
    """A2: failures do not add up over the time a real is up."""
    text = http_service('192.0.2.1', [('127.0.1.1', 8080)], retry=2, delay=0.3)
    with HttpReal('127.0.1.1') as real, Daemon(text) as d:
        wait_for('up', lambda: alive(d, '127.0.1.1') == 1)
        for _ in range(4):
            n = len(real.requests)
            real.status = 503
            wait_for('one bad answer', lambda: len(real.requests) > n)
            real.status = 200
            n = len(real.requests)
            wait_for('a good one', lambda: len(real.requests) > n + 1)
        equal(d.events('real_down'), [])
        real.status = 503
        wait_for('down after three in a row', lambda: d.events('real_down'))
        equal(d.events('real_down')[0]['run'], 3)


def test_a17_half_second_interval_is_half_a_second():
    with HttpReal('127.0.1.1') as real, Daemon(http_service('192.0.2.1', [('127.0.1.1', 8080)], delay=0.5)) as d:
        wait_for('five checks', lambda: len(real.requests) >= 5)
        gaps = [b[0] - a[0] for a, b in zip(real.requests, real.requests[1:])]
        check(all(0.4 < g < 0.6 for g in gaps[1:]) or integ.SANITIZED, 'gaps %s', gaps)


def test_reload_keeps_what_did_not_change():
    one = http_service('192.0.2.1', [('127.0.1.1', 8080)], delay=0.4)
    two = one + http_service('192.0.2.2', [('127.0.1.2', 8080)], delay=0.4)
    with HttpReal('127.0.1.1') as a, HttpReal('127.0.1.2') as b, Daemon(one) as d:
        wait_for('checks', lambda: len(a.requests) >= 3)
        phase = a.requests[-1][0] % 0.4
        d.write_services(two)
        equal(d.reload(), (200, {}))
        wait_for('the new service is up', lambda: len(d.status()) == 2 and d.real('127.0.1.2', service=1)['alive'] == 1)
        n = len(a.requests)
        wait_for('more checks', lambda: len(a.requests) >= n + 3)
        drift = abs((a.requests[-1][0] % 0.4) - phase)
        check(min(drift, 0.4 - drift) < 0.05 * integ.SLOW, 'the phase moved by %.3f s', drift)
        equal(d.real('127.0.1.1')['transitions'], 1)
        d.write_services(one)
        equal(d.reload()[0], 200)
        equal(len(d.status()), 1)
        n = len(b.requests)
        time.sleep(0.6)
        check(len(b.requests) <= n + 1, 'a removed service is checked no more')


def test_a4_changed_check_parameters_do_not_disable_a_real():
    text = http_service('192.0.2.1', [('127.0.1.1', 8080)])
    with HttpReal('127.0.1.1'), Daemon(text) as d:
        wait_for('up', lambda: alive(d, '127.0.1.1') == 1)
        for timeout in ('1.5', '2', '0.7'): # A11: connect_timeout is part of the identity
            d.write_services(text.replace('connect_timeout 1', 'connect_timeout ' + timeout))
            equal(d.reload()[0], 200)
            equal(alive(d, '127.0.1.1'), 1)
            equal(d.real('127.0.1.1')['checkers'][0]['connect_timeout'],
                  {'1.5': '1.500s', '2': '2s', '0.7': '0.700s'}[timeout])
        time.sleep(0.5)
        equal(d.events('real_down'), [])
        equal(d.real('127.0.1.1')['transitions'], 1)


def test_a5_removing_one_of_two_checks_keeps_the_real_up():
    two = HTTP + '\nTCP_CHECK {\n  connect_ip %(ip)s\n  connect_port 8080\n  connect_timeout 1\n}'
    with HttpReal('127.0.1.1'), Daemon(service('192.0.2.1', [('127.0.1.1', 8080)], check=two)) as d:
        wait_for('up', lambda: alive(d, '127.0.1.1') == 1)
        d.write_services(http_service('192.0.2.1', [('127.0.1.1', 8080)]))
        equal(d.reload()[0], 200)
        time.sleep(0.5)
        equal((alive(d, '127.0.1.1'), len(d.real('127.0.1.1')['checkers'])), (1, 1))
        equal(d.events('real_down'), [])


def test_faulty_reload_changes_nothing_and_says_where():
    with HttpReal('127.0.1.1'), Daemon(http_service('192.0.2.1', [('127.0.1.1', 8080)])) as d:
        wait_for('up', lambda: alive(d, '127.0.1.1') == 1)
        d.write_services('virtual_server 192.0.2.1 80 {\n  lvs_methd NAT\n}\n')
        status, body = d.reload()
        equal((status, body['code']), (500, 13))
        detail = [x for x in body['details'] if x['severity'] == 'error'][0]
        equal((detail['line'], detail['column'], detail['severity']), (2, 3, 'error'))
        check('lvs_method' in detail['hint'], 'hint: %s', detail)
        equal((len(d.status()), alive(d, '127.0.1.1')), (1, 1))
        d.signal(signal.SIGHUP)
        wait_for('refused by SIGHUP too', lambda: len(d.events('reload_refused')) == 2)
        equal(alive(d, '127.0.1.1'), 1)


def test_b14_concurrent_reloads_end_with_the_last_file():
    """B8: no older configuration comes back over a newer one."""
    with HttpReal('127.0.1.1'), Daemon(http_service('192.0.2.1', [('127.0.1.1', 8080)])) as d:
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            for n in range(1, 13):
                d.write_services(''.join(http_service('192.0.2.%d' % i, [('127.0.1.1', 8080)]) for i in range(1, n + 1)))
                answers = list(pool.map(lambda _: d.reload()[0], range(8)))
                equal(set(answers), {200})
                equal(len(d.status()), n)
        check(len(d.events('reloaded')) < 12 * 8, 'reloads that wait together are one')


def test_d46_changes_of_alived_yaml_are_named():
    yaml = 'server: {http_addr: "", grpc_addr: "", metrics_addr: "", unix_sock: "$DIR/alived.sock"}\n'
    with Daemon('', yaml=yaml) as d:
        equal(d.reload()[0], 200)
        equal(d.events('restart_needed'), [])
        d.write_yaml(yaml + 'workers: {count: 2}\nlogging: {level: debug}\n')
        d.signal(signal.SIGHUP)
        named = wait_for('a warning', lambda: d.events('restart_needed'))[0]['keys']
        check('workers.count' in named, named)
        d.write_yaml('nonsense: 1\n' + yaml)
        equal(d.reload()[0], 200, 'the services file is read all the same')
        wait_for('the fault is told', lambda: d.events('config_faulty'))


def test_listener_that_cannot_be_had_ends_the_start_untouched():
    with HttpReal('127.0.1.1', 18099):
        d = Daemon('', yaml='server: {http_addr: "127.0.1.1:18099", grpc_addr: "", metrics_addr: "", unix_sock: "$DIR/alived.sock"}\n')
        try:
            d.start(wait=False)
            equal(d.wait(), 1)
            check('127.0.1.1:18099' in d.log_text(), d.log_text())
        finally:
            d.kill()


def test_a28_sigterm_ends_with_0():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
        with HttpReal('127.0.1.1'), Daemon(http_service('192.0.2.1', [('127.0.1.1', 8080)])) as d:
            wait_for('up', lambda: alive(d, '127.0.1.1') == 1)
            d.signal(number)
            equal(d.wait(), 0)
            check(d.said('STOPPING=1'), 'systemd was told')


def test_faulty_configuration_does_not_start():
    d = Daemon('virtual_server {\n')
    try:
        d.start(wait=False)
        equal(d.wait(), 1)
        check('services.conf:1:' in d.log_text(), d.log_text())
        check(not d.said('READY=1'), 'not ready')
    finally:
        d.kill()


def test_test_option_checks_both_files():
    d = Daemon(http_service('192.0.2.1', [('127.0.1.1', 8080)]), args=['-t'])
    try:
        d.start(wait=False)
        equal(d.wait(), 0)
        check('1 services, 1 reals, 1 checks' in d.log_text(), d.log_text())
        d.write_yaml('loging: {}\n')
        d.start(wait=False)
        equal(d.wait(), 1)
        check("did you mean 'logging'" in d.log_text(), d.log_text())
    finally:
        d.kill()


def test_a13_empty_configuration_starts_with_every_default():
    d = Daemon('', yaml='server: {http_addr: "", grpc_addr: "", metrics_addr: "", unix_sock: "$DIR/alived.sock"}\n')
    with d:
        equal(d.status(), [])
        equal(d.stop(), 0)


def test_unknown_is_not_bad():
    """Our own fault takes nobody down: a source address that this host does not have."""
    text = service('192.0.2.1', [('127.0.1.1', 8080)],
                   check='TCP_CHECK {\n  connect_ip %(ip)s\n  connect_port %(port)d\n  bindto 198.51.100.99\n}')
    with TcpReal('127.0.1.1'), Daemon(text) as d:
        wait_for('the alarm', lambda: d.events('checks_unknown'))
        equal((d.events('checks_unknown')[0]['code'], d.events('checks_unknown')[0]['checks']), ('no_local_addr', 1))
        equal((d.events('real_down'), d.events('real_up')), ([], []))


def test_second_daemon_does_not_take_the_socket():
    with Daemon('') as d:
        other = Daemon('', yaml='server: {http_addr: "", grpc_addr: "", metrics_addr: "", unix_sock: "%s"}\n' % d.sock)
        try:
            other.start(wait=False)
            equal(other.wait(), 1)
            equal(d.status(), [])
        finally:
            other.kill()


def test_alivectl_shows_and_reloads():
    with HttpReal('127.0.1.1'), Daemon(http_service('192.0.2.1', [('127.0.1.1', 8080)])) as d:
        wait_for('up', lambda: alive(d, '127.0.1.1') == 1)
        code, out, err = d.ctl('services')
        equal(code, 0, err)
        check('tcp/192.0.2.1:80' in out, out)
        code, out, err = d.ctl('reals', 'tcp/192.0.2.1:80')
        equal(code, 0, err)
        check('127.0.1.1:8080' in out, out)
        equal(d.ctl('reload')[0], 0)
        equal(d.ctl('status')[0], 0)
        json.loads(d.ctl('--json', 'status')[1])
        d.write_services('nonsense {\n')
        code, out, err = d.ctl('reload')
        equal(code, 1)
        check('services.conf:1:1' in out + err, out + err)
        equal(d.ctl('frobnicate')[0], 2)
        d.stop()
        equal(d.ctl('status')[0], 3)


def test_each_result_is_counted_once():
    yaml = 'server: {http_addr: "", grpc_addr: "", metrics_addr: "127.0.0.1:19431", unix_sock: "$DIR/alived.sock"}\n'
    with HttpReal('127.0.1.1') as real, Daemon(http_service('192.0.2.1', [('127.0.1.1', 8080)]), yaml=yaml) as d:
        wait_for('some checks', lambda: len(real.requests) >= 5)
        import urllib.request
        text = urllib.request.urlopen('http://127.0.0.1:19431/metrics', timeout=5).read().decode()
        values = dict(l.split(' ') for l in text.splitlines() if l.startswith('alived_') and '{' not in l)
        results = sum(float(values['alived_results_%s_total' % v]) for v in ('good', 'bad', 'unknown'))
        check(abs(results - float(values['alived_jobs_taken_total'])) <= 1, '%s results of %s jobs', results, values['alived_jobs_taken_total'])


def test_healthz_is_200_while_every_thread_beats():
    with Daemon('') as d:
        equal(d.request('GET', '/healthz')[0], 200)
        time.sleep(2.5)
        equal(d.request('GET', '/healthz')[0], 200)


def test_stopped_process_resumes_without_verdicts():
    """Decisions 10, 15: our own pause is nobody's fault."""
    with HttpReal('127.0.1.1'), Daemon(http_service('192.0.2.1', [('127.0.1.1', 8080)], delay=0.1)) as d:
        wait_for('up', lambda: alive(d, '127.0.1.1') == 1)
        d.signal(signal.SIGSTOP)
        time.sleep(1.5)
        d.signal(signal.SIGCONT)
        time.sleep(0.5)
        equal(d.events('real_down'), [])
        equal(alive(d, '127.0.1.1'), 1)


def test_quorum_and_hysteresis_over_weights():
    reals = [('127.0.1.%d' % i, 8080) for i in (1, 2, 3)]
    text = http_service('192.0.2.1', reals, extra='quorum 2\nhysteresis 1')
    servers = [HttpReal(ip) for ip, _ in reals]
    with servers[0], servers[1], servers[2], Daemon(text) as d:
        up = lambda: d.status()[0]['quorum_state']
        wait_for('up at 3 = quorum + hysteresis', lambda: up() == 1)
        equal(d.status()[0]['alive_weight'], 3)
        servers[0].status = servers[1].status = 500
        wait_for('weight 1', lambda: d.status()[0]['alive_weight'] == 1)
        equal(up(), 1, 'one is not below quorum - hysteresis')
        servers[2].status = 500
        wait_for('down at 0', lambda: up() == 0)
        servers[0].status = servers[1].status = 200
        wait_for('weight 2', lambda: d.status()[0]['alive_weight'] == 2)
        equal(up(), 0, 'two is not yet quorum + hysteresis')
        servers[2].status = 200
        wait_for('up', lambda: up() == 1)


integ.main(globals())
