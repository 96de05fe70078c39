#!/usr/bin/python3
"""The daemon between real servers, a YANET double and a BIRD double: what is sent, in which order, and
how it heals."""
import contextlib, os, signal, sys, tempfile, threading, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib'))
import integ
from integ import BirdDouble, Daemon, HttpReal, TcpReal, check, equal, service, wait_for
from yanet_double import YanetDouble, dump_service

HTTP = '''HTTP_GET {
  url {
    path /
    status_code 200
  }
  connect_ip %(ip)s
  connect_port %(port)d
  connect_timeout 1
}'''
VIP = '192.0.2.1'
REALS = [('127.0.1.1', 8080), ('127.0.1.2', 8080), ('127.0.1.3', 8080)]
YAML = '''
logging: {level: debug}
yanet:
  control_plane_sock_path: "$DIR/yanet.sock"
balancer:
  flush_period: 20ms
  sync_states_period: %s
bird:
  sock_dir: "$DIR"
announcer:
  update_period: 20ms
  announce_group: [default, second]
blind:
  max_hold: 0s
'''


def key(real, vip=VIP, vport=80):
    return (vip, vport) + real


class Bench:
    """Three web servers, both doubles and the daemon, in one directory."""

    def __init__(self, services=None, sync='300ms', quorum='quorum 2', config=None, yaml='', reals=REALS, bird=True, **kw):
        self.reals = {r: HttpReal(*r) for r in reals}
        if services is None:
            services = service(VIP, reals, check=HTTP, extra='announce_group default\n' + quorum, **kw)
        self.daemon = Daemon(services, yaml=YAML % sync + yaml)
        self.yanet = YanetDouble(self.daemon.dir, config if config is not None else [dump_service(VIP, reals)])
        self.bird = BirdDouble(self.daemon.dir) if bird else None
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        for real in self.reals.values():
            self.stack.enter_context(real)
        self.stack.enter_context(self.yanet)
        if self.bird:
            self.stack.enter_context(self.bird)
        self.daemon.start()
        return self

    def __exit__(self, *failure):
        self.daemon.__exit__(*failure)
        self.stack.__exit__(*failure)

    def enabled(self):
        return sorted(k[2:] for k, v in self.yanet.applied().items() if v[0])

    def all_up(self):
        wait_for('all enabled', lambda: self.enabled() == sorted(self.reals))
        wait_for('announced', lambda: self.bird.announced() == [VIP])


def test_up_is_enabled_then_announced():
    """A21: announced only after the enables were flushed."""
    with Bench() as b:
        b.yanet.delay('RealFlush', 0.3)
        b.all_up()
        announced_at = next(t for t, vip, up in b.bird.records if up)
        enabled_at = [e['t'] for e in b.yanet.updates() if e['enabled']][0]
        check(announced_at - enabled_at >= 0.3, 'announced %.3f s after the enable, before its flush', announced_at - enabled_at)
        equal(b.bird.malformed, 0)


def test_a21_nothing_is_announced_while_the_flush_fails():
    with Bench() as b:
        b.yanet.hang('RealFlush')
        wait_for('reals are up', lambda: b.daemon.summary()['reals']['up'] == 3)
        time.sleep(0.7)
        equal(b.bird.announced(), [])


def test_weights_and_one_real_down():
    with Bench(real_extra='weight 7') as b:
        b.all_up()
        equal(b.yanet.applied()[key(REALS[0])], (True, 7))
        b.reals[REALS[0]].status = 500
        wait_for('disabled', lambda: b.enabled() == sorted(REALS[1:]))
        equal(b.bird.announced(), [VIP])
        b.reals[REALS[0]].status = 200
        wait_for('enabled again', lambda: b.enabled() == sorted(REALS))


def test_a22_withdrawn_before_the_disable_that_takes_the_quorum():
    with Bench() as b:
        b.all_up()
        b.reals[REALS[0]].status = 500
        wait_for('one disabled', lambda: len(b.enabled()) == 2)
        b.reals[REALS[1]].status = 500
        wait_for('withdrawn', lambda: b.bird.announced() == [])
        wait_for('two disabled', lambda: len(b.enabled()) == 1)
        withdrawn_at = [t for t, vip, up in b.bird.records if not up][-1]
        disabled_at = [e['t'] for e in b.yanet.updates() if not e['enabled'] and e['rip'] == REALS[1][0]][-1]
        check(withdrawn_at <= disabled_at + 0.002, 'withdrawn %.4f s after the disable', withdrawn_at - disabled_at)


def test_disable_does_not_wait_for_an_absent_bird():
    with Bench() as b:
        b.all_up()
        b.bird.stop()
        for r in REALS:
            b.reals[r].status = 500
        wait_for('all disabled', lambda: b.enabled() == [], 3)


def test_a3_control_plane_that_forgot_everything_is_repaired():
    with Bench() as b:
        b.all_up()
        checks = sum(r.accepted for r in b.reals.values())
        b.yanet.restart()
        wait_for('the view is repaired', lambda: sum(v[0] for v in b.yanet.view().values()) == 3)
        equal(b.bird.announced(), [VIP])
        equal([up for t, vip, up in b.bird.records], [True] * len(b.bird.records), 'never withdrawn')
        wait_for('checks go on', lambda: sum(r.accepted for r in b.reals.values()) > checks + 6)


def test_double_killed_and_started_while_reals_flap():
    with Bench() as b:
        b.all_up()
        stop = threading.Event()

        def flap():
            while not stop.is_set():
                for r in REALS:
                    b.reals[r].status = 500 if b.reals[r].status == 200 else 200
                    time.sleep(0.07)

        thread = threading.Thread(target=flap)
        thread.start()
        for _ in range(3):
            b.yanet.kill()
            time.sleep(0.3)
            before = sum(r.accepted for r in b.reals.values())
            time.sleep(0.6)
            check(sum(r.accepted for r in b.reals.values()) - before >= 5, 'checks pause')
            b.yanet.start()
            b.bird.stop()
            time.sleep(0.2)
            b.bird.start()
        stop.set()
        thread.join()
        b.reals[REALS[0]].status = b.reals[REALS[1]].status = 200
        b.reals[REALS[2]].status = 500
        wait_for('wanted state arrived', lambda: b.enabled() == sorted(REALS[:2]), 8)
        wait_for('announced', lambda: b.bird.announced() == [VIP], 8)
        equal(b.bird.malformed, 0)


def test_b2_weight_change_and_failure_in_one_flush_end_disabled():
    """Two changes while one flush is under way: the last one wins, whatever came between."""
    body = HTTP.rstrip('}') + '  dynamic_weight_enable\n  dynamic_weight_in_header\n}'
    text = service(VIP, REALS, check=body, extra='announce_group default\nquorum 1', delay=0.1)
    with Bench(services=text) as b:
        for real in b.reals.values():
            real.headers = {'RS-Weight': '10'}
        wait_for('weight 10 everywhere', lambda: all(v == (True, 10) for v in b.yanet.applied().values()))
        b.yanet.delay('RealFlush', 0.5)
        real = b.reals[REALS[0]]
        real.headers = {'RS-Weight': '50'}
        wait_for('weight 50 is seen', lambda: b.daemon.real(REALS[0][0])['weight'] == 50)
        real.status = 500
        wait_for('down is seen', lambda: b.daemon.real(REALS[0][0])['alive'] == 0)
        wait_for('disabled in the end', lambda: b.yanet.applied()[key(REALS[0])][0] is False)
        real.status, real.headers = 200, {'RS-Weight': '20'}
        wait_for('up with the newest weight', lambda: b.yanet.applied()[key(REALS[0])] == (True, 20))


def test_b3_hanging_control_plane_freezes_nothing():
    with Bench() as b:
        b.all_up()
        b.yanet.hang('Real')
        b.reals[REALS[0]].status = 500
        wait_for('verdict', lambda: b.daemon.real(REALS[0][0])['alive'] == 0)
        before = b.reals[REALS[1]].accepted
        time.sleep(1)
        check(b.reals[REALS[1]].accepted - before >= 3, 'checks stopped')
        equal(b.daemon.request('GET', '/healthz')[0], 200)


def test_d20_nothing_is_sent_for_a_real_without_a_verdict():
    """A restart of the daemon moves nothing in the balancer, even without what it remembered."""
    slow = service(VIP, REALS, check=HTTP, extra='announce_group default\nquorum 2', delay=30)
    with Bench() as b:
        b.all_up()
        b.daemon.signal(signal.SIGUSR2)
        equal(b.daemon.wait(), 0)
        equal(b.enabled(), sorted(REALS), 'stop and keep')
        equal(b.bird.announced(), [VIP])
        before = len(b.yanet.updates())
        os.unlink(b.daemon.path('state'))
        b.daemon.write_services(slow)
        b.daemon.notified.clear()
        b.daemon.start()
        time.sleep(1)
        undecided = b.daemon.summary()['reals']['undecided']
        sent = [e for e in b.yanet.updates()[before:]]
        check(undecided > 0, 'some real has no verdict yet')
        check(all(e['enabled'] for e in sent), 'sent: %s', sent)
        equal(b.enabled(), sorted(REALS))


def test_d45_sigterm_withdraws_then_disables():
    with Bench() as b:
        b.all_up()
        begin = time.monotonic()
        equal(b.daemon.stop(), 0)
        check(time.monotonic() - begin < 5 * integ.SLOW, 'took too long')
        wait_for('withdrawn', lambda: b.bird.announced() == [])
        equal(b.enabled(), [])
        withdrawn_at = [t for t, vip, up in b.bird.records if not up][-1]
        disabled_at = [e['t'] for e in b.yanet.updates() if not e['enabled']][0]
        check(withdrawn_at <= disabled_at + 0.002, 'disabled %.4f s before the withdrawal', withdrawn_at - disabled_at)


def test_d45_stop_is_bounded_when_both_peers_hang():
    with Bench() as b:
        b.all_up()
        b.bird.is_reading = False
        b.yanet.hang('Real')
        begin = time.monotonic()
        equal(b.daemon.stop(), 0)
        check(time.monotonic() - begin < 5.2 * integ.SLOW, 'took %.1f s', time.monotonic() - begin)


def test_on_exit_keep_sends_nothing():
    with Bench(yaml='on_exit: keep\n') as b:
        b.all_up()
        n = len(b.yanet.updates())
        equal(b.daemon.stop(), 0)
        time.sleep(0.2)
        equal((b.enabled(), b.bird.announced(), len(b.yanet.updates())), (sorted(REALS), [VIP], n))


def test_a30_every_module_that_lists_the_real_is_told():
    config = {'left': [dump_service(VIP, REALS)], 'right': [dump_service(VIP, REALS[:1])]}
    with Bench(config=config) as b:
        wait_for('announced', lambda: b.bird.announced() == [VIP])
        told = lambda real: {e['module'] for e in b.yanet.updates() if e['rip'] == real[0]}
        wait_for('both modules are told', lambda: told(REALS[0]) == {'left', 'right'})
        wait_for('one module is told', lambda: told(REALS[1]) == {'left'})


def test_real_that_yanet_lacks_is_checked_and_not_sent():
    with Bench(config=[dump_service(VIP, REALS[:2])]) as b:
        wait_for('announced', lambda: b.bird.announced() == [VIP])
        wait_for('checked', lambda: b.daemon.real(REALS[2][0])['transitions'] == 1)
        equal([e for e in b.yanet.updates() if e['rip'] == REALS[2][0]], [])
        wait_for('shown as absent', lambda: b.daemon.summary()['balancer']['absent'] == 1)
        b.yanet.load([dump_service(VIP, REALS)])
        wait_for('enabled when it appears', lambda: b.enabled() == sorted(REALS))


def test_removed_real_is_disabled():
    with Bench() as b:
        b.all_up()
        b.daemon.write_services(service(VIP, REALS[:2], check=HTTP, extra='announce_group default\nquorum 2'))
        equal(b.daemon.reload()[0], 200)
        wait_for('disabled', lambda: b.enabled() == sorted(REALS[:2]))
        equal(b.bird.announced(), [VIP])


def test_a25_service_added_to_an_announced_address_does_not_withdraw_it():
    first = service(VIP, REALS, check=HTTP, extra='announce_group default\nquorum 2')
    dead = service(VIP, [('127.0.1.9', 8080)], check=HTTP, port=81, extra='announce_group default')
    with Bench(config=[dump_service(VIP, REALS), dump_service(VIP, [('127.0.1.9', 8080)], vport=81)]) as b:
        b.all_up()
        b.daemon.write_services(first + dead)
        equal(b.daemon.reload()[0], 200)
        wait_for('its verdict', lambda: b.daemon.real('127.0.1.9', service=1)['checkers'][0]['failed_attempts'] > 2)
        equal(b.bird.announced(), [VIP])
        with HttpReal('127.0.1.9') as late:
            wait_for('up', lambda: b.daemon.status()[1]['quorum_state'] == 1)
            late.status = 500
            wait_for('now it counts', lambda: b.bird.announced() == [])


def test_a10_group_added_to_a_running_service_announces():
    bare = service(VIP, REALS, check=HTTP, extra='quorum 2')
    with Bench(services=bare) as b:
        wait_for('all enabled', lambda: b.enabled() == sorted(REALS))
        equal(b.bird.announced(), [])
        b.daemon.write_services(service(VIP, REALS, check=HTTP, extra='announce_group default\nquorum 2'))
        equal(b.daemon.reload()[0], 200)
        wait_for('announced', lambda: b.bird.announced() == [VIP])


def test_a9_inhibited_real_is_disabled_when_inhibit_is_switched_off():
    with Bench(real_extra='inhibit_on_failure') as b:
        b.all_up()
        b.reals[REALS[0]].status = 500
        wait_for('weight 0', lambda: b.yanet.applied()[key(REALS[0])] == (True, 0))
        b.daemon.write_services(service(VIP, REALS, check=HTTP, extra='announce_group default\nquorum 2',
                                        real_extra='inhibit_on_failure false'))
        equal(b.daemon.reload()[0], 200)
        wait_for('disabled', lambda: b.yanet.applied()[key(REALS[0])][0] is False)


def test_d31_most_hosts_failing_at_once_is_taken_for_our_fault_first():
    reals = [('127.0.2.%d' % i, 8080) for i in range(1, 31)]
    yaml = ''
    b = Bench(reals=reals, config=[dump_service(VIP, reals)], quorum='quorum 5')
    b.daemon.write_yaml((YAML % '300ms').replace('max_hold: 0s', 'max_hold: 2s\n  max_hold_answered: 1s'))
    with b:
        wait_for('all enabled', lambda: len(b.enabled()) == 30, 10)
        for r in reals:
            b.reals[r].status = 500
        wait_for('blind', lambda: b.daemon.events('blind_begins'))
        equal(b.bird.announced(), [VIP])
        wait_for('verdicts are believed in the end', lambda: b.bird.announced() == [], 8)
        wait_for('disabled', lambda: b.enabled() == [], 8)


def test_balancer_restart_while_the_daemon_is_idle_is_seen_within_the_sync_period():
    with Bench(sync='200ms') as b:
        b.all_up()
        for _ in range(3):
            b.yanet.restart()
            wait_for('repaired', lambda: sum(v[0] for v in b.yanet.view().values()) == 3, 3)


def test_dump_is_what_yanet_reads():
    import json
    b = Bench()
    b.daemon.write_yaml(YAML % '300ms' + 'service:\n  services_config:\n    format: keepalived\n    dump_path: "$DIR/dump.json"\n')
    with b:
        with open(b.daemon.path('dump.json')) as f:
            dump = json.load(f)
        equal([(s['vip'], s['vport'], s['proto'], s['scheduler'], len(s['reals'])) for s in dump], [(VIP, '80', 'tcp', 'wrr', 3)])
        b.yanet.load(dump)
        b.all_up()


integ.main(globals())
