//! The formats that pprof read before profile.proto: gperftools' binary CPU profiles, and the texts of heap, growth, thread
//! and contention pages of C++, Go and Java servers. Read as `go tool pprof` reads them, see
//! <https://github.com/google/pprof/blob/main/profile/legacy_profile.go>: tried in this order, and each return address is
//! moved into the call before it. But where Go's pages say in remarks which functions the addresses are in, these have names,
//! which pprof gets from the server or not at all.

mod cpu;
mod heap;
mod java;
mod maps;
mod text;

use plop_profile::{Function, Label, LabelSetId, LabelValue, Line, Location, LocationId, Profile, StringId};
use rustc_hash::FxHashMap;

use super::source::{Source, malformed};
use super::{Import, Json};

pub(super) const FORMAT: &str = "legacy pprof profile";

/// What one of the formats says of some bytes.
type Read = Result<Option<Profile>, String>;

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    if let Some(profile) = cpu::read(source.bytes).map_err(malformed(FORMAT))? {
        return Ok(Some(profile));
    }
    // The texts give themselves away at their beginning; only remarks may come before it.
    let begins = source.bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).take(200);
    let mut begins = begins.skip_while(|line| line.is_empty() || line.starts_with(b"#"));
    let first = begins.next().unwrap_or_default();
    if !first.starts_with(b"---") && !first.windows(8).any(|part| part == b"profile:") {
        return Ok(None);
    }
    let lines: Vec<&str> = source.text().lines().collect();
    for read in [heap::read, text::read_counts, text::read_threads, text::read_contention, java::read] {
        if let Some(profile) = read(&lines).map_err(malformed(FORMAT))? {
            return Ok(Some(profile));
        }
    }
    Ok(None)
}

/// Samples on stacks of addresses.
struct Addresses {
    profile: Profile,
    samples: Vec<(Vec<u64>, Vec<i64>, Option<i64>)>,
}

impl Addresses {
    fn new<'a>(types: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Addresses { profile: Profile::new(types), samples: Vec::new() }
    }

    /// Adds a sample, leaf first; `block_size` is the label that heap profiles carry.
    fn add(&mut self, stack: Vec<u64>, values: Vec<i64>, block_size: Option<i64>) {
        self.samples.push((stack, values, block_size));
    }

    /// Takes out the second address where it is the leaf again: the handler knows it from the signal and from the stack.
    fn drop_doubled_leaves(&mut self) {
        for (stack, ..) in &mut self.samples {
            if let [leaf, caller, ..] = stack[..]
                && leaf == caller.wrapping_add(1)
            {
                stack.remove(1);
            }
        }
    }

    /// The profile, its addresses in the files that `map` has and with the names that `remarks` give them.
    fn finish(self, map: &[&str], remarks: &[&str]) -> Profile {
        let Addresses { mut profile, samples } = self;
        let maps = maps::Maps::read(map);
        let names = names_in_remarks(remarks);
        let used = maps.add_to(&mut profile, samples.iter().flat_map(|(stack, ..)| stack).copied());
        let mut locations: FxHashMap<u64, LocationId> = FxHashMap::default();
        for (addresses, values, block_size) in samples {
            let mut location = |address: u64| {
                *locations.entry(address).or_insert_with(|| {
                    let mapping = used.mapping_of(address);
                    let lines =
                        names.get(&address).into_iter().flatten().map(|named| named.line(&mut profile)).collect();
                    profile.push_location(Location { mapping, address, lines })
                })
            };
            let leaf_first: Vec<LocationId> = addresses.into_iter().map(&mut location).collect();
            let stack = profile.stacks.intern(leaf_first);
            let labels = labels(&mut profile, block_size);
            profile.samples.add(stack, labels, &values);
        }
        profile
    }
}

/// A function and a line of it, as a remark has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Named<'a> {
    function: &'a str,
    file: &'a str,
    line: i64,
}

impl<'a> Named<'a> {
    /// `# 0x45d724 main.main+0x24 main.go:30` with tabs between, and the address.
    fn parse(line: &'a str) -> Option<(u64, Self)> {
        let mut columns = line.strip_prefix("#\t0x")?.split('\t').filter(|column| !column.is_empty());
        let address = u64::from_str_radix(columns.next()?, 16).ok()?;
        let (function, _) = columns.next()?.rsplit_once("+0x")?;
        let (file, line) = columns.next()?.trim_end().rsplit_once(':')?;
        Some((address, Named { function, file, line: line.parse().ok()? }))
    }

    fn line(&self, profile: &mut Profile) -> Line {
        let (name, file) = (profile.strings.intern(self.function), profile.strings.intern(self.file));
        let function = profile.intern_function(Function { name, file, ..Function::default() });
        Line { function, line: self.line }
    }
}

/// By address, the functions that Go's remarks name there: several where calls were inlined, the innermost first.
fn names_in_remarks<'a>(lines: &[&'a str]) -> FxHashMap<u64, Vec<Named<'a>>> {
    let mut names: FxHashMap<u64, Vec<Named<'a>>> = FxHashMap::default();
    // The address of the remark before, and whether it was met there for the first time.
    let mut before: Option<(u64, bool)> = None;
    for line in lines {
        let Some((address, named)) = Named::parse(line) else {
            before = None;
            continue;
        };
        let is_new =
            before.filter(|(at, _)| *at == address).map_or(!names.contains_key(&address), |(_, is_new)| is_new);
        let here = names.entry(address).or_default();
        // A function that calls itself stands in several remarks of one address.
        let is_new = is_new && here.first() != Some(&named);
        if is_new {
            here.push(named);
        }
        before = Some((address, is_new));
    }
    names
}

fn labels(profile: &mut Profile, block_size: Option<i64>) -> LabelSetId {
    let Some(bytes) = block_size else { return LabelSetId::EMPTY };
    let key = profile.strings.intern("bytes");
    profile.label_sets.intern(&[Label { key, value: LabelValue::Number(bytes, StringId::EMPTY) }])
}

fn is_remark(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

/// All numbers of a text that are written `0x1a2b`.
fn addresses(text: &str) -> Result<Vec<u64>, String> {
    let hex = |part: &str| {
        let digits = part.find(|sign: char| !matches!(sign, '0'..='9' | 'a'..='f')).unwrap_or(part.len());
        let number = u64::from_str_radix(&part[..digits], 16);
        number.map_err(|_| format!("0x{} is no address", &part[..digits]))
    };
    text.split("0x").skip(1).filter(|part| part.starts_with(|sign: char| sign.is_ascii_hexdigit())).map(hex).collect()
}

/// An estimate of all allocations from a sampled one: `count` of them with `size` bytes in all were kept, each with the
/// probability `1 - exp(-size / rate)` of one of its size.
fn unsampled(count: i64, size: i64, rate: i64) -> (i64, i64) {
    if count == 0 || size == 0 {
        return (0, 0);
    }
    if rate <= 1 {
        return (count, size);
    }
    let average = size as f64 / count as f64;
    let scale = 1.0 / (1.0 - (-average / rate as f64).exp());
    ((count as f64 * scale) as i64, (size as f64 * scale) as i64)
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, open_bytes, refusal, stacks};

    const MAPS: &str = "00400000-00500000 r-xp 00000000 fd:01 12 /bin/server\n7f00-8f00 r-xp 00000000 fd:01 13 /lib/libc-2.15.so\n\
        00600000-00700000 rw-p 00000000 fd:01 12 /bin/server\n";

    /// A binary CPU profile in words of eight bytes.
    fn cpu(samples: &[&[u64]]) -> Vec<u8> {
        let header = [0, 3, 0, 10_000, 0];
        let words = samples.iter().flat_map(|sample| sample.iter().copied());
        let words = header.into_iter().chain(words).chain([0, 1, 0]);
        words.flat_map(u64::to_le_bytes).chain(MAPS.bytes()).collect()
    }

    #[test]
    fn cpu_profiles_weigh_their_period_and_lie_in_mapped_files() {
        let profile = open_bytes(&cpu(&[&[3, 2, 0x400010, 0x7f11], &[1, 2, 0x400020, 0x7f11], &[2, 1, 0x9999]]));
        let mut stacks = stacks(&profile);
        stacks.sort();
        assert_eq!(
            stacks,
            ["<unknown> 2 20000000", "[server]<[libc-2.15.so] 1 10000000", "[server]<[libc-2.15.so] 3 30000000"]
        );
        assert_eq!(profile.period, 10_000_000);
    }

    #[test]
    fn a_frame_that_nearly_all_samples_share_behind_the_leaf_is_the_handlers() {
        let many: Vec<[u64; 5]> = (0..64).map(|at| [1, 3, 0x400000 + at, 0x400100, 0x400200]).collect();
        let many: Vec<&[u64]> = many.iter().map(|sample| &sample[..]).collect();
        let profile = open_bytes(&cpu(&many));
        assert!(profile.samples.iter().all(|sample| profile.stacks.leaf_first(sample.stack).count() == 1));
    }

    #[test]
    fn heap_profiles_are_scaled_by_their_sampling() {
        let heap = |kind: &str| {
            format!(
                "heap profile: 2: 1024 [ 4: 4096] @ {kind}\n 1: 512 [ 2: 2048] @ 0x400011 0x400021\n\nMAPPED_LIBRARIES:\n{MAPS}"
            )
        };
        let profile = open(&heap("heapprofile"));
        assert_eq!(stacks(&profile), ["[server]<[server] 2 2048 1 512"]);
        assert_eq!(profile.locations[0].address, 0x400010);
        // 2 × 1 / (1 - exp(-512 / 524288)) = 1024.5 of 512 bytes each.
        // Objects of 512 bytes stand for 1 / (1 - exp(-512 / 524288)) = 1024.5 each, those of 1024 bytes for 512.5.
        assert_eq!(stacks(&open(&heap("heap_v2/524288"))), ["[server]<[server] 1025 1049600 1024 524544"]);
        let broken = heap("heapprofile").replace("1: 512 [", "x: 512 [");
        assert!(refusal(&broken).contains("line 2"), "{}", refusal(&broken));
    }

    #[test]
    fn threads_of_one_stack_are_counted() {
        let text = format!(
            "--- threadz 1 ---\n\n--- Thread 7f1 (name: main/1) stack: ---\n  PC: 0x400010\n      0x400021\n\
            --- Thread 7f2 (name: worker/2) stack: ---\n  [same as previous thread]\n\
            --- Thread 7f3 (name: worker/3) stack: ---\n  0x7f22\n--- Memory map: ---\n{MAPS}"
        );
        assert_eq!(stacks(&open(&text)), ["[server]<[server] 2", "[libc-2.15.so] 1"]);
    }

    #[test]
    fn go_counts_and_contentions_are_read() {
        let counts = "goroutine profile: total 3\n2 @ 0x400011 0x400021\n#\t0x400010 main\n1 @ 0x400031\n";
        assert_eq!(stacks(&open(counts)), ["<unknown><<unknown> 2", "<unknown> 1"]);
        let contention = format!(
            "--- contentionz 1 ---\ncycles/second = 2000000000\nsampling period = 100\n\
            ms since reset = 1000\n 4000 3 @ 0x400011 0x400021\n--- Memory map: ---\n{MAPS}"
        );
        // 4000 cycles of 0.5 ns, and 3 contentions, one in a hundred sampled.
        assert_eq!(stacks(&open(&contention)), ["[server]<[server] 300 200000"]);
        assert!(refusal("goroutine profile: total 3\n2 at 0x400011\n").contains("line 2"));
    }

    #[test]
    fn remarks_of_go_name_their_functions_inlined_and_recursive_ones_too() {
        let text = "goroutine profile: total 3\n2 @ 0x11 0x21 0x21 0x31\n#\t0x10\tmain.inner+0x1\t\tmain.go:3\n\
            #\t0x20\tmain.(*T).inlined+0x4\tt.go:7\n#\t0x20\tmain.outer+0x4\tt.go:9\n\
            #\t0x20\tmain.(*T).inlined+0x4\tt.go:7\n#\t0x20\tmain.outer+0x4\tt.go:9\n\n\
            1 @ 0x11 0x31\n#\t0x10\tmain.inner+0x1\t\tmain.go:3\n";
        let profile = open(text);
        let twice = "main.(*T).inlined<main.outer<main.(*T).inlined<main.outer";
        assert_eq!(stacks(&profile), [&*format!("main.inner<{twice}<<unknown> 2"), "main.inner<<unknown> 1"]);
        assert_eq!(profile.locations[1].lines.iter().map(|line| line.line).collect::<Vec<_>>(), [7, 9]);
    }

    #[test]
    fn java_pages_name_their_functions() {
        let text = "--- contentionz 1 ---\nformat = java\nresolution = microseconds\nsampling period = 100\nms since reset = 6019\n\
            \t      2      3 @ 0x1 0x2\n\t      1      1 @ 0x3\n\n\t0x1 com.example.Lock.take (Lock.java:12)\n\t0x2 com.example.main (Main.java:1)\n\
            \t0x3 GC\n";
        assert_eq!(stacks(&open(text)), ["com.example.Lock.take<com.example.main 300 200", "GC 100 100"]);
    }
}
