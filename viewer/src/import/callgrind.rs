//! Callgrind's and Cachegrind's files, which Xdebug and others write too: costs of functions by line, and of calls.
//!
//! Read as callgrind_annotate reads them: code inlined from another file (`fi`, `fe`) is a function of its own with the same
//! name and that file; here it stands below the function that it was inlined into. Functions are told apart by object, file
//! and name. Jumps are passed over. The format: <https://valgrind.org/docs/manual/cl-format.html>.

use plop_profile::{Function, Line, Location, LocationId, Mapping, MappingId, Profile};
use rustc_hash::FxHashMap;

use super::call_costs::CallCosts;
use super::source::{Source, malformed};
use super::{Import, Json};

pub(super) const FORMAT: &str = "callgrind";

/// Within how many lines the events have to be named.
const JUDGED: usize = 300;

/// How many kinds of events a file may count; Callgrind knows some 20.
const MOST_EVENTS: usize = 256;

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    if !source.is_text() {
        return Ok(None);
    }
    let text = source.text();
    let mut head = text.lines().take(JUDGED);
    let counts = text.starts_with("# callgrind format")
        || head.any(|line| line.starts_with("events:")) && head.any(|line| line.starts_with("fn="));
    if !counts {
        return Ok(None);
    }
    let mut reader = Reader::default();
    for (number, line) in text.lines().enumerate() {
        reader.line(line.trim()).map_err(|reason| malformed(FORMAT)(format!("line {}: {reason}", number + 1)))?;
    }
    reader.finish().map(Some).map_err(malformed(FORMAT))
}

/// Object, file and function, by the numbers of their names.
type Key = (u32, u32, u32);

/// A kind of events: its name, its unit, and how many of the unit one of it is.
struct Event {
    name: String,
    unit: &'static str,
    factor: i64,
}

impl Event {
    /// Xdebug counts `Time_(10ns)` and `Memory_(bytes)`; older ones `Time_(µs)`.
    fn parse(text: &str) -> Self {
        let (name, unit, factor) = match text.split_once("_(") {
            Some((name, "10ns)")) => (name, "nanoseconds", 10),
            Some((name, "ns)")) => (name, "nanoseconds", 1),
            Some((name, "µs)" | "us)")) => (name, "microseconds", 1),
            Some((name, "ms)")) => (name, "milliseconds", 1),
            Some((name, "bytes)")) => (name, "bytes", 1),
            _ => (text, "count", 1),
        };
        Event { name: name.to_owned(), unit, factor }
    }
}

/// Names, each once, and the numbers that the file gives them.
#[derive(Default)]
struct Names {
    list: Vec<String>,
    known: FxHashMap<String, u32>,
    numbered: FxHashMap<u64, u32>,
}

impl Names {
    fn intern(&mut self, name: &str) -> u32 {
        if let Some(&known) = self.known.get(name) {
            return known;
        }
        self.list.push(name.to_owned());
        self.known.insert(name.to_owned(), self.list.len() as u32 - 1);
        self.list.len() as u32 - 1
    }

    /// `name`, `(3) name`, or `(3)` for a name that was given before.
    fn read(&mut self, text: &str) -> Result<u32, String> {
        let numbered = text.strip_prefix('(').and_then(|rest| rest.split_once(')'));
        let Some((number, name)) = numbered.and_then(|(number, name)| Some((number.parse::<u64>().ok()?, name.trim())))
        else {
            return Ok(self.intern(text));
        };
        if name.is_empty() {
            // Some writers use numbers that they never named; the number is all there is to call them by.
            return Ok(self.numbered.get(&number).copied().unwrap_or_else(|| self.intern(text)));
        }
        let id = self.intern(name);
        self.numbered.insert(number, id);
        Ok(id)
    }
}

#[derive(Default)]
struct Reader {
    events: Vec<Event>,
    /// How many positions a line begins with: a line, an address, or both.
    positions: usize,
    before: Vec<i64>,
    objects: Names,
    files: Names,
    names: Names,
    functions: Vec<Key>,
    numbers: FxHashMap<Key, u32>,
    /// For each function a cost for each event, flat.
    own: Vec<i64>,
    calls: Vec<(u32, u32, Vec<i64>)>,
    call_numbers: FxHashMap<(u32, u32), u32>,
    object: Option<u32>,
    file: Option<u32>,
    /// The function, and the part of it that comes from another file.
    home: Option<u32>,
    current: Option<u32>,
    callee_object: Option<u32>,
    callee_file: Option<u32>,
    callee: Option<u32>,
    /// Whether the next costs are those of a call.
    called: bool,
    /// Parts of functions inlined from other files, and the functions.
    inlined: FxHashMap<u32, u32>,
}

impl Reader {
    fn line(&mut self, line: &str) -> Result<(), String> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.starts_with(|sign: char| sign.is_ascii_digit() || "+-*".contains(sign)) {
            return self.costs(line);
        }
        if let Some((key, value)) = line.split_once('=')
            && key.bytes().all(|byte| byte.is_ascii_lowercase())
        {
            return self.assign(key, value.trim());
        }
        match line.split_once(':') {
            Some(("events", value)) => self.read_events(value),
            Some(("positions", value)) => {
                self.positions = value.split_whitespace().count();
                Ok(())
            }
            Some(("version", value)) if value.trim() != "1" => Err(format!("version {} is not known", value.trim())),
            Some((key, _)) if !key.contains(' ') => Ok(()),
            _ => Err(format!("{line:?} is no line of this format")),
        }
    }

    fn read_events(&mut self, value: &str) -> Result<(), String> {
        let events: Vec<Event> = value.split_whitespace().map(Event::parse).collect();
        if events.len() > MOST_EVENTS {
            return Err(format!("counts {} kinds of events, more than {MOST_EVENTS}", events.len()));
        }
        if self.events.is_empty() && !self.functions.is_empty() {
            return Err("events are named after the first function".to_owned());
        }
        // Each part of a file repeats its header.
        if !self.events.is_empty() && self.events.len() != events.len() {
            return Err("parts of the file count different events".to_owned());
        }
        self.events = events;
        Ok(())
    }

    fn assign(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "ob" => self.object = Some(self.objects.read(value)?),
            "fl" => self.file = Some(self.files.read(value)?),
            "fi" | "fe" => {
                self.file = Some(self.files.read(value)?);
                let home = self.home.ok_or("is outside of a function")?;
                let (object, _, name) = self.functions[home as usize];
                let part = self.function((object, self.file.unwrap_or_default(), name));
                if part != home {
                    self.inlined.entry(part).or_insert(home);
                }
                self.current = Some(part);
            }
            "fn" => {
                let name = self.names.read(value)?;
                let key = (self.object(), self.file(), name);
                self.home = Some(self.function(key));
                self.current = self.home;
            }
            "cob" => self.callee_object = Some(self.objects.read(value)?),
            "cfi" | "cfl" if value.is_empty() => {}
            "cfi" | "cfl" => self.callee_file = Some(self.files.read(value)?),
            "cfn" => {
                let name = self.names.read(value)?;
                let (object, file) = (self.object(), self.file());
                let key = (self.callee_object.unwrap_or(object), self.callee_file.unwrap_or(file), name);
                self.callee = Some(self.function(key));
                (self.callee_object, self.callee_file) = (None, None);
            }
            "calls" => self.called = true,
            // Named in passing by jumps, for later lines to use.
            "jfi" => drop(self.files.read(value)?),
            "jfn" => drop(self.names.read(value)?),
            _ => {}
        }
        Ok(())
    }

    fn object(&mut self) -> u32 {
        let objects = &mut self.objects;
        *self.object.get_or_insert_with(|| objects.intern(""))
    }

    fn file(&mut self) -> u32 {
        let files = &mut self.files;
        *self.file.get_or_insert_with(|| files.intern(""))
    }

    fn function(&mut self, key: Key) -> u32 {
        let width = self.events.len();
        *self.numbers.entry(key).or_insert_with(|| {
            self.functions.push(key);
            self.own.resize(self.functions.len() * width, 0);
            self.functions.len() as u32 - 1
        })
    }

    /// Positions, each whole or relative to the one before, then costs; what is not written is 0.
    fn costs(&mut self, line: &str) -> Result<(), String> {
        let positions = self.positions.max(1);
        self.before.resize(positions, 0);
        let mut words = line.split_ascii_whitespace();
        for before in &mut self.before {
            let Some(word) = words.next() else { break };
            *before = position(word, *before).ok_or_else(|| format!("{word:?} is no position"))?;
        }
        let width = self.events.len();
        let current = self.current.ok_or("costs outside of a function")?;
        let (at, called) = if std::mem::take(&mut self.called) {
            let callee = self.callee.ok_or("a call without the function that is called (cfn)")?;
            (self.call(current, callee), true)
        } else {
            (current as usize, false)
        };
        let costs = match called {
            true => &mut self.calls[at].2[..],
            false => &mut self.own[at * width..(at + 1) * width],
        };
        for (sum, word) in costs.iter_mut().zip(words) {
            // callgrind_annotate takes a cost that is none for 0.
            let cost: i64 = match word {
                "*" => 0,
                word => word.parse().map_err(|_| format!("{word:?} is no cost"))?,
            };
            *sum = sum.saturating_add(cost);
        }
        Ok(())
    }

    fn call(&mut self, caller: u32, callee: u32) -> usize {
        let width = self.events.len();
        *self.call_numbers.entry((caller, callee)).or_insert_with(|| {
            self.calls.push((caller, callee, vec![0; width]));
            self.calls.len() as u32 - 1
        }) as usize
    }

    fn finish(mut self) -> Result<Profile, String> {
        if self.events.is_empty() {
            return Err("no line names the events".to_owned());
        }
        let mut profile = Profile::new(self.events.iter().map(|event| (event.name.as_str(), event.unit)));
        profile.default_sample_type = 0;
        self.call_inlined();
        let mut mappings = FxHashMap::default();
        let locations: Vec<LocationId> =
            self.functions.iter().map(|&key| self.location(key, &mut profile, &mut mappings)).collect();
        let width = self.events.len();
        for (event, of) in self.events.iter().enumerate() {
            let scaled = |cost: i64| cost.saturating_mul(of.factor);
            let own: Vec<i64> = self.own.iter().skip(event).step_by(width).map(|&cost| scaled(cost)).collect();
            let calls: Vec<(u32, u32, i64)> =
                self.calls.iter().map(|(caller, callee, costs)| (*caller, *callee, scaled(costs[event]))).collect();
            CallCosts { functions: &locations, own: &own, calls: &calls }.add_to(&mut profile, event);
        }
        Ok(profile)
    }

    /// Makes each inlined part something that its function calls, for what it costs with its callees.
    fn call_inlined(&mut self) {
        let width = self.events.len();
        let mut totals: FxHashMap<u32, Vec<i64>> = FxHashMap::default();
        for &part in self.inlined.keys() {
            totals.insert(part, self.own[part as usize * width..(part as usize + 1) * width].to_vec());
        }
        for (caller, _, costs) in &self.calls {
            if let Some(total) = totals.get_mut(caller) {
                total.iter_mut().zip(costs).for_each(|(total, cost)| *total = total.saturating_add(*cost));
            }
        }
        let mut parts: Vec<(u32, u32)> = self.inlined.iter().map(|(part, home)| (*part, *home)).collect();
        parts.sort_unstable();
        for (part, home) in parts {
            let call = self.call(home, part);
            let total = totals.remove(&part).unwrap_or_default();
            self.calls[call].2.iter_mut().zip(total).for_each(|(cost, total)| *cost = cost.saturating_add(total));
        }
    }

    fn location(
        &self,
        (object, file, name): Key,
        profile: &mut Profile,
        mappings: &mut FxHashMap<u32, MappingId>,
    ) -> LocationId {
        let (object_name, file) =
            (self.objects.list[object as usize].as_str(), self.files.list[file as usize].as_str());
        let mapping = (!object_name.is_empty()).then(|| {
            *mappings.entry(object).or_insert_with(|| {
                let file = profile.strings.intern(object_name);
                profile.mappings.push(Mapping { file, symbolized: true, ..Mapping::default() });
                MappingId(profile.mappings.len() as u32 - 1)
            })
        });
        // `???` is a file that is not known; the object tells functions apart instead.
        let file = if file == "???" { object_name } else { file };
        let function = Function {
            name: profile.strings.intern(&self.names.list[name as usize]),
            file: profile.strings.intern(file),
            ..Function::default()
        };
        let function = profile.intern_function(function);
        profile.push_location(Location { mapping, lines: vec![Line { function, line: 0 }], ..Location::default() })
    }
}

/// A position: `*` is the one before, `+3` and `-3` are relative to it, others are whole, decimal or hexadecimal.
fn position(word: &str, before: i64) -> Option<i64> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok().map(|number| number as i64),
        None => text.parse::<u64>().ok().map(|number| number as i64),
    };
    match word.as_bytes().first()? {
        b'*' => Some(before),
        b'+' => Some(before.wrapping_add(number(&word[1..])?)),
        b'-' => Some(before.wrapping_sub(number(&word[1..])?)),
        _ => number(word),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::import::tests::{open, refusal, stacks};

    #[test]
    fn names_are_compressed_and_callees_forgotten_after_their_call() {
        let text = "# callgrind format\nversion: 1\npositions: line\nevents: Ir Dr\n\nob=(1) /bin/app\nfl=(1) a.c\nfn=(1) main\n\
            16 20 2\ncfn=(2) func1\ncalls=1 50\n16 400\ncfi=(2) b.c\ncfn=(3) func2\ncalls=3 20\n* 400 4\n\
            fn=(2)\n+35 100\njump=3 +2\n+1\ncfi=(2)\ncfn=(3)\ncalls=2 20\n51 300\nfl=(2)\nfn=(3)\n20 700 4\ntotals: 820 6\n";
        let profile = open(text);
        assert_eq!([profile.total(0), profile.total(1)], [820, 6]);
        assert_eq!(stacks(&profile), ["main 20 2", "func2<main 400 4", "func1<main 100 0", "func2<func1<main 300 0"]);
        assert_eq!(&profile.strings[profile.mappings[0].file], "/bin/app");
    }

    #[test]
    fn inlined_code_stands_below_its_function_under_the_other_files_name() {
        let text = "events: Ir\nfl=a.c\nfn=f\n1 10\nfi=b.h\n7 5\ncfi=c.c\ncfn=g\ncalls=1 1\n7 30\nfe=a.c\n2 1\nfl=c.c\nfn=g\n1 30\n";
        let profile = open(text);
        assert_eq!(stacks(&profile), ["f 11", "f<f 5", "g<f<f 30"]);
        let files: Vec<&str> = profile.functions.iter().map(|function| &profile.strings[function.file]).collect();
        assert_eq!(files, ["a.c", "b.h", "c.c"]);
    }

    #[test]
    fn positions_may_be_several_relative_and_hexadecimal() {
        assert_eq!(
            [position("0x1f", 0), position("+3", 7), position("-3", 7), position("*", 7)],
            [31, 10, 4, 7].map(Some)
        );
        let text = "positions: instr line\nevents: Ir\nfl=a.c\nfn=f\n0x10 7 5\n+3 * 6\n* +1 7\n";
        assert_eq!(stacks(&open(text)), ["f 18"]);
    }

    #[test]
    fn units_of_php_are_known() {
        let text = "events: Time_(10ns) Memory_(bytes)\nfl=a.php\nfn=f\n1 5 64\n";
        let profile = open(text);
        let units: Vec<&str> = profile.sample_types.iter().map(|of| &profile.strings[of.unit]).collect();
        assert_eq!((units, stacks(&profile)), (vec!["nanoseconds", "bytes"], vec!["f 50 64".to_owned()]));
    }

    #[test]
    fn a_broken_line_is_named() {
        let head = "events: Ir\nfl=a.c\nfn=f\n1 5\n";
        for (line, reason) in [
            ("2 x", "\"x\" is no cost"),
            ("2x 1", "\"2x\" is no position"),
            ("what is this", "\"what is this\" is no line of this format"),
        ] {
            assert_eq!(refusal(&format!("{head}{line}\n")), format!("broken callgrind: line 5: {reason}"));
        }
        assert_eq!(refusal("# callgrind format\nfl=a\nfn=b\n"), "broken callgrind: no line names the events");
    }
}
