"""The rows of the benchmark. Each is a generator of figures: dicts made by figure() below. Budgets
come from docs/PERFORMANCE.md; `budget` is what we promise, `bound` what is still acceptable, both at
most."""
import json, os, shutil, socket, statistics, struct, subprocess, time

from harness import * # first: it makes tests/lib known
import integ
from yanet_double import YanetDouble, dump_service

YANET = 'yanet: {control_plane_sock_path: "$DIR/yanet.sock"}\nbalancer: {flush_period: 0s}\n'
DOUBLE = os.path.join(integ.BUILD, 'tests', 'peers', 'yanet_double')


def figure(row, name, unit, values, budget=None, bound=None, note=''):
    value, low, high = spread(values)
    return dict(row=row, name=name, unit=unit, value=value, low=low, high=high, runs=len(values), budget=budget, bound=bound, note=note)


# --- CPU per check --------------------------------------------------------------------------------

def against_floor(row, name, contenders, floors, seconds, budget, bound, vs_haproxy):
    """The daemon's ratio is that of each pair of neighbours in time, so drift of the machine cancels."""
    measured, bottoms = take_turns(contenders, floors, seconds)
    saturated, paced = bottoms['saturated'], bottoms['paced']
    ours = measured['alived']
    yield figure(row, name + ', floor saturated', 'us', saturated)
    yield figure(row, name + ', floor at that rate', 'us', paced)
    yield figure(row, name, 'us', ours, note=contenders['alived'].doubts())
    yield figure(row, name + ' / floor', 'x', [a / b for a, b in zip(ours, saturated)], budget, bound)
    yield figure(row, name + ' / floor at that rate', 'x', [a / b for a, b in zip(ours, paced)], note='equal wakes and cold caches')
    if 'haproxy' in measured:
        theirs = measured['haproxy']
        yield figure(row, name + ', HAProxy', 'us', theirs)
        yield figure(row, name + ' / HAProxy', 'x', [a / b for a, b in zip(ours, theirs)], bound=vs_haproxy)


def with_haproxy(stack, contenders, n, kind):
    if shutil.which('haproxy'):
        contenders['haproxy'] = stack.enter_context(Haproxy(n, kind))


def tcp_case(n, is_half, seconds):
    name = 'TCP %s, %d @1s' % ('half-open' if is_half else 'full', n)
    mode = 'half' if is_half else 'full'
    turn = seconds / PAIRS
    with contextlib.ExitStack() as stack:
        stack.enter_context(Fleet(n))
        daemon = stack.enter_context(Alived(services(n, TCP_HALF_OPEN if is_half else TCP)))
        daemon.wait_until_up(n, 15)
        contenders = {'alived': daemon}
        if is_half: # its own way to check TCP
            with_haproxy(stack, contenders, n, 'tcp')
        where = [mode, real_ip(0), PORT, n, 500]
        floors = {'saturated': ['floor_tcp'] + where + [int(turn * 25000)],
                  'paced': ['floor_tcp'] + where + [int(turn * n / 2) + 1, n]}
        yield from against_floor('tcp', name, contenders, floors, turn, 1.2, None if is_half else 1.5, 0.8)


def row_tcp(seconds):
    for is_half in (True, False):
        for n in (5000, 19000):
            yield from tcp_case(n, is_half, seconds)


def row_http(seconds, n=5000):
    turn = seconds / PAIRS
    with contextlib.ExitStack() as stack:
        stack.enter_context(Fleet(n, 'http'))
        daemon = stack.enter_context(Alived(services(n, HTTP)))
        daemon.wait_until_up(n, 15)
        contenders = {'alived': daemon}
        with_haproxy(stack, contenders, n, 'http')
        where = ['floor_http', real_ip(0), PORT, n, 200]
        floors = {'saturated': where + [int(turn * 12000)], 'paced': where + [int(turn * n / 2) + 1, n]}
        yield from against_floor('http', 'HTTP, %d @1s' % n, contenders, floors, turn, 1.2, None, 0.85)


def row_https(seconds, n=1200):
    """As many as half a core takes: with fewer, the fixed cost of 500 turns per second shows.
    Without HAProxy: what it really does here, nobody counts."""
    turn = seconds / PAIRS
    with contextlib.ExitStack() as stack:
        stack.enter_context(TlsTarget())
        daemon = stack.enter_context(Alived(services(n, HTTPS)))
        daemon.wait_until_up(n, 15)
        contenders = {'alived': daemon}
        where = ['floor_tls', real_ip(0), PORT, n, 50]
        floors = {'saturated': where + [int(turn * 900)], 'paced': where + [int(turn * n / 2) + 1, n]}
        yield from against_floor('https', 'HTTPS full, %d @1s' % n, contenders, floors, turn, 1.08, 1.15, None)


# --- memory ---------------------------------------------------------------------------------------

def rss_at(n, target, check, delay):
    with target, Alived(services(n, check, delay=delay)) as d:
        wait_for('each check had a result', lambda: d.summary()['checks']['undecided'] == 0, 60, 0.2)
        time.sleep(0.5)
        return rss_bytes(d.pid())


def row_memory(seconds):
    sizes = (1000, 20000, 100000)
    rss = [rss_at(n, Fleet(n), TCP, 10) for n in sizes]
    for n, bytes_ in zip(sizes, rss):
        yield figure('memory', 'RSS, %d TCP checks' % n, 'MiB', [bytes_ / 1048576])
    yield figure('memory', 'RSS per real and check, 1k to 20k', 'B', [(rss[1] - rss[0]) / (sizes[1] - sizes[0])])
    yield figure('memory', 'RSS per real and check, 20k to 100k', 'B', [(rss[2] - rss[1]) / (sizes[2] - sizes[1])], 256, 512)
    few, many = (rss_at(n, TlsTarget(), HTTPS, 10) for n in (1000, 4000))
    yield figure('memory', 'RSS per real and HTTPS check, 1k to 4k', 'B', [(many - few) / 3000], 384, 1024,
                 note='with the heap of the most handshakes that were under way at once')


# --- pace -----------------------------------------------------------------------------------------

GAPS = {1000: (300, 1000), 5000: (500, 2000), 19000: (1000, 4000)}


def pace_case(n, seconds):
    label = ', %d @1s' % n
    with Fleet(n) as fleet:
        with Alived(services(n)) as d:
            time.sleep(2.5)
            start = fleet.stats(1)
            fleet.command('reset')
            before = d.counters()
            time.sleep(max(seconds, 4))
            steady = fleet.stats(1)
            after = d.counters()
            fds = d.fds()
    if steady['seen'] != n:
        raise RuntimeError('%d of %d targets were checked' % (steady['seen'], n))
    yield figure('pace', 'drift, mean of all' + label, 'ppm', [abs(steady['mean_drift_ppm'])], 20, 100,
                 note='each alone, median: %s' % steady['drift_ppm']['p50'])
    yield figure('pace', 'gap error, p99' + label, 'us', [steady['gap_error_us']['p99']], *GAPS[n])
    yield figure('pace', 'gap error, median' + label, 'us', [steady['gap_error_us']['p50']])
    yield figure('pace', 'fullest 10 ms, steady' + label, 'x', [steady['worst_10ms']], 1.3, 2)
    yield figure('pace', 'fullest 10 ms, start' + label, 'x', [start['worst_10ms']], 1.3, 2)
    yield figure('pace', 'first checks: off one interval' + label, '', [abs(1 - start['first_spread'])], 0.05, 0.1,
                 note='the last first check came after %.3f intervals' % start['first_spread'])
    yield figure('pace', 'descriptors' + label, '', [fds], note='in flight + O(threads)')
    late = {k: after[k] - before[k] for k in ('grid_skipped', 'worker_late', 'worker_stalls', 'ring_full')}
    bells, ticks = after['doorbells'] - before['doorbells'], after['sched_ticks'] - before['sched_ticks']
    yield figure('pace', 'wakes per scheduler turn' + label, '', [bells / max(ticks, 1)], 1, 1, note='one worker')
    yield figure('pace', 'grid points skipped' + label, '', [late['grid_skipped']], 0, 0, note=str(late))


def row_pace(seconds):
    for n in (1000, 5000, 19000):
        yield from pace_case(n, seconds / 2)


# --- latency: refusal to frame --------------------------------------------------------------------

class Refusals:
    """First RST from each target's port, by the kernel's time stamp. The RST leaves in the same soft
    interrupt that received the SYN."""

    def __enter__(self):
        def op(code, jt, jf, k):
            return struct.pack('HBBI', code, jt, jf, k)
        program = [op(0x28, 0, 0, 12), op(0x15, 0, 8, 0x0800), op(0x30, 0, 0, 23), op(0x15, 0, 6, 6), op(0xb1, 0, 0, 14),
                   op(0x48, 0, 0, 14), op(0x15, 0, 3, OWN_PORT), op(0x50, 0, 0, 27), op(0x45, 0, 1, 4), op(0x06, 0, 0, 128),
                   op(0x06, 0, 0, 0)]
        self.program = b''.join(program)
        try:
            self.sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        except PermissionError:
            raise Skip('a packet socket needs CAP_NET_RAW')
        import ctypes
        self.code = ctypes.create_string_buffer(self.program)
        self.sock.setsockopt(socket.SOL_SOCKET, 26, struct.pack('HL', len(program), ctypes.addressof(self.code))) # SO_ATTACH_FILTER
        self.sock.setsockopt(socket.SOL_SOCKET, 35, 1) # SO_TIMESTAMPNS
        self.sock.setsockopt(socket.SOL_SOCKET, 33, 16 << 20) # SO_RCVBUFFORCE
        self.sock.bind(('lo', 0))
        self.sock.setblocking(False)
        return self

    def __exit__(self, *failure):
        self.sock.close()

    def first(self):
        """{ip: CLOCK_MONOTONIC s}"""
        shift = time.monotonic() - time.time()
        found = {}
        while True:
            try:
                data, control, _, _ = self.sock.recvmsg(256, 128)
            except BlockingIOError:
                return found
            ip = socket.inet_ntoa(data[26:30])
            for _, kind, value in control:
                if kind == 35 and ip not in found:
                    s, ns = struct.unpack('qq', value[:16])
                    found[ip] = s + ns / 1e9 + shift


def latency_case(n, n_refuse, p50, p99):
    """The last n_refuse reals refuse from one moment on; each is found out at its own next check, spread
    over one interval. They are too few to look like a fault of ours."""
    victims = {real_ip(i) for i in range(n - n_refuse, n)}
    config = [dump_service(vip(s), [(real_ip(i), port_of(i, n, n_refuse)) for i in range(20 * s, min(n, 20 * s + 20))])
              for s in range((n + 19) // 20)]
    d = Alived(services(n, n_own=n_refuse), yaml=YANET)
    with Fleet(n, n_own=n_refuse) as fleet, YanetDouble(d.dir, config) as yanet, d:
        os.sched_setaffinity(yanet.process.pid, {TARGET_CPU})
        d.wait_until_up(n, 20)
        wait_for('all is delivered', lambda: d.summary()['balancer']['undelivered'] == 0, 20, 0.1)
        time.sleep(1)
        yanet.clear_log()
        with Refusals() as refusals:
            fleet.command('set %s:%d,%d refuse' % (real_ip(n - n_refuse), OWN_PORT, n_refuse))
            time.sleep(1.6)
            refused = refusals.first()
        frames = {}
        for u in yanet.updates():
            if not u['enabled']:
                frames.setdefault(u['rip'], u['t'])
    late_us = sorted((frames[ip] - refused[ip]) * 1e6 for ip in victims if ip in frames and ip in refused)
    if len(late_us) < len(victims) * 0.95:
        raise RuntimeError('of %d refused reals %d were seen refused, %d disabled' % (len(victims), len(refused), len(frames)))
    label = ', %d @1s' % n
    note = '%d reals; until the double has decoded the frame' % len(late_us)
    yield figure('latency', 'refused SYN to frame, p50' + label, 'us', [statistics.median(late_us)], *p50, note=note)
    yield figure('latency', 'refused SYN to frame, p99' + label, 'us', [late_us[int(0.99 * (len(late_us) - 1))]], *p99, note=note)


def row_latency(seconds):
    yield from latency_case(1000, 100, (150, 200), (300, 500))
    yield from latency_case(15000, 300, (300, 1000), (1000, 4000))


# --- 100,000 checks: start, reload, resync --------------------------------------------------------

def resync(d, yanet, n):
    """(seconds until all is flushed again, agg's CPU in s)"""
    updates, flushes = yanet.counts()['updates'], yanet.counts()['RealFlush']
    cpu, begin = cpu_ns(d.pid(), 'agg'), time.monotonic()
    yanet.restart()
    wait_for('a full resync', lambda: yanet.counts()['updates'] - updates >= n and yanet.counts()['RealFlush'] > flushes, 60, 0.02)
    return time.monotonic() - begin, (cpu_ns(d.pid(), 'agg') - cpu) / 1e9


def reloads(d):
    took = []
    for _ in range(3):
        begin = time.monotonic()
        if d.reload() != (200, {}):
            raise RuntimeError('the reload was refused')
        took.append((time.monotonic() - begin) * 1000)
        time.sleep(0.3)
    return took


def row_big(seconds, n=100000, delay=10):
    config = [dump_service(vip(s), [(real_ip(i), PORT) for i in range(100 * s, 100 * s + 100)]) for s in range(n // 100)]
    d = Alived(services(n, delay=delay, per_service=100), yaml=YANET)
    with Fleet(n) as fleet, YanetDouble(d.dir, config) as yanet:
        os.sched_setaffinity(yanet.process.pid, {TARGET_CPU})
        begin = time.monotonic()
        with d:
            ready = time.monotonic() - begin
            time.sleep(0.5)
            first = fleet.stats(delay)['first_s'] - begin
            yield figure('big', 'exec to READY, %d checks' % n, 'ms', [ready * 1000])
            yield figure('big', 'exec to first check, %d checks' % n, 'ms', [first * 1000], 500, 2000, note='files parsed in it')
            d.wait_until_up(n, 40)
            wait_for('all is delivered', lambda: d.summary()['balancer']['undelivered'] == 0, 30, 0.1)
            before = d.counters()
            yield figure('big', 'reload, nothing changed', 'ms', reloads(d), 250, 1000)
            took, cpu = zip(*(resync(d, yanet, n) for _ in range(2)))
            yield figure('big', 'full resync, CPU of agg', 'ms', [c * 1000 for c in cpu], 1000, 3000)
            yield figure('big', 'full resync, from the restart on', 'ms', [t * 1000 for t in took], note='with the wait before reconnecting')
            after = d.counters()
            late = {k: after[k] - before[k] for k in ('grid_skipped', 'worker_late', 'worker_stalls', 'results_bad')}
            yield figure('big', 'due checks missed meanwhile', '', [late['grid_skipped'] + late['worker_late']], 0, 0, note=str(late))


# --- micro ----------------------------------------------------------------------------------------

MICRO = ('bench_wheel', 'bench_ring', 'bench_quorum', 'bench_h1', 'bench_yanet', 'bench_config_parse', 'bench_worker', 'bench_sched')


def micro_figures(line):
    size = {'wheel': 'n', 'sched': 'n', 'ring_job': 'batch', 'ring_result': 'batch'}.get(line['name'])
    name = line['name'] + (' %s=%s' % (size, line[size]) if size else '')
    for key, value in line.items():
        is_time = key.startswith(('ns_', 'us_')) or key in ('ratio', 'gap_error_us_p99', 'p50_ms')
        if is_time and isinstance(value, (int, float)) and key not in ('us_min', 'us_max'):
            unit = 'x' if key == 'ratio' else 'ms' if key.endswith('_ms') else key[:2] if key[2] == '_' else 'us'
            yield figure('micro', '%s: %s' % (name, key), unit, [value])


def row_micro(seconds):
    for program in MICRO:
        path = os.path.join(BENCH, program)
        if not os.path.exists(path):
            continue
        # bench_worker and bench_sched pin their own threads
        wrapper = [] if program in ('bench_worker', 'bench_sched') else on(CLIENT_CPU)
        r = subprocess.run(wrapper + [path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=120)
        if r.returncode != 0:
            raise RuntimeError('%s: exit status %d' % (program, r.returncode))
        for line in r.stdout.splitlines():
            yield from micro_figures(json.loads(line))


ROWS = {'tcp': row_tcp, 'http': row_http, 'https': row_https, 'memory': row_memory, 'pace': row_pace, 'latency': row_latency,
        'big': row_big, 'micro': row_micro}
