"""A network namespace of its own for the whole benchmark: nobody else's connections are in its counters
and nobody else's rules in its way."""
import os, subprocess, sys


def enter():
    """Starts this program anew inside, if it is not there yet and may."""
    if os.environ.get('ALIVED_BENCH_NETNS') or os.geteuid() != 0:
        return
    probe = subprocess.run(['unshare', '--net', 'ip', 'link', 'set', 'lo', 'up'], stdin=subprocess.DEVNULL, capture_output=True)
    if probe.returncode != 0:
        return
    os.environ['ALIVED_BENCH_NETNS'] = '1'
    sys.stdout.flush()
    os.execvp('unshare', ['unshare', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', sys.executable] + sys.argv)
