//! The Firefox Profiler's processed JSON, which samply, perf's exporters and profiler.firefox.com write: for each thread a table
//! of samples, and tables of stacks, frames, functions and strings, which newer versions share between threads.
//!
//! The format and its versions: <https://github.com/firefox-devtools/profiler/blob/main/docs-developer/CHANGELOG-formats.md>.

use plop_profile::Profile;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::firefox_tables::{Code, Frame, Lib, Stacks, Thread};
use super::source::{Cell, Object, Source, malformed};
use super::tally::{Tally, Unit};
use super::{Import, Json};

pub(super) const FORMAT: &str = "Firefox Profiler JSON";

pub(super) fn import(_: &Source<'_>, json: &Json<'_>) -> Import {
    let Json::Object(object) = json else { return Ok(None) };
    let Some(meta) = object.object("meta") else { return Ok(None) };
    let first = object.get::<Vec<&RawValue>>("threads").ok().flatten().and_then(|threads| threads.first().copied());
    let of_lists = first.is_some_and(|thread| Object::parse(thread.get()).is_ok_and(|thread| thread.has("funcTable")));
    let processed = of_lists || meta.has("preprocessedProfileVersion") && first.is_some();
    if !processed {
        return Ok(None);
    }
    read(object, &meta).map(Some).map_err(malformed(FORMAT))
}

/// Tables, of one thread or shared by all; each column is a list.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Tables {
    stack_table: Option<StackTable>,
    frame_table: Option<FrameTable>,
    func_table: Option<FuncTable>,
    resource_table: Option<ResourceTable>,
    #[serde(alias = "stringTable")]
    string_array: Option<Vec<Option<String>>>,
    sources: Option<SourceTable>,
    /// Before version 41.
    libs: Option<Vec<RawLib>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct StackTable {
    prefix: Vec<Cell>,
    /// From version 66: how far before a stack its caller stands; 0 for none.
    prefix_offset: Option<Vec<Cell>>,
    frame: Vec<Cell>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct FrameTable {
    func: Vec<Cell>,
    address: Vec<Cell>,
    line: Vec<Cell>,
    /// From version 70; before, a function's resource has it.
    lib: Option<Vec<Cell>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct FuncTable {
    name: Vec<Cell>,
    file_name: Vec<Cell>,
    /// From version 58: a row of the shared sources, instead of `file_name`.
    source: Option<Vec<Cell>>,
    line_number: Vec<Cell>,
    column_number: Vec<Cell>,
    resource: Vec<Cell>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ResourceTable {
    lib: Vec<Cell>,
    name: Vec<Cell>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SourceTable {
    filename: Vec<Cell>,
}

#[derive(Deserialize, Default, Clone)]
#[serde(rename_all = "camelCase", default)]
struct RawLib {
    name: String,
    path: Option<String>,
    code_id: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct RawThread {
    name: String,
    process_name: Option<String>,
    pid: Id,
    tid: Id,
    samples: Option<Samples>,
    native_allocations: Option<Samples>,
    js_allocations: Option<Samples>,
}

/// An id, which some versions write as a number and others as a text.
#[derive(Deserialize, Default)]
#[serde(untagged)]
enum Id {
    Text(String),
    Number(f64),
    #[default]
    None,
}

impl Id {
    fn text(&self) -> String {
        match self {
            Id::Text(text) => text.clone(),
            Id::Number(number) => number.to_string(),
            Id::None => String::new(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Samples {
    stack: Vec<Cell>,
    weight: Option<Vec<Cell>>,
    weight_type: Option<String>,
    #[serde(rename = "threadCPUDelta")]
    thread_cpu_delta: Option<Vec<Cell>>,
}

fn read(object: &Object<'_>, meta: &Object<'_>) -> Result<Profile, String> {
    let mut tally = Tally::new();
    let cpu_unit = meta.object("sampleUnits").and_then(|units| units.get::<String>("threadCPUDelta").ok().flatten());
    let cpu_unit = match cpu_unit.as_deref() {
        Some("µs" | "us") => Some(Unit::Microseconds),
        Some("ns") => Some(Unit::Nanoseconds),
        _ => None,
    };
    if let Some(start) = meta.get::<f64>("startTime").ok().flatten() {
        tally.profile.time_nanos = (start * 1e6) as i64;
    }
    let shared: Tables = object.get("shared")?.unwrap_or_default();
    let libs: Vec<RawLib> = object.get("libs")?.unwrap_or_default();
    let mut code = Code::default();
    let shared_stacks = match shared.stack_table {
        Some(_) => Some(stacks(&Tables::default(), &shared, &libs, &mut code, &mut tally.profile)?),
        None => None,
    };
    for (at, raw) in object.want::<Vec<&RawValue>>("threads")?.into_iter().enumerate() {
        let failed = |error: String| format!("thread {at}: {error}");
        let thread: RawThread = serde_json::from_str(raw.get()).map_err(|error| failed(error.to_string()))?;
        let own;
        let stacks = match &shared_stacks {
            Some(stacks) => stacks,
            None => {
                let tables: Tables = serde_json::from_str(raw.get()).map_err(|error| failed(error.to_string()))?;
                own = stacks(&tables, &shared, &libs, &mut code, &mut tally.profile).map_err(failed)?;
                &own
            }
        };
        let named = Thread {
            name: &thread.name,
            process: thread.process_name.as_deref().unwrap_or_default(),
            pid: &thread.pid.text(),
            tid: &thread.tid.text(),
        };
        let labels = named.labels(&mut tally.profile);
        for (samples, kind) in [
            (&thread.samples, None),
            (&thread.native_allocations, Some("native")),
            (&thread.js_allocations, Some("js")),
        ] {
            let Some(samples) = samples else { continue };
            let column = match (kind, samples.weight_type.as_deref()) {
                (Some(kind), _) => tally.column(kind, Unit::Bytes),
                (None, Some("tracing-ms")) => tally.column("time", Unit::Milliseconds),
                (None, Some("bytes")) => tally.column("space", Unit::Bytes),
                (None, _) => tally.column("samples", Unit::Count),
            };
            for (at, stack) in samples.stack.iter().enumerate() {
                let Some(stack) = stacks.get(*stack).map_err(failed)? else { continue };
                let weight = samples.weight.as_ref().map_or(1.0, |weights| number(weights, at).unwrap_or(0.0));
                tally.add(stack, labels, column, weight);
                if let (Some(unit), Some(cpu)) = (cpu_unit, samples.thread_cpu_delta.as_ref()) {
                    let column = tally.column("cpu", unit);
                    tally.add(stack, labels, column, number(cpu, at).unwrap_or(0.0));
                }
            }
        }
    }
    Ok(tally.finish())
}

fn number(column: &[Cell], at: usize) -> Option<f64> {
    column.get(at).and_then(|cell| cell.0)
}

/// A cell that is a row of another table; -1 is none.
fn row(column: &[Cell], at: usize) -> Option<usize> {
    number(column, at).filter(|&row| row >= 0.0).map(|row| row as usize)
}

/// The stacks of a thread, or the ones that all threads share.
fn stacks(
    own: &Tables,
    shared: &Tables,
    libs: &[RawLib],
    code: &mut Code,
    profile: &mut Profile,
) -> Result<Stacks, String> {
    fn pick<'a, T>(own: &'a Option<T>, shared: &'a Option<T>, name: &str) -> Result<&'a T, String> {
        own.as_ref().or(shared.as_ref()).ok_or_else(|| format!("there is no {name}"))
    }
    let strings = pick(&own.string_array, &shared.string_array, "stringArray")?;
    let frames = pick(&own.frame_table, &shared.frame_table, "frameTable")?;
    let funcs = pick(&own.func_table, &shared.func_table, "funcTable")?;
    let stack_table = pick(&own.stack_table, &shared.stack_table, "stackTable")?;
    let (no_resources, no_sources) = (ResourceTable::default(), SourceTable::default());
    let resources = own.resource_table.as_ref().or(shared.resource_table.as_ref()).unwrap_or(&no_resources);
    let sources = shared.sources.as_ref().or(own.sources.as_ref()).unwrap_or(&no_sources);
    let libs = own.libs.as_deref().filter(|own| !own.is_empty()).unwrap_or(libs);
    let text = |column: &[Cell], at: usize| {
        row(column, at).and_then(|row| strings.get(row)).and_then(Option::as_deref).unwrap_or_default()
    };
    let mut locations = Vec::with_capacity(frames.func.len());
    for at in 0..frames.func.len() {
        let func = row(&frames.func, at).ok_or_else(|| format!("frame {at} has no function"))?;
        let resource = row(&funcs.resource, func);
        let lib = match &frames.lib {
            Some(column) => row(column, at),
            None => resource.and_then(|resource| row(&resources.lib, resource)),
        };
        let lib = lib.and_then(|lib| libs.get(lib)).map(|lib| Lib {
            path: lib.path.as_deref().filter(|path| !path.is_empty()).unwrap_or(&lib.name),
            build_id: lib.code_id.as_deref().unwrap_or_default(),
            range: None,
        });
        let file = match &funcs.source {
            Some(column) => row(column, func).map_or("", |source| text(&sources.filename, source)),
            None => text(&funcs.file_name, func),
        };
        let file = match (file, &lib, resource) {
            ("", None, Some(resource)) => text(&resources.name, resource),
            (file, ..) => file,
        };
        let address = number(&frames.address, at).filter(|&address| address >= 0.0).map(|address| address as u64);
        let whole = |column: &[Cell], at: usize| number(column, at).unwrap_or(0.0) as i64;
        let line = whole(&frames.line, at);
        let begins = (whole(&funcs.line_number, func), whole(&funcs.column_number, func));
        locations
            .push(code.location(profile, &Frame { name: text(&funcs.name, func), file, line, begins, address, lib }));
    }
    Stacks::new(profile, &locations, stack_table.frame.len(), |at| {
        let prefix = match &stack_table.prefix_offset {
            Some(offsets) => match row(offsets, at) {
                None | Some(0) => None,
                Some(offset) => {
                    Some(at.checked_sub(offset).ok_or_else(|| format!("stack {at} has no caller {offset} before it"))?)
                }
            },
            None => row(&stack_table.prefix, at),
        };
        Ok((prefix, row(&stack_table.frame, at)))
    })
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, refusal, stacks};

    const TABLES: &str = r#""frameTable":{"func":[0,1,2],"address":[-1,-1,16],"line":[null,7,null],"length":3},
        "funcTable":{"name":[0,1,2],"fileName":[null,3,null],"resource":[-1,-1,0],"length":3},
        "resourceTable":{"lib":[0],"name":[4],"length":1}"#;
    const STRINGS: &str = r#"["main","parse","0x10","app.rs","libx.so"]"#;
    const SAMPLES: &str = r#"{"stack":[1,null,2,1],"weight":[1,1,1,3],"weightType":"samples","threadCPUDelta":[10,5,20,null],"length":4}"#;
    const META: &str = r#""meta":{"preprocessedProfileVersion":50,"sampleUnits":{"threadCPUDelta":"µs"}},
        "libs":[{"name":"libx.so","path":"/lib/libx.so","codeId":"abcd"}]"#;

    #[test]
    fn tables_of_a_thread_and_shared_ones_give_the_same() {
        let prefix = r#""stackTable":{"prefix":[null,0,1],"frame":[0,1,2],"length":3}"#;
        let offset = r#""stackTable":{"prefixOffset":[0,1,1],"frame":[0,1,2],"length":3}"#;
        let thread = r#""name":"worker","processName":"app","pid":"7","tid":8"#;
        let own = format!(
            r#"{{{META},"threads":[{{{thread},"stringArray":{STRINGS},{TABLES},{prefix},"samples":{SAMPLES}}}]}}"#
        );
        let shared = format!(
            r#"{{{META},"shared":{{"stringArray":{STRINGS},{TABLES},{offset}}},"threads":[{{{thread},"samples":{SAMPLES}}}]}}"#
        );
        let labels = "thread=worker process=app pid=7 tid=8";
        let expected = [format!("parse<main 4 10 {labels}"), format!("[libx.so]<parse<main 1 20 {labels}")];
        for text in [own, shared] {
            let profile = open(&text);
            assert_eq!(stacks(&profile), expected);
            assert_eq!(&profile.strings[profile.mappings[0].build_id], "abcd", "for symbols later");
        }
    }

    #[test]
    fn tables_that_do_not_fit_are_said() {
        let text = format!(
            r#"{{{META},"threads":[{{"name":"x","stringArray":{STRINGS},{TABLES},"stackTable":{{"prefix":[1,null],"frame":[0,1]}},"samples":{SAMPLES}}}]}}"#
        );
        assert_eq!(
            refusal(&text),
            "broken Firefox Profiler JSON: thread 0: stack 0 has caller 1, which does not come before it"
        );
    }
}
