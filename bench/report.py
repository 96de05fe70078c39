"""The benchmark's report: table.md with plots of text, bench.json and, with gnuplot, budgets.svg and
scale.svg."""
import json, os, shutil, subprocess


def verdict(f):
    """`budget`, `acceptable`, `MISSED`, or nothing where nothing is promised."""
    def within(limit):
        return limit is not None and f['value'] <= limit
    if f['budget'] is None and f['bound'] is None:
        return ''
    if within(f['budget']):
        return 'budget'
    return 'acceptable' if within(f['bound']) else 'MISSED'


def number(v):
    if v is None:
        return ''
    return '%d' % v if v == int(v) and abs(v) < 1e9 else '%.0f' % v if abs(v) >= 100 else '%.3g' % v


def line(f):
    span = '' if f['runs'] == 1 else '%s–%s (%d)' % (number(f['low']), number(f['high']), f['runs'])
    return [f['row'], f['name'], ('%s %s' % (number(f['value']), f['unit'])).strip(), span, number(f['budget']), number(f['bound']),
            verdict(f), f['note']]


def markdown(head, rows):
    return ['| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)] + ['| ' + ' | '.join(r) + ' |' for r in rows]


HEAD = ['row', 'figure', 'median', 'spread (runs)', 'budget', 'acceptable', 'met', 'note']


def table(meta, figures, skipped):
    lines = ['# Benchmark', ''] + ['- %s: %s' % (k, v) for k, v in meta.items()]
    ratios = [f for f in figures if f['unit'] == 'x' and f['row'] != 'micro']
    if ratios:
        lines += ['', '## Ratios', ''] + markdown(HEAD[1:7], [line(f)[1:7] for f in ratios])
    lines += ['', '## All figures', ''] + markdown(HEAD, [line(f) for f in figures])
    lines += [''] + ['- not measured: %s: %s' % s for s in skipped]
    return '\n'.join(lines + text_plots(figures)).rstrip() + '\n'


# --- plots ----------------------------------------------------------------------------------------

def against_budget(figures):
    """(name, part of its budget)"""
    found = []
    for f in figures:
        limit = f['budget'] if f['budget'] else f['bound']
        if limit and f['value'] > 0:
            found.append((f['name'], f['value'] / limit))
    return found


def curves(figures):
    """{curve: [(x, y)]} of the figures that are points of one."""
    found = {}
    for f in figures:
        if f.get('series'):
            found.setdefault(f['series'][1], []).append((f['series'][2], f['value']))
    return found


BAR = 40


def bar(part):
    """A bar of BAR columns is the budget; what is beyond 1.5 budgets is cut."""
    n = min(round(part * BAR), BAR + BAR // 2)
    inside = '#' * min(n, BAR)
    return inside.ljust(BAR) + '|' + '#' * (n - BAR) + ('>' if part > 1.5 else '')


def text_plots(figures):
    lines, parts, scale = [], against_budget(figures), curves(figures)
    if parts:
        lines += ['', '## Parts of the budgets', '', 'The bar `|` is the budget (of those that have none: what is acceptable).', '', '```']
        lines += ['%-58s %5.2f %s' % (name, part, bar(part)) for name, part in parts] + ['```']
    if scale:
        most = max(y for points in scale.values() for _, y in points)
        lines += ['', '## Cost of a check against the number of checks, equal rate', '', '```']
        lines += ['%-10s %7d checks %6.1f us %s' % (name, x, y, '#' * round(BAR * y / most)) for name, points in scale.items() for x, y in points]
        lines.append('```')
    return lines


BUDGETS = '''set terminal svg size 900,%d font "sans,11" background "white" noenhanced
set output "%s"
set title "Figures as parts of their budget (1 = the budget; less is better)"
set style fill solid 0.7
set boxwidth 0.6
set logscale x
set xrange [0.01:*]
set yrange [-1:%d]
set ytics nomirror
set xtics nomirror
set grid x
set arrow from first 1, graph 0 to first 1, graph 1 nohead lw 2 lc rgb "#c00000"
unset key
$figures << EOD
%s
EOD
set lmargin 46
plot $figures using 2:0:(0.01):2:($0-0.3):($0+0.3):ytic(1) with boxxyerror lc rgb "#3070b0"
'''
SCALE = '''set terminal svg size 700,420 font "sans,11" background "white" noenhanced
set output "%s"
set title "CPU per check at an equal rate"
set xlabel "checks"
set ylabel "us"
set logscale x
set yrange [0:*]
set grid
%s
plot %s
'''


def gnuplot(text):
    subprocess.run(['gnuplot', '-'], input=text, text=True, check=True)


def plot(directory, figures):
    """The paths of what was drawn."""
    drawn = []
    if not shutil.which('gnuplot'):
        return drawn
    parts, scale = against_budget(figures), curves(figures)
    if parts:
        drawn.append(os.path.join(directory, 'budgets.svg'))
        rows = '\n'.join('"%s" %.4f' % (n, max(p, 0.011)) for n, p in reversed(parts))
        gnuplot(BUDGETS % (120 + 22 * len(parts), drawn[-1], len(parts), rows))
    if scale:
        drawn.append(os.path.join(directory, 'scale.svg'))
        data = '\n'.join('$d%d << EOD\n%s\nEOD' % (i, '\n'.join('%g %g' % p for p in points)) for i, points in enumerate(scale.values()))
        plots = ', '.join('$d%d using 1:2 with linespoints title "%s"' % (i, name) for i, name in enumerate(scale))
        gnuplot(SCALE % (drawn[-1], data, plots))
    return drawn


def write(directory, meta, figures, skipped):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, 'bench.json'), 'w') as f:
        json.dump(dict(meta=meta, figures=[dict(x, met=verdict(x)) for x in figures], skipped=skipped), f, indent=1)
        f.write('\n')
    text = table(meta, figures, skipped)
    with open(os.path.join(directory, 'table.md'), 'w') as f:
        f.write(text)
    return text
