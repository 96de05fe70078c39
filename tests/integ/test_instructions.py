#!/usr/bin/python3
"""Our part of a check in instructions, under callgrind, against the record in bench/instructions.txt.

Times on a shared machine cannot fail a test; instructions can. After a change that is meant to cost
or save some: scripts/bench-callgrind --record, and say so in the commit."""
import os, shutil, subprocess, sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get('ALIVED_BUILD', os.path.join(ROOT, 'build', 'release'))
SKIPPED = 77
NAME = 'instructions_per_operation_are_as_recorded'


def skip(reason):
    print('ok 1 - %s # SKIP %s\n1..1' % (NAME, reason))
    sys.exit(0)


def main():
    if os.path.basename(BUILD) != 'release':
        skip('recorded for the release build, this is %s' % os.path.basename(BUILD))
    if not shutil.which('valgrind'):
        skip('no valgrind')
    r = subprocess.run([os.path.join(ROOT, 'scripts', 'bench-callgrind')], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                       timeout=120)
    print('\n'.join('# ' + l for l in (r.stdout + r.stderr).splitlines()))
    if r.returncode == SKIPPED:
        skip(r.stdout.strip())
    print('%s 1 - %s\n1..1' % ('ok' if r.returncode == 0 else 'not ok', NAME))
    sys.exit(r.returncode != 0)


main()
