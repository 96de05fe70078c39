"""Two unmodified BIRDs in two network namespaces, eBGP over veth, one session per family: `local` reads
alived's files, `far` is its neighbour. Everything is removed by the context manager."""
import contextlib, os, re, shutil, signal, socket, subprocess, tempfile, time
import netns
from integ import Failed, wait_for
from route_watch import RouteWatch

FAR_TABLE = 100 # of the kernel, in far's namespace

LOCAL = '''log "%(dir)s/local.log" all;
router id 10.255.0.1;
include "%(files)s/*.conf";
protocol device { }
protocol kernel { ipv4 { import none; export where proto !~ "hc_*"; }; }
protocol bgp up4 {
  local 10.255.0.1 as 65001;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  neighbor 10.255.0.2 as 65002;
  ipv4 { import none; export where proto ~ "hc_*"; next hop self; };
}
protocol bgp up6 {
  local fd00:a11::1 as 65001;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  neighbor fd00:a11::2 as 65002;
  ipv6 { import none; export where proto ~ "hc_*"; next hop self; };
}
'''
# A BIRD that is set up for anycast_healthchecker: the VIPs' routes are there, a list lets them out.
LIST_LOCAL = '''log "%(dir)s/local.log" all;
router id 10.255.0.1;
include "%(files)s/4/list.conf";
include "%(files)s/6/list.conf";
protocol device { }
protocol static vips4 { ipv4; %(routes4)s }
protocol static vips6 { ipv6; %(routes6)s }
protocol bgp up4 {
  local 10.255.0.1 as 65001;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  neighbor 10.255.0.2 as 65002;
  ipv4 { import none; export where net ~ ACAST_PS_ADVERTISE; next hop self; };
}
protocol bgp up6 {
  local fd00:a11::1 as 65001;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  neighbor fd00:a11::2 as 65002;
  ipv6 { import none; export where net ~ ACAST6_PS_ADVERTISE; next hop self; };
}
'''
EMPTY_LIST = '''# as anycast_healthchecker leaves it
define %s =
    [
        %s
    ];
'''
FAR = '''log "%(dir)s/far.log" all;
router id 10.255.0.2;
protocol device { }
protocol bgp down4 {
  local 10.255.0.2 as 65002;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  neighbor 10.255.0.1 as 65001;
  ipv4 { import all; export none; };
}
protocol bgp down6 {
  local fd00:a11::2 as 65002;
  connect delay time 1; connect retry time 1; error wait time 1, 2;
  neighbor fd00:a11::1 as 65001;
  ipv6 { import all; export none; };
}
'''
# what the neighbour's table says goes on into the kernel at once, which tells whoever listens
FAR_KERNEL = '''
protocol kernel { kernel table %(table)d; ipv4 { import none; export all; }; }
protocol kernel { kernel table %(table)d; ipv6 { import none; export all; }; }
'''


class Birdc:
    """A control connection that is kept open."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(path)
        self.file = self.sock.makefile('rb')
        self.reply()

    def reply(self):
        lines = []
        while True:
            line = self.file.readline().decode()
            if not line:
                raise ConnectionError('BIRD closed the connection')
            if line.startswith('+'):
                continue
            lines.append(line.rstrip('\n'))
            if re.match(r'\d{4} ', line):
                return lines

    def ask(self, command):
        self.sock.sendall(command.encode() + b'\n')
        return self.reply()

    def close(self):
        self.file.close()
        self.sock.close()


def run(*command):
    r = subprocess.run(command, capture_output=True, text=True)
    if r.returncode:
        raise Failed('%s: %s' % (' '.join(command), r.stderr.strip()))


class Birds:
    def __init__(self, watched=False, local=LOCAL, far=FAR):
        self.watched = watched
        self.local, self.far_text = local, far # bird.conf; %(dir)s and, local, %(files)s are filled in
        self.dir = tempfile.mkdtemp(prefix='alived-birds-')
        os.chmod(self.dir, 0o755)
        self.files = self.path('files')
        os.mkdir(self.files) # BIRD does not start without it
        self.space = {'local': 'alv%d-l' % os.getpid(), 'far': 'alv%d-f' % os.getpid()}
        self.process = {}
        self.connection = None

    def path(self, name):
        return os.path.join(self.dir, name)

    def __enter__(self):
        try:
            self.make_link()
            self.write_local()
            with open(self.path('far.conf'), 'w') as f:
                f.write(self.far_text % {'dir': self.dir} + (FAR_KERNEL % {'table': FAR_TABLE} if self.watched else ''))
            self.start('far')
            self.start('local')
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *failure):
        try:
            if self.connection:
                self.connection.close()
            for name in list(self.process):
                self.kill(name)
        finally:
            netns.remove(*self.space.values())
        shutil.rmtree(self.dir, ignore_errors=True)

    def make_link(self):
        a, b = self.space['local'], self.space['far']
        for space in (a, b):
            r = netns.add(space)
            if r.returncode:
                raise Failed('%s: %s' % (space, r.stderr.strip()))
            run('ip', '-n', space, 'link', 'set', 'lo', 'up')
        run('ip', '-n', a, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v0', 'netns', b)
        for space, last in ((a, 1), (b, 2)):
            run('ip', '-n', space, 'addr', 'add', '10.255.0.%d/30' % last, 'dev', 'v0')
            run('ip', '-n', space, 'addr', 'add', 'fd00:a11::%d/64' % last, 'dev', 'v0', 'nodad')
            run('ip', '-n', space, 'link', 'set', 'v0', 'up')

    def write_local(self, extra=''):
        with open(self.path('local.conf.new'), 'w') as f:
            f.write(self.local % {'dir': self.dir, 'files': self.files} + extra)
        os.rename(self.path('local.conf.new'), self.path('local.conf'))

    def start(self, name):
        self.process[name] = subprocess.Popen(
            ['ip', 'netns', 'exec', self.space[name], 'bird', '-f', '-c', self.path(name + '.conf'), '-s',
             self.path(name + '.ctl'), '-P', self.path(name + '.pid')], stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=netns.die_with_parent)
        wait_for('BIRD %s answers' % name, lambda: self.answers(name), 10)

    def answers(self, name):
        with contextlib.suppress(OSError):
            c = Birdc(self.path(name + '.ctl'))
            c.close()
            return True
        return False

    def send(self, name, number):
        self.process[name].send_signal(number)

    def kill(self, name, number=int(signal.SIGKILL)):
        p = self.process.pop(name)
        with contextlib.suppress(ProcessLookupError):
            p.send_signal(signal.SIGCONT)
            p.send_signal(number)
        p.wait(10)

    def ask(self, name, command):
        c = Birdc(self.path(name + '.ctl'))
        try:
            return c.ask(command)
        finally:
            c.close()

    def far(self, command):
        if not self.connection:
            self.connection = Birdc(self.path('far.ctl'))
        return self.connection.ask(command)

    def watch(self):
        """The neighbour's table as its kernel has it; only if it is watched."""
        return RouteWatch(self.space['far'], FAR_TABLE)

    def established(self):
        text = '\n'.join(self.ask('far', 'show protocols'))
        return text.count('Established') == 2

    def has(self, vip):
        """The neighbour has a route to this VIP."""
        length = 128 if ':' in vip else 32
        return not self.far('show route for %s/%d' % (vip, length))[-1].startswith('8001')

    def n_routes(self):
        """(IPv4, IPv6) routes at the neighbour."""
        text = '\n'.join(self.far('show route count'))
        return tuple(int(re.search(r'(\d+) of \d+ routes for \d+ networks in table master%d' % f, text).group(1)) for f in (4, 6))

    def n_configured(self):
        """How often the local BIRD was configured anew."""
        with open(self.path('local.log')) as f:
            return f.read().count('Reconfigured')

    def text(self, group):
        try:
            with open(os.path.join(self.files, group + '.conf')) as f:
                return f.read()
        except FileNotFoundError:
            return ''

    def route_time(self, vip):
        """When the neighbour learned it, seconds of the day; BIRD's print of it moves by a millisecond."""
        length = 128 if ':' in vip else 32
        text = '\n'.join(self.far('show route for %s/%d all' % (vip, length)))
        h, m, s = re.search(r'\[down\d (\d+):(\d+):([\d.]+)', text).groups()
        return int(h) * 3600 + int(m) * 60 + float(s)


class ListBirds(Birds):
    """The local BIRD has routes to all of vips and announces those that stand in its two lists."""

    def __init__(self, vips):
        super().__init__()
        self.vips = vips
        for family, name, dummy in (('4', 'ACAST_PS_ADVERTISE', '10.189.200.255/32'), ('6', 'ACAST6_PS_ADVERTISE', '2001:db8::1/128')):
            os.mkdir(os.path.join(self.files, family))
            self.write_list(family, EMPTY_LIST % (name, dummy))

    def list_path(self, family):
        return os.path.join(self.files, family, 'list.conf')

    def write_list(self, family, text):
        with open(self.list_path(family) + '.new', 'w') as f:
            f.write(text)
        os.rename(self.list_path(family) + '.new', self.list_path(family))

    def list(self, family='4'):
        try:
            with open(self.list_path(family)) as f:
                return f.read()
        except FileNotFoundError:
            return ''

    def write_local(self, extra=''):
        routes = ' '.join('route %s/32 blackhole;' % v for v in self.vips if ':' not in v)
        routes6 = ' '.join('route %s/128 blackhole;' % v for v in self.vips if ':' in v)
        with open(self.path('local.conf.new'), 'w') as f:
            f.write(LIST_LOCAL % {'dir': self.dir, 'files': self.files, 'routes4': routes, 'routes6': routes6} + extra)
        os.rename(self.path('local.conf.new'), self.path('local.conf'))
