//! Firefox's own profiles, before its profiler processes them: tables as rows with a schema, one list of threads for each
//! process. The format:
//! <https://github.com/firefox-devtools/profiler/blob/main/docs-developer/gecko-profile-format.md>.
//!
//! Also what the developer tools of Firefox 59 to 78 saved, which wraps such a profile (`profile`); that is read as speedscope
//! does: only the page's main thread, only functions of scripts, each sample lasting until the next.

use plop_profile::{LabelSetId, LocationId, Profile, StackId};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::firefox_tables::{Code, Frame, Lib, Stacks, Thread, is_address};
use super::scripts::Scripts;
use super::source::{Cell, Object, Source, malformed};
use super::tally::{Tally, Unit};
use super::{Import, Json};

pub(super) const FORMAT: &str = "Gecko profile";

pub(super) fn import(_: &Source<'_>, json: &Json<'_>) -> Import {
    let Json::Object(object) = json else { return Ok(None) };
    if let Some(saved) = object.object("profile").filter(has_rows) {
        return devtools(&saved).map(Some).map_err(malformed(FORMAT));
    }
    if !object.has("meta") || !has_rows(object) {
        return Ok(None);
    }
    let mut tally = Tally::new();
    processes(object, &mut tally, &mut Code::default(), 0).map_err(malformed(FORMAT))?;
    Ok(Some(tally.finish()))
}

/// Whether the threads' tables are rows with a schema.
fn has_rows(object: &Object<'_>) -> bool {
    let threads = object.get::<Vec<&RawValue>>("threads").ok().flatten().unwrap_or_default();
    let Some(first) = threads.first() else { return false };
    let thread = Object::parse(first.get()).ok();
    thread.and_then(|thread| thread.object("stackTable")).is_some_and(|table| table.has("schema") || table.has("data"))
}

/// How deep processes may lie in one another.
const DEEPEST: usize = 16;

/// The threads of a process, and the processes within it.
fn processes(object: &Object<'_>, tally: &mut Tally, code: &mut Code, depth: usize) -> Result<(), String> {
    let libs = libs(object);
    for (at, raw) in object.want::<Vec<&RawValue>>("threads")?.into_iter().enumerate() {
        let failed = |error: String| format!("thread {at}: {error}");
        // The oldest versions hold other processes as JSON within a text.
        if let Ok(text) = serde_json::from_str::<String>(raw.get()) {
            nested(&text, tally, code, depth).map_err(failed)?;
            continue;
        }
        let thread: RawThread = serde_json::from_str(raw.get()).map_err(|error| failed(error.to_string()))?;
        let named = Thread {
            name: &thread.name,
            process: thread.process_name.as_deref().unwrap_or_default(),
            pid: &id(thread.pid),
            tid: &id(thread.tid),
        };
        let labels = named.labels(&mut tally.profile);
        let stacks = stacks(&thread, &libs, code, &mut tally.profile).map_err(failed)?;
        let column = tally.column("samples", Unit::Count);
        let stack = thread.samples.column("stack", 0);
        for sample in &thread.samples.data {
            if let Some(stack) = stacks.get(sample.get(stack).copied().unwrap_or_default()).map_err(failed)? {
                tally.add(stack, labels, column, 1.0);
            }
        }
    }
    for raw in object.get::<Vec<&RawValue>>("processes")?.unwrap_or_default() {
        nested(raw.get(), tally, code, depth)?;
    }
    Ok(())
}

/// A process within another.
fn nested(json: &str, tally: &mut Tally, code: &mut Code, depth: usize) -> Result<(), String> {
    if depth == DEEPEST {
        return Err(format!("processes nest more than {DEEPEST} deep"));
    }
    processes(&Object::parse(json)?, tally, code, depth + 1)
}

fn id(raw: Option<&RawValue>) -> String {
    raw.map_or("", |raw| raw.get().trim_matches('"')).to_owned()
}

/// A table: rows, and a schema that says which column is where.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Table {
    schema: std::collections::HashMap<String, usize>,
    data: Vec<Vec<Cell>>,
}

impl Table {
    /// A column's place, or where it was before schemas were written.
    fn column(&self, name: &str, before: usize) -> usize {
        self.schema.get(name).copied().unwrap_or(before)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawThread<'a> {
    #[serde(default)]
    name: String,
    #[serde(default)]
    process_name: Option<String>,
    #[serde(borrow, default)]
    pid: Option<&'a RawValue>,
    #[serde(borrow, default)]
    tid: Option<&'a RawValue>,
    #[serde(default)]
    samples: Table,
    stack_table: Table,
    frame_table: Table,
    string_table: Vec<Option<String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawLib {
    name: String,
    path: Option<String>,
    code_id: Option<String>,
    start: Option<f64>,
    end: Option<f64>,
    offset: Option<f64>,
}

/// The libraries of a process; the oldest versions hold them as JSON within a text.
fn libs(object: &Object<'_>) -> Vec<RawLib> {
    let Some(raw) = object.raw("libs") else { return Vec::new() };
    serde_json::from_str(raw.get())
        .or_else(|_| serde_json::from_str::<String>(raw.get()).and_then(|text| serde_json::from_str(&text)))
        .unwrap_or_default()
}

fn stacks(thread: &RawThread<'_>, libs: &[RawLib], code: &mut Code, profile: &mut Profile) -> Result<Stacks, String> {
    let (place, line) = (thread.frame_table.column("location", 0), thread.frame_table.column("line", 3));
    let cell = |row: &[Cell], column: usize| row.get(column).and_then(|cell| cell.0);
    let mut locations: Vec<LocationId> = Vec::with_capacity(thread.frame_table.data.len());
    for (at, row) in thread.frame_table.data.iter().enumerate() {
        let text = cell(row, place).and_then(|number| thread.string_table.get(number as usize));
        let text = text.and_then(Option::as_deref).ok_or_else(|| format!("frame {at} has no location"))?;
        let line = cell(row, line).unwrap_or(0.0) as i64;
        locations.push(code.location(profile, &frame(text, line, libs)));
    }
    let (prefix, frame) = (thread.stack_table.column("prefix", 0), thread.stack_table.column("frame", 1));
    let row = |at: usize, column: usize| {
        let row = cell(&thread.stack_table.data[at], column).filter(|&row| row >= 0.0);
        row.map(|row| row as usize)
    };
    Stacks::new(profile, &locations, thread.stack_table.data.len(), |at| Ok((row(at, prefix), row(at, frame))))
}

/// A frame by what its location says: an address, `name (in library)`, `name (file:line:column)`, or a name.
fn frame<'a>(text: &'a str, line: i64, libs: &'a [RawLib]) -> Frame<'a> {
    let plain = Frame { name: text, file: "", line, begins: (0, 0), address: None, lib: None };
    if is_address(text) {
        let address = u64::from_str_radix(&text[2..], 16).ok();
        let number = |value: Option<f64>| value.unwrap_or(0.0) as u64;
        let inside = |lib: &&RawLib| address.is_some_and(|at| (number(lib.start)..number(lib.end)).contains(&at));
        let lib = libs.iter().find(inside).map(|lib| Lib {
            path: lib.path.as_deref().unwrap_or(&lib.name),
            build_id: lib.code_id.as_deref().unwrap_or_default(),
            range: Some((number(lib.start), number(lib.end), number(lib.offset))),
        });
        return Frame { address, lib, ..plain };
    }
    match script(text) {
        Some(script) => {
            let line = if line == 0 { script.begins.0 } else { line };
            Frame { name: script.name, file: script.file, line, begins: script.begins, ..plain }
        }
        None => plain,
    }
}

/// A function and the file that it is of.
struct Script<'a> {
    name: &'a str,
    file: &'a str,
    /// The line and column where it begins.
    begins: (i64, i64),
}

/// `name (file:line:column)`, the numbers and a source's number behind it (`[12]`) as far as there are any.
fn script(text: &str) -> Option<Script<'_>> {
    let text = match text.rsplit_once('[') {
        Some((before, number)) if number.trim_end_matches(']').bytes().all(|byte| byte.is_ascii_digit()) => before,
        _ => text,
    };
    // The file may hold parentheses itself; its own open after the first white space before one.
    let inner = text.strip_suffix(')')?;
    let open = inner.rfind(" (")?;
    let (name, mut file) = (inner[..open].trim_end(), &inner[open + 2..]);
    let mut numbers = Vec::new();
    while numbers.len() < 2
        && let Some((before, number)) = file.rsplit_once(':')
        && let Ok(number) = number.parse::<i64>()
    {
        numbers.push(number);
        file = before;
    }
    let file = file.strip_prefix("in ").unwrap_or(file);
    let begins = match numbers[..] {
        [column, line] => (line, column),
        [line] => (line, 0),
        _ => (0, 0),
    };
    Some(Script { name, file, begins })
}

/// What the developer tools saved.
fn devtools(saved: &Object<'_>) -> Result<Profile, String> {
    let threads: Vec<&RawValue> = saved.want("threads")?;
    let is_main = |thread: &&&RawValue| {
        Object::parse(thread.get()).is_ok_and(|thread| thread.get::<String>("name") == Ok(Some("GeckoMain".to_owned())))
    };
    let chosen = if threads.len() == 1 { threads.first() } else { threads.iter().find(is_main) };
    let chosen = chosen.ok_or("there is no thread GeckoMain")?;
    let thread: RawThread = serde_json::from_str(chosen.get()).map_err(|error| error.to_string())?;
    let mut tally = Tally::new();
    let column = tally.column("time", Unit::Milliseconds);
    let cell = |row: &[Cell], column: usize| row.get(column).and_then(|cell| cell.0);
    let (mut scripts, mut locations) = (Scripts::default(), Vec::new());
    for row in &thread.frame_table.data {
        let text = cell(row, 0).and_then(|number| thread.string_table.get(number as usize)).and_then(Option::as_deref);
        let script = text.and_then(script);
        let own = script.filter(|script| {
            !script.file.starts_with("resource:")
                && script.file != "self-hosted"
                && !script.file.starts_with("self-hosted:")
        });
        locations.push(own.map(|script| scripts.location(&mut tally.profile, script.name, script.file, script.begins)));
    }
    let mut stacks: Vec<StackId> = Vec::with_capacity(thread.stack_table.data.len());
    for (at, row) in thread.stack_table.data.iter().enumerate() {
        let caller = match cell(row, 0).filter(|&caller| caller >= 0.0) {
            None => StackId::EMPTY,
            Some(caller) => *stacks.get(caller as usize).ok_or_else(|| format!("stack {at} has a caller behind it"))?,
        };
        let location = cell(row, 1).and_then(|frame| locations.get(frame as usize).copied().flatten());
        stacks.push(location.map_or(caller, |location| tally.profile.stacks.push(caller, location)));
    }
    let samples = &thread.samples;
    let (stack, time) = (samples.column("stack", 0), samples.column("time", 1));
    let at = |sample: &[Cell]| cell(sample, time).unwrap_or(0.0);
    for pair in samples.data.windows(2) {
        let stack = cell(&pair[0], stack).and_then(|stack| stacks.get(stack as usize)).copied();
        if let Some(stack) = stack.filter(|&stack| stack != StackId::EMPTY) {
            tally.add(stack, LabelSetId::EMPTY, column, at(&pair[1]) - at(&pair[0]));
        }
    }
    Ok(tally.finish())
}

#[cfg(test)]
mod tests {
    use super::script;
    use crate::import::tests::{open, stacks};

    const THREAD: &str = r#"{"name":"GeckoMain","pid":3,
        "samples":{"schema":{"stack":0,"time":1},"data":[[2,1.0],[1,2.5],[null,3],[2,4]]},
        "stackTable":{"schema":{"prefix":0,"frame":1},"data":[[null,0],[0,1],[1,2]]},
        "frameTable":{"schema":{"location":0,"line":1},"data":[[0],[1,9],[2]]},
        "stringTable":["(root)","run (http://x/a.js:7:3)[4]","0x1010"]}"#;

    #[test]
    fn threads_of_all_processes_are_read_and_addresses_keep_their_library() {
        let text = format!(
            r#"{{"meta":{{"version":26}},"libs":"[{{\"name\":\"libx\",\"start\":4096,\"end\":8192,\"offset\":0}}]",
            "threads":[{THREAD}],"processes":[{{"meta":{{}},"libs":[],"threads":[{THREAD}]}}]}}"#
        );
        let profile = open(&text);
        let labels = "thread=GeckoMain pid=3";
        assert_eq!(
            stacks(&profile),
            [
                format!("[libx]<run<(root) 2 {labels}"),
                format!("run<(root) 2 {labels}"),
                format!("0x1010<run<(root) 2 {labels}")
            ]
        );
        assert_eq!(profile.mappings[0].limit, 8192);
    }

    #[test]
    fn what_the_developer_tools_saved_is_read_as_time_in_scripts() {
        let text = format!(r#"{{"duration":9,"profile":{{"meta":{{}},"threads":[{THREAD}]}}}}"#);
        assert_eq!(stacks(&open(&text)), ["run 2000000"]);
    }

    #[test]
    fn a_location_is_taken_apart_from_behind() {
        let parts = |text| script(text).map(|script| (script.name, script.file, script.begins));
        assert_eq!(parts("f (http://x:80/a.js:7:3)"), Some(("f", "http://x:80/a.js", (7, 3))));
        assert_eq!(parts("g (self-hosted)"), Some(("g", "self-hosted", (0, 0))));
        assert_eq!(parts("ns::h(int) (in libx.so)"), Some(("ns::h(int)", "libx.so", (0, 0))));
        assert_eq!(parts("EventLoop"), None);
    }
}
