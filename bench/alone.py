"""A network namespace of its own for the whole benchmark: nobody else's connections are in its counters
and nobody else's rules in its way."""
import os, subprocess, sys

# queues of listeners as long as on the host with the longest: what overflows is a lost check
SET_UP = 'ip link set lo up; for k in core/somaxconn ipv4/tcp_max_syn_backlog; do echo 65535 > /proc/sys/net/$k; done;'

def enter():
    """Starts this program anew inside, if it is not there yet and may."""
    if os.environ.get('ALIVED_BENCH_NETNS') or os.geteuid() != 0:
        return
    probe = subprocess.run(['unshare', '--net', 'sh', '-ec', SET_UP], stdin=subprocess.DEVNULL, capture_output=True)
    if probe.returncode != 0:
        return
    os.environ['ALIVED_BENCH_NETNS'] = '1'
    sys.stdout.flush()
    os.execvp('unshare', ['unshare', '--net', 'sh', '-c', SET_UP + ' exec "$@"', 'sh', sys.executable] + sys.argv)
