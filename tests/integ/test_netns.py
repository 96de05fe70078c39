#!/usr/bin/python3
"""Tests that are ended or killed leave no network namespaces behind."""
import os, signal, subprocess, sys, tempfile

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'lib')
sys.path.insert(0, LIB)
import integ, netns, tunlab
from integ import check, equal, wait_for

LABS = {
    'birds': ('alv%d-l', 'alv%d-f', 'from birds import Birds\n\ndef test_waits():\n    with Birds():\n'),
    'tunlab': ('alt-c-%d', 'alt-r-%d', 'from tunlab import Lab\n\ndef test_waits():\n    with Lab():\n'),
}
PROGRAM = '''import sys, time
sys.path.insert(0, %r)
import integ
%s        print('built', flush=True)
        time.sleep(60)

integ.main({'test_waits': test_waits})
'''


def begin(text, scratch):
    """A test in its middle."""
    p = subprocess.Popen([sys.executable, '-c', PROGRAM % (LIB, text)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                         env=dict(os.environ, TMPDIR=scratch))
    equal(p.stdout.readline(), 'built\n')
    return p


def children(space):
    return subprocess.run(['ip', 'netns', 'pids', space], capture_output=True, text=True).stdout.split()


def ended(lab, number):
    """Its namespaces, after the signal; what ran in the first one is over."""
    first, second, text = LABS[lab]
    with tempfile.TemporaryDirectory(prefix='alived-netns-') as scratch:
        p = begin(text, scratch)
        spaces = [first % p.pid, second % p.pid]
        check(all(map(netns.exists, spaces)), 'they are not there')
        pids = children(spaces[0])
        p.send_signal(number)
        p.wait(20)
        p.stdout.close()
        wait_for('what ran there ended', lambda: not any(os.path.exists('/proc/' + pid) for pid in pids))
    return spaces


def each_lab():
    return [lab for lab in LABS if lab != 'tunlab' or not tunlab.missing()]


def test_sigterm_in_the_middle_of_a_test_removes_its_namespaces():
    for lab in each_lab():
        spaces = ended(lab, signal.SIGTERM)
        equal([s for s in spaces if netns.exists(s)], [], lab)


def test_what_a_killed_test_left_goes_with_the_next_and_nothing_else_does():
    ours = 'alv%d-x' % os.getpid()
    for lab in each_lab():
        spaces = ended(lab, signal.SIGKILL)
        equal([s for s in spaces if netns.exists(s)], spaces, lab + ': a kill cannot be caught')
        netns.is_swept = False
        try:
            equal(netns.add(ours).returncode, 0)
            equal([s for s in spaces + [ours] if netns.exists(s)], [ours], lab)
        finally:
            netns.remove(ours)


def test_names_that_are_not_a_dead_tests_are_left_alone():
    dead = subprocess.Popen(['true'])
    dead.wait()
    check(netns.is_left_over('alv%d-l' % dead.pid) and netns.is_left_over('alt-probe-%d' % dead.pid))
    for name in ('alv%d-l' % os.getpid(), 'alt-c-%d' % os.getpid(), 'office', 'alvin', 'vpn%d' % dead.pid, 'alv%d-l-more' % dead.pid):
        check(not netns.is_left_over(name), name)


if os.geteuid() != 0:
    print('1..0 # SKIP network namespaces need root')
    sys.exit(0)
if __name__ == '__main__':
    integ.main(globals())
