"""The programs bench/bench_*.c."""
import json, os, subprocess

from harness import *

MICRO = ('bench_wheel', 'bench_ring', 'bench_quorum', 'bench_h1', 'bench_yanet', 'bench_config_parse', 'bench_worker', 'bench_sched', 'bench_tun')


RATES = ('packets_per_s', 'capacity_per_s')


def micro_figures(line):
    size = {'wheel': 'n', 'sched': 'n', 'ring_job': 'batch', 'ring_result': 'batch'}.get(line['name'])
    name = line['name'] + (' %s=%s' % (size, line[size]) if size else '')
    for key, value in line.items():
        is_time = key.startswith(('ns_', 'us_')) or key in ('ratio', 'gap_error_us_p99', 'p50_ms')
        if key in RATES:
            yield figure('micro', '%s: %s' % (name, key), '/s', [value])
        elif is_time and isinstance(value, (int, float)) and key not in ('us_min', 'us_max'):
            unit = 'x' if key == 'ratio' else 'ms' if key.endswith('_ms') else key[:2] if key[2] == '_' else 'us'
            yield figure('micro', '%s: %s' % (name, key), unit, [value])


def row_micro(seconds):
    for program in MICRO:
        path = os.path.join(BENCH, program)
        if not os.path.exists(path):
            continue
        # bench_worker and bench_sched pin their own threads
        wrapper = [] if program in ('bench_worker', 'bench_sched', 'bench_tun') else on(CLIENT_CPU)
        r = subprocess.run(wrapper + [path], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, timeout=120)
        if r.returncode != 0:
            raise RuntimeError('%s: exit status %d' % (program, r.returncode))
        for line in r.stdout.splitlines():
            yield from micro_figures(json.loads(line))
