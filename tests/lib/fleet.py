"""bench/fleet as a program of a test: n addresses that accept, and what it saw of the checks."""
import json, os, socket, subprocess

import integ
from integ import check


class Fleet:
    def __init__(self, directory, first, port, n):
        self.control = os.path.join(directory, 'fleet.sock')
        self.argv = [os.path.join(integ.BUILD, 'bench', 'fleet'), '--tcp', '%s:%d,%d' % (first, port, n), '--control', self.control]

    def __enter__(self):
        self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        check(self.process.stdout.readline().startswith('ready'), 'the fleet did not start')
        self.line = socket.socket(socket.AF_UNIX)
        self.line.connect(self.control)
        self.file = self.line.makefile('rw')
        return self

    def __exit__(self, *failure):
        self.process.terminate()
        self.process.wait()

    def command(self, text):
        self.file.write(text + '\n')
        self.file.flush()
        reply = ''
        while True:
            line = self.file.readline()
            if not line or line.strip() == 'ok':
                return reply
            check(not line.startswith('error'), line)
            reply += line

    def stats(self, interval):
        return json.loads(self.command('stats %g' % interval))

    def forget(self):
        self.command('reset')
