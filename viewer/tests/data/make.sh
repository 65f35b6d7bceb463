#!/usr/bin/env bash
# Makes the profiles of this folder anew, each with the tool whose format it is. Needs Python 3 with pip, valgrind, perf (Debian:
# linux-perf), Node.js, Debian's golang and a C compiler. The figures in `expected.json` are what the tools themselves print for them.
set -euo pipefail
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

cat > "$scratch/work.py" <<'PYTHON'
def leaf(n):
    return sum(i * i for i in range(n))
def even(n):
    return leaf(200) + (odd(n - 1) if n else 0)
def odd(n):
    return leaf(300) + (even(n - 1) if n else 0)
def main():
    for _ in range(200):
        even(12)
main()
PYTHON

# Python's cProfile.
(cd "$scratch" && python3 -m cProfile -o work.pstats work.py)
cp "$scratch/work.pstats" .

# Python's Plop, from PyPI, in both of its formats.
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet plop pyinstrument
(cd "$scratch" && venv/bin/python - <<'PYTHON'
import signal, threading
from plop.collector import Collector, FlamegraphFormatter, PlopFormatter
collector = Collector(mode='virtual')
collector.start()
exec(compile(open('work.py').read() * 20, 'work.py', 'exec'))
collector.stop()
PlopFormatter().store(collector, 'work.plop')
FlamegraphFormatter().store(collector, 'work.flame')
PYTHON
)
cp "$scratch/work.plop" "$scratch/work.flame" .

# pyinstrument, which writes speedscope's format; its own is kept to compare with.
(cd "$scratch" && venv/bin/pyinstrument -r pyisession -o work.pyisession work.py >/dev/null
  venv/bin/pyinstrument --load work.pyisession -r speedscope -o work.speedscope.json
  venv/bin/pyinstrument --load work.pyisession -r json -o work.pyinstrument.json)
gzip -9nc "$scratch/work.speedscope.json" > work.speedscope.json.gz

# Callgrind, on a program of three functions, one of them called from two.
cat > "$scratch/work.c" <<'C'
__attribute__((noinline)) unsigned leaf(unsigned n) { unsigned s = 0; while (n--) s += n ^ (s << 1); return s; }
static inline __attribute__((always_inline)) unsigned both(unsigned n) { return leaf(n) + leaf(n / 2); }
__attribute__((noinline)) unsigned once(unsigned n) { return both(n); }
__attribute__((noinline)) unsigned fib(unsigned n) { return n < 2 ? leaf(10) : fib(n - 1) + fib(n - 2); }
int main(void) { return (int)(once(5000) + leaf(3000) + fib(8)) & 1; }
C
cc -g -O1 -static -ffile-prefix-map="$scratch"=. -o "$scratch/work" "$scratch/work.c"
(cd "$scratch" && valgrind --quiet --tool=callgrind --toggle-collect=main --callgrind-out-file=callgrind.out ./work || true)
gzip -9nc "$scratch/callgrind.out" > callgrind.out.gz

# perf, on the same functions in a loop.
cat > "$scratch/busy.c" <<'C'
__attribute__((noinline)) unsigned leaf(unsigned n) { unsigned s = 0; while (n--) s += n ^ (s << 1); return s; }
__attribute__((noinline)) unsigned once(unsigned n) { return leaf(n) + 1; }
int main(void) { unsigned s = 0; for (unsigned i = 0; i < 20000; i++) s += once(5000 + (i & 7)) + leaf(3000 + (i & 3)); return (int)s & 1; }
C
cc -g -O1 -fno-omit-frame-pointer -static -o "$scratch/busy" "$scratch/busy.c"
(cd "$scratch" && perf record --quiet --event cpu-clock --freq 199 --call-graph fp --output perf.data ./busy)
perf script --input "$scratch/perf.data" | sed "s|$scratch/||" | gzip -9n > busy.perf.gz

# DHAT, which counts what is allocated.
cat > "$scratch/heap.c" <<'C'
#include <stdlib.h>
__attribute__((noinline)) void *small(void) { return malloc(10); }
__attribute__((noinline)) void *large(void) { return malloc(1000); }
int main(void) { for (int i = 0; i < 50; i++) { char *kept = small(); kept[0] = 1; free(large()); } return 0; }
C
cc -g -O1 -fno-builtin -ffile-prefix-map="$scratch"=. -o "$scratch/heap" "$scratch/heap.c"
(cd "$scratch" && valgrind --tool=dhat --dhat-out-file=heap.dhat.json ./heap 2>heap.said)
sed "s|$scratch/||" "$scratch/heap.dhat.json" > heap.dhat.json

# Node: CPU and heap.
cat > "$scratch/work.js" <<'JS'
function leaf(n) { let s = 0; for (let i = 0; i < n; i++) s += Math.sqrt(i); return s; }
function main() { let kept = []; for (let i = 0; i < 3000; i++) { leaf(3000); kept.push(new Array(100).fill(i)); } return kept; }
main();
JS
(cd "$scratch" && node --cpu-prof --cpu-prof-name=work.cpuprofile --heap-prof --heap-prof-interval=4096 --heap-prof-name=work.heapprofile work.js)
gzip -9nc "$scratch/work.cpuprofile" > work.cpuprofile.gz
gzip -9nc "$scratch/work.heapprofile" > work.heapprofile.gz

# Go: a CPU profile, and the texts of the heap and of goroutines.
cat > "$scratch/work.go" <<'GO'
package main

import (
	"os"
	"runtime"
	"runtime/pprof"
)

func leaf(n int) (s int) {
	for i := 0; i < n; i++ {
		s += i * i % 7
	}
	return s
}

var kept [][]byte

func main() {
	runtime.MemProfileRate = 4096
	file, _ := os.Create("go.cpu.pb.gz")
	pprof.StartCPUProfile(file)
	for i := 0; i < 300; i++ {
		leaf(1000000)
		kept = append(kept, make([]byte, 10000))
	}
	pprof.StopCPUProfile()
	file.Close()
	for _, name := range []string{"heap", "goroutine"} {
		file, _ := os.Create("go." + name + ".txt")
		pprof.Lookup(name).WriteTo(file, 1)
		file.Close()
	}
}
GO
(cd "$scratch" && GOFLAGS=-mod=mod GO111MODULE=off go run -trimpath work.go)
cp "$scratch"/go.cpu.pb.gz "$scratch"/go.*.txt .

# What the tools print.
SCRATCH=$scratch python3 - > expected.json <<'PYTHON'
import ast, gzip, os, json, pstats, re, subprocess, tempfile
def rows(pairs):
    return sorted(([name, value] for name, value in pairs), key=lambda row: (-row[1], row[0]))[:5]
expected = {}
stats = pstats.Stats('work.pstats')
expected['work.pstats'] = {
    'total': round(stats.total_tt * 1e9),
    'self': rows((key[2], round(value[2] * 1e9)) for key, value in stats.stats.items()),
    'total_of': rows((key[2], round(value[3] * 1e9)) for key, value in stats.stats.items()),
}
stacks = ast.literal_eval(open('work.plop').read())
own = {}
for stack, count in stacks.items():
    own[stack[0][2]] = own.get(stack[0][2], 0) + count
expected['work.plop'] = {'total': sum(stacks.values()), 'self': rows(own.items())}
with tempfile.NamedTemporaryFile() as plain:
    plain.write(gzip.open('callgrind.out.gz').read())
    plain.flush()
    def annotate(*options):
        text = subprocess.run(['callgrind_annotate', '--threshold=100', '--auto=no', *options, plain.name], capture_output=True, text=True).stdout
        found = re.findall(r'^\s*([\d,]+) \([ \d.]+%\)  (.*)$', text, re.M)
        return [(name.split(' [')[0].split(':')[-1], int(value.replace(',', ''))) for value, name in found]
    own, inclusive = annotate(), annotate('--inclusive=yes')
    expected['callgrind.out.gz'] = {'total': own[0][1], 'self': rows(own[1:]), 'total_of': rows(row for row in inclusive[1:] if not row[0].startswith(("fib", "(below")))}
profile = json.load(gzip.open('work.cpuprofile.gz'))
names = {node['id']: node['callFrame']['functionName'] for node in profile['nodes']}
time = {}
for at, node in enumerate(profile['samples'][:-1]):
    time[names[node]] = time.get(names[node], 0) + profile['timeDeltas'][at + 1]
expected['work.cpuprofile.gz'] = {'total': sum(v for k, v in time.items() if k not in ('(root)', '(idle)')), 'self': [['leaf', time['leaf']]]}
heap = json.load(gzip.open('work.heapprofile.gz'))
def size(node):
    return node['selfSize'] + sum(size(child) for child in node['children'])
expected['work.heapprofile.gz'] = {'total': size(heap['head'])}
for name in ['go.cpu.pb.gz', 'go.heap.txt', 'go.goroutine.txt']:
    text = subprocess.run(['go', 'tool', 'pprof', '-raw', name], capture_output=True, text=True).stdout
    values = re.findall(r'^\s+((?:-?\d+ +)*-?\d+): [\d ]', text.split('Samples:')[1].split('Locations')[0], re.M)
    expected[name] = {'total': sum(int(row.split()[-1]) for row in values)}
expected['work.flame'] = {'total': sum(int(line.rsplit(' ', 1)[1]) for line in open('work.flame'))}
scratch = os.environ['SCRATCH'] + '/'
session = json.load(open(scratch + 'work.pyinstrument.json'))
def frames(frame):
    yield frame['function'], round(frame['time'] * 1e9)
    for child in frame['children']:
        yield from frames(child)
outer = dict(reversed(list(frames(session['root_frame']))))
expected['work.speedscope.json.gz'] = {'total': outer['<module>'], 'total_of': [['main', outer['main']]]}
text = subprocess.run(['perf', 'report', '--input', scratch + 'perf.data', '--no-children', '--stdio', '-g', 'none', '-F', 'period,sym'], capture_output=True, text=True).stdout
own = [(name, int(value)) for value, name in re.findall(r'^ *(\d+) +\[[.k]\] (.+?) *$', text, re.M)]
expected['busy.perf.gz'] = {'total': sum(value for _, value in own), 'self': rows(own)}
said = open(scratch + 'heap.said').read()
expected['heap.dhat.json'] = {'total': int(re.search(r'At t-gmax: ([\d,]+) bytes', said)[1].replace(',', ''))}
print(json.dumps(expected, indent=1))
PYTHON
