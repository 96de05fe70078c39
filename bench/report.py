"""The benchmark's report: table.md, bench.json and, with gnuplot, budgets.svg."""
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


def table(meta, figures, skipped):
    head = ['row', 'figure', 'median', 'spread (runs)', 'budget', 'acceptable', 'met', 'note']
    lines = ['# Benchmark', '']
    lines += ['- %s: %s' % (k, v) for k, v in meta.items()]
    lines += ['', '| ' + ' | '.join(head) + ' |', '|' + '---|' * len(head)]
    lines += ['| ' + ' | '.join(line(f)) + ' |' for f in figures]
    lines += [''] + ['- not measured: %s: %s' % s for s in skipped]
    return '\n'.join(lines).rstrip() + '\n'


PLOT = '''set terminal svg size 900,%d font "sans,11" background "white" noenhanced
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


def plot(directory, figures):
    """Returns False if there is nothing to plot with."""
    shown = []
    for f in figures:
        limit = f['budget'] if f['budget'] else f['bound']
        if limit and f['value'] > 0:
            shown.append((f['name'], max(f['value'] / limit, 0.011)))
    if not shutil.which('gnuplot') or not shown:
        return False
    rows = '\n'.join('"%s" %.4f' % s for s in reversed(shown))
    text = PLOT % (120 + 22 * len(shown), os.path.join(directory, 'budgets.svg'), len(shown), rows)
    subprocess.run(['gnuplot', '-'], input=text, text=True, check=True)
    return True


def write(directory, meta, figures, skipped):
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, 'bench.json'), 'w') as f:
        json.dump(dict(meta=meta, figures=[dict(x, met=verdict(x)) for x in figures], skipped=skipped), f, indent=1)
        f.write('\n')
    text = table(meta, figures, skipped)
    with open(os.path.join(directory, 'table.md'), 'w') as f:
        f.write(text)
    return text
