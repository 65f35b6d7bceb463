//! Large profiles to open, made up but shaped like real ones: some 5,000 functions, deep stacks that share their roots, a
//! few of them hot. The same at every run.

use std::io::{BufWriter, Write};
use std::path::Path;

use plop_profile::{LabelSetId, Profile};

const FUNCTIONS: u64 = 5_143;

/// A generator of numbers; Knuth's constants for a linear congruence modulo 2⁶⁴.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) % bound
    }
}

/// Stacks one after another, root first: each keeps a part of the one before, as stacks in sorted files do.
struct Stacks {
    numbers: Numbers,
    stack: Vec<u64>,
}

impl Stacks {
    fn new() -> Self {
        Stacks { numbers: Numbers(1), stack: vec![0] }
    }

    fn next(&mut self) -> &[u64] {
        let kept = 1 + self.numbers.below(self.stack.len() as u64) as usize;
        self.stack.truncate(kept);
        let depth = 12 + self.numbers.below(36) as usize;
        while self.stack.len() < depth {
            // A function calls one of a few dozen near it, so that edges repeat.
            let caller = *self.stack.last().unwrap_or(&0);
            self.stack.push((caller * 7 + self.numbers.below(40)) % FUNCTIONS);
        }
        &self.stack
    }
}

fn name(function: u64) -> String {
    format!("service{}::module{}::worker{function}::run", function % 23, function % 211)
}

/// Folded stacks of at least `bytes`.
///
/// # Errors
/// When the file can't be written.
pub fn write_folded(path: &Path, bytes: u64) -> std::io::Result<()> {
    let names: Vec<String> = (0..FUNCTIONS).map(name).collect();
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let (mut stacks, mut numbers) = (Stacks::new(), Numbers(2));
    let mut written = 0;
    while written < bytes {
        let mut line = String::new();
        for &function in stacks.next() {
            line.push_str(&names[function as usize]);
            line.push(';');
        }
        line.pop();
        writeln!(out, "{line} {}", 1 + numbers.below(100))?;
        written += line.len() as u64 + 3;
    }
    out.flush()
}

/// What `perf script` prints, at least `bytes` of it.
///
/// # Errors
/// When the file can't be written.
pub fn write_perf_script(path: &Path, bytes: u64) -> std::io::Result<()> {
    let names: Vec<String> = (0..FUNCTIONS).map(name).collect();
    let mut out = BufWriter::new(std::fs::File::create(path)?);
    let mut stacks = Stacks::new();
    let (mut written, mut sample) = (0, 0_u64);
    while written < bytes {
        let mut block = format!(
            "service {} [{:03}] {}.{:06}: 10101010 cpu-clock:u: \n",
            4000 + sample % 8,
            sample % 8,
            sample / 99,
            sample % 1_000_000
        );
        for &function in stacks.next().iter().rev() {
            let address = 0x5555_0000_0000 + function * 4096 + sample % 512;
            block.push_str(&format!(
                "\t{address:16x} {}+0x{:x} (/usr/bin/service)\n",
                names[function as usize],
                sample % 512
            ));
        }
        block.push('\n');
        out.write_all(block.as_bytes())?;
        written += block.len() as u64;
        sample += 1;
    }
    out.flush()
}

/// A gzipped profile.proto of so many distinct stacks.
///
/// # Errors
/// When the file can't be written.
pub fn write_pprof(path: &Path, distinct: usize) -> Result<(), plop_profile::Error> {
    let mut profile = Profile::new([("samples", "count"), ("cpu", "nanoseconds")]);
    profile.set_period("cpu", "nanoseconds", 10_000_000);
    let locations: Vec<_> =
        (0..FUNCTIONS).map(|function| profile.named_location(&name(function), "src/service.rs")).collect();
    let (mut stacks, mut numbers) = (Stacks::new(), Numbers(3));
    while profile.samples.len() < distinct {
        let root_first = stacks.next().iter().map(|&function| locations[function as usize]);
        let stack = profile.stacks.intern(root_first.rev());
        let samples = 1 + numbers.below(9) as i64;
        profile.samples.add(stack, LabelSetId::EMPTY, &[samples, samples * 10_000_000]);
    }
    profile.save(path)
}
