#!/usr/bin/env bash
# Makes the profiles of this folder anew, each with the tool whose format it is. Needs Python 3 with pip, valgrind, Node.js,
# Debian's golang and a C compiler. The figures in `expected.json` are what the tools themselves print for them.
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

# Python's Plop, from PyPI.
python3 -m venv "$scratch/venv"
"$scratch/venv/bin/pip" install --quiet plop
(cd "$scratch" && venv/bin/python - <<'PYTHON'
import signal, threading
from plop.collector import Collector, PlopFormatter
collector = Collector(mode='virtual')
collector.start()
exec(compile(open('work.py').read() * 20, 'work.py', 'exec'))
collector.stop()
PlopFormatter().store(collector, 'work.plop')
PYTHON
)
cp "$scratch/work.plop" .

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
python3 - > expected.json <<'PYTHON'
import ast, gzip, json, pstats, re, subprocess, tempfile
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
print(json.dumps(expected, indent=1))
PYTHON
