"""What one more real costs. Both points of a slope have the same checks per second, and each ring has
been round by then: what depends on the rate and what is there once is in neither difference."""
import time

from contenders import *

RING_RESULTS = 70000 # twice round the smallest result ring


def rss_at(n, kind, check, delay, tickets=0, results=0):
    with Fleet(n, kind, tickets=tickets), Alived(services(n, check, delay=delay)) as d:
        wait_for('each check had a result', lambda: d.summary()['checks']['undecided'] <= n // 200, 60, 0.2)
        wait_for('%d results' % results, lambda: d.n_checks() >= results, 60, 0.2)
        time.sleep(0.3)
        return rss_bytes(d.pid())


def slope(name, points, budget, bound, note, **more):
    """points: two of (n, delay)."""
    (few, _), (many, _) = points
    low, high = (rss_at(n, delay=delay, **more) for n, delay in points)
    yield figure('memory', 'RSS, %d %s' % (few, name), 'MiB', [low / 1048576])
    yield figure('memory', 'RSS, %d %s' % (many, name), 'MiB', [high / 1048576])
    yield figure('memory', 'RSS per real with one %s, %d to %d' % (name, few, many), 'B', [(high - low) / (many - few)], budget, bound, note=note)


def row_memory(seconds):
    yield from slope('TCP check', ((20000, 2), (100000, 10)), 256, 512, '', kind='tcp', check=TCP_HALF_OPEN, results=RING_RESULTS)
    yield from slope('HTTPS check', ((1000, 2), (12000, 24)), 384, 1024, 'equal handshakes per second', kind='https', check=HTTPS)
    kept = resuming(HTTPS)
    need_keyword(kept, 'session_reuse on')
    yield from slope('HTTPS check and kept session', ((1000, 2), (12000, 24)), 7168, 8192, 'equal handshakes per second', kind='https',
                     check=kept, tickets=1)
