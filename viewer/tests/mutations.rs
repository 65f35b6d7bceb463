//! Broken files of every format, made by changing and cutting whole ones: an importer answers, it does not panic, hang, or
//! take memory beyond a stated multiple of what it was given. The same at every run.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use plop_view::import::import;

/// How many broken files are made of each whole one.
const ROUNDS: usize = 400;

/// No file here is larger than some kilobytes; in a build without optimization the slowest takes a hundredth of this.
const LONGEST: Duration = Duration::from_secs(10);

/// How many bytes an importer may hold at a time for each byte that it was given …
const MEMORY_FACTOR: usize = 64;
/// … and besides: tables that are made at once, buffers for unpacking.
const MEMORY_BASE: usize = 4 << 20;

thread_local! {
    /// Bytes that this thread holds, and the most that it held since `most` was set back.
    static HELD: Cell<Held> = const { Cell::new(Held { now: 0, most: 0 }) };
}

#[derive(Clone, Copy)]
struct Held {
    now: isize,
    most: isize,
}

impl Held {
    fn change(by: isize) {
        // A thread that ends may free what it held after its cells are gone.
        let _ = HELD.try_with(|held| {
            let now = held.get().now + by;
            held.set(Held { now, most: held.get().most.max(now) });
        });
    }
}

/// The system's allocator, counting.
struct Counting;

// SAFETY: every call goes on to the system's allocator as it came; the counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Held::change(layout.size() as isize);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // What another thread allocated may be freed here: the count may go below zero.
        Held::change(-(layout.size() as isize));
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Small whole files, one of each format that `data/` has none of.
const SEEDS: &[&str] = &[
    "main;parse;lex 3\nmain;parse 1\nmain 2.5\n",
    "# remark\nbusy 7/8 [001] 1.0: 500 cycles:u: \n\t 10 leaf->in+0x1 (/bin/busy)\n\t 20 [unknown] ([unknown])\n\nbusy 7 1.1: 9 faults:\n\n",
    "{(('app.py', 12, 'parse'), (u\"m\\xe4in.py\", 3, 'main')): 8, (('app.py', 1, 'lex'),): 2L}",
    r#"{"$schema":"https://www.speedscope.app/file-format-schema.json","shared":{"frames":[{"name":"a"},{"name":"b","line":3}]},"profiles":[{"type":"sampled","name":"x","unit":"seconds","startValue":0,"endValue":2,"samples":[[0,1],[0]],"weights":[1,2.5]},{"type":"evented","name":"y","unit":"bytes","startValue":0,"endValue":2,"events":[{"type":"O","frame":0,"at":0},{"type":"C","frame":0,"at":2}]}]}"#,
    r#"{"head":{"functionName":"(root)","id":1,"children":[{"functionName":"f","url":"a.js","id":2,"children":[]}]},"startTime":1,"samples":[2,1],"timestamps":[1000010,1000040]}"#,
    r#"[{"pid":1,"tid":2,"ph":"B","name":"a","ts":0},{"pid":1,"tid":2,"ph":"X","name":"b","ts":1,"dur":2,"args":{"x":[1]}},{"pid":1,"tid":2,"ph":"E","name":"a","ts":9},{"ph":"M","name":"thread_name","pid":1,"tid":2,"args":{"name":"t"}}]"#,
    r#"{"traceEvents":[{"ph":"P","name":"Profile","id":"0x1","pid":1,"tid":2,"ts":1,"args":{"data":{"startTime":5}}},{"ph":"P","name":"ProfileChunk","id":"0x1","pid":1,"tid":2,"ts":2,"args":{"data":{"cpuProfile":{"nodes":[{"id":1,"callFrame":{"functionName":"f","url":"a.js","lineNumber":1,"columnNumber":2}}],"samples":[1,1]},"timeDeltas":[1,2]}}}]}"#,
    r#"{"meta":{"preprocessedProfileVersion":50,"sampleUnits":{"threadCPUDelta":"ns"}},"libs":[{"name":"l","codeId":"ab"}],"threads":[{"name":"t","pid":"1","tid":2,"stringArray":["f","0x10"],"frameTable":{"func":[0,1],"address":[-1,16],"line":[1,null]},"funcTable":{"name":[0,1],"fileName":[null,null],"resource":[-1,0]},"resourceTable":{"lib":[0],"name":[0]},"stackTable":{"prefix":[null,0],"frame":[0,1]},"samples":{"stack":[1,null],"weight":[1,2],"threadCPUDelta":[3,null]}}]}"#,
    r#"{"meta":{"version":26},"libs":[{"name":"l","start":4096,"end":8192}],"threads":[{"name":"t","samples":{"schema":{"stack":0,"time":1},"data":[[1,1.0]]},"stackTable":{"schema":{"prefix":0,"frame":1},"data":[[null,0],[0,1]]},"frameTable":{"schema":{"location":0},"data":[[0],[1]]},"stringTable":["run (http://x/a.js:7:3)[4]","0x1010"]}],"processes":[]}"#,
    r#"{"mode":"cpu","interval":1000,"samples":4,"frames":{"10":{"name":"main"}},"raw":[1,10,2],"raw_timestamp_deltas":[5,6]}"#,
    r#"{"version":1,"recording":{"sampleDurations":[0.002],"sampleStackTraces":[{"timestamp":1,"stackFrames":[{"name":"f","url":"a.js","line":3,"column":4}]}]}}"#,
    r#"{"code":[{"name":"main a.js:1:1","type":"JS"},{"name":"T f(int)","type":"CPP"}],"functions":[],"ticks":[{"tm":30,"s":[1,2,0,-1]}]}"#,
    r#"{"rts_arguments":[],"tick_interval":1000,"cost_centres":[{"id":1,"label":"MAIN","module":"MAIN","src_loc":"<built-in>"}],"profile":{"id":1,"alloc":16,"ticks":1,"children":[{"id":1,"alloc":1,"ticks":1,"children":[]}]}}"#,
    r#"{"dhatFileVersion":2,"bklt":true,"pps":[{"tb":100,"tbk":2,"gb":60,"gbk":1,"eb":0,"ebk":0,"fs":[1,0]}],"ftbl":["[root]","0x10: f (a.rs:7:5)"]}"#,
    r#"<?xml version="1.0"?><trace-query-result><node><row><thread id="2" fmt="main  0x84 (a)"/><weight id="9">1000</weight><tagged-backtrace id="8"><backtrace id="10"><frame id="11" name="V&lt;T&gt;::f"><binary id="12" path="/a"/><source line="7"><path id="13">/a.rs</path></source></frame><frame id="14" name="m"><binary ref="12"/></frame></backtrace></tagged-backtrace></row><row><thread ref="2"/><weight ref="9"/><tagged-backtrace ref="8"/></row></node></trace-query-result>"#,
    "Analysis of sampling a (pid 7)\n\nCall graph:\n    8 Thread_1\n    + 5 f  (in a) + 1  [0x7f]\n    + ! 2 g  (in b) + 4  [0x10]\n    3 Thread_2\n\n",
    "Function Stack,CPU Time:Self,Module\nTotal,0.0,[Unknown]\n main,0.25,a.exe\n  \"f<u8, A>\",1.5,a.exe\n",
    "CPU     ID                    FUNCTION:NAME\n  0  64091  :tick-60s \n\n\n  libc`memcpy+0x26\n  a`f->g+0x1\n  0x104d08831\n  42\n\n  a`m+0x2\n  3\n",
    "Weight\tSelf Weight\t\tSymbol Name\n10.5 ms  100.0%\t0 s\t \tmain\n7.0 ms   70%\t3 ms\t \t parse\n",
    "Script_x log opened (PC)\n500:PUSH:7:1:q (1):a..f\n700:PUSH:7:2:q (1):a..g\n900:POP:7:2:q (1):a..g\n",
    "--- threadz 1 ---\n\n--- Thread 7f1 (name: main/1) stack: ---\n  PC: 0x400010 0x400021\n--- Memory map: ---\n00400000-00500000 r-xp 00000100 fd:01 12 /bin/server\n",
    "--- contentionz 1 ---\nformat = java\nresolution = microseconds\nsampling period = 100\n 2 3 @ 0x1 0x2\n\n 0x1 a.B.c (B.java:12)\n 0x2 GC\n",
    "--- contentionz 1 ---\ncycles/second = 2000\nsampling period = 100\n 4000 3 @ 0x400011 0x400021\n--- Memory map: ---\n",
    "\0\0\0\0\u{3}\0\0\0\0\0\0\0\u{10}\0\0\0\0\0\0\0\u{1}\0\0\0\u{2}\0\0\0\u{10}\0\0\0\u{20}\0\0\0\0\0\0\0\u{1}\0\0\0\0\0\0\0",
];

/// Pieces that mean something to one format or another.
const PIECES: &[&[u8]] = &[
    b"0",
    b"-1",
    b"1e309",
    b"18446744073709551615",
    b"9223372036854775807",
    b"null",
    b"[[[[",
    b"{\"children\":[",
    b"\"",
    b"\\",
    b";",
    b"\n",
    b"\n\n",
    b"\t",
    b" ",
    b"(",
    b"0x",
    b"*",
    b"fn=(1)\n",
    b"calls=1 1\n1 1\n",
    b"\xff",
    b"\0",
];

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % bound.max(1)
    }
}

fn mutate(bytes: &mut Vec<u8>, numbers: &mut Numbers) {
    for _ in 0..1 + numbers.below(4) {
        let at = numbers.below(bytes.len() + 1);
        match numbers.below(6) {
            0 if at < bytes.len() => bytes[at] = numbers.below(256) as u8,
            1 => bytes.truncate(at.max(1)),
            2 => drop(bytes.splice(at..at, PIECES[numbers.below(PIECES.len())].iter().copied())),
            3 => {
                let end = (at + numbers.below(30)).min(bytes.len());
                bytes.drain(at..end);
            }
            4 => {
                let end = (at + numbers.below(60)).min(bytes.len());
                let copied = bytes[at..end].to_vec();
                let to = numbers.below(bytes.len() + 1);
                bytes.splice(to..to, copied);
            }
            _ => {
                let end = (at + numbers.below(12)).min(bytes.len());
                drop(bytes.splice(at..end, PIECES[numbers.below(PIECES.len())].iter().copied()));
            }
        }
    }
}

/// Opens bytes; what opens must hold together.
fn open(bytes: &[u8]) {
    let before = Instant::now();
    let held = HELD.get().now;
    HELD.set(Held { now: held, most: held });
    if let Ok(imported) = import(bytes) {
        imported.profile.call_edges();
    }
    let most = (HELD.get().most - held) as usize;
    let allowed = MEMORY_BASE + MEMORY_FACTOR * bytes.len();
    assert!(most <= allowed, "held {most} bytes for {}: {}", bytes.len(), String::from_utf8_lossy(bytes));
    assert!(before.elapsed() < LONGEST, "took {:?}: {}", before.elapsed(), String::from_utf8_lossy(bytes));
}

#[test]
fn no_mutation_of_any_format_makes_an_importer_panic_or_hang() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut seeds: Vec<Vec<u8>> = SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    for entry in std::fs::read_dir(folder).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        // Packed ones break in their packing; unpacked they break where it matters.
        let mut plain = Vec::new();
        match std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut plain) {
            Ok(_) => seeds.extend([plain, bytes]),
            Err(_) => seeds.push(bytes),
        }
    }
    let mut numbers = Numbers(11);
    for seed in &seeds {
        open(seed);
        // Large ones take longer, so they get fewer rounds.
        for _ in 0..ROUNDS.min(2_000_000 / seed.len().max(1)) {
            let mut bytes = seed.clone();
            mutate(&mut bytes, &mut numbers);
            open(&bytes);
        }
    }
}

#[test]
fn trees_of_any_depth_are_read_or_refused() {
    let nested = |depth: usize| {
        let open: String = (0..depth).map(|id| format!(r#"{{"functionName":"f","id":{id},"children":["#)).collect();
        let close = "]}".repeat(depth);
        format!(r#"{{"head":{open}{close},"startTime":1,"samples":[1,1],"timestamps":[1,2]}}"#)
    };
    assert!(import(nested(20_000).as_bytes()).is_ok());
    let error = import(nested(60_000).as_bytes()).unwrap_err().to_string();
    assert_eq!(error, "broken V8 CPU profile: nests more than 100000 deep");
    open("[".repeat(3_000_000).as_bytes());
    open("{\"a\":".repeat(1_000_000).as_bytes());
    open("{((".repeat(1_000_000).as_bytes());
}
