//! CPU profiles within a recording of Chrome's performance panel: whole ones in `CpuProfile` events, or `Profile` events that
//! announce one and `ProfileChunk` events that bring its nodes and samples piece by piece. Each thread has its own.

use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::cpuprofile::{self, CpuProfile};
use super::scripts::Scripts;
use super::source::{Source, malformed};
use super::tally::Tally;
use super::trace::{Event, ThreadId, ThreadNames, events};
use super::{Import, Json};

pub(super) const FORMAT: &str = "Chrome trace with CPU profiles";

#[derive(Deserialize)]
struct Arguments<T> {
    data: Option<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whole {
    cpu_profile: Option<CpuProfile>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chunk<'a> {
    #[serde(borrow, default)]
    cpu_profile: Option<&'a RawValue>,
    #[serde(default)]
    time_deltas: Option<Vec<f64>>,
}

pub(super) fn import(_: &Source<'_>, json: &Json<'_>) -> Import {
    let Some(mut events) = events(json) else { return Ok(None) };
    if !events.iter().any(|event| matches!(event.name(), "CpuProfile" | "Profile" | "ProfileChunk")) {
        return Ok(None);
    }
    events.sort_by(|left, right| time(left).total_cmp(&time(right)));
    let mut profiles = Profiles::default();
    for event in &events {
        profiles.take(event).map_err(malformed(FORMAT))?;
    }
    if profiles.list.is_empty() {
        return Ok(None);
    }
    let names = ThreadNames::of(&events);
    let (mut tally, mut scripts) = (Tally::new(), Scripts::default());
    for (thread, cpu_profile) in &profiles.list {
        let labels = names.labels(&mut tally.profile, *thread);
        cpuprofile::add(cpu_profile, &mut tally, &mut scripts, labels).map_err(malformed(FORMAT))?;
    }
    Ok(Some(tally.finish()))
}

fn time(event: &Event<'_>) -> f64 {
    event.ts.unwrap_or_default().0
}

/// The profiles so far, each with the thread that it is of.
#[derive(Default)]
struct Profiles<'a> {
    list: Vec<(ThreadId<'a>, CpuProfile)>,
    /// By process and id; those without an id by process and thread.
    known: FxHashMap<(&'a str, &'a str), usize>,
}

impl<'a> Profiles<'a> {
    fn take(&mut self, event: &Event<'a>) -> Result<(), String> {
        let thread = event.thread();
        let key = (thread.process, event.id.map_or(thread.thread, RawValue::get));
        let failed = |error: serde_json::Error| format!("event {} at {}: {error}", event.name(), time(event));
        let Some(args) = event.args else { return Ok(()) };
        match event.name() {
            "CpuProfile" => {
                let whole: Arguments<Whole> = serde_json::from_str(args.get()).map_err(failed)?;
                if let Some(cpu_profile) = whole.data.and_then(|data| data.cpu_profile) {
                    self.begin(key, thread, cpu_profile);
                }
            }
            "Profile" => {
                let begun: Arguments<CpuProfile> = serde_json::from_str(args.get()).map_err(failed)?;
                self.begin(key, thread, begun.data.unwrap_or_default());
            }
            "ProfileChunk" => {
                let chunk: Arguments<Chunk<'_>> = serde_json::from_str(args.get()).map_err(failed)?;
                if let (Some(&at), Some(data)) = (self.known.get(&key), chunk.data) {
                    let (_, whole) = &mut self.list[at];
                    if let Some(piece) = data.cpu_profile {
                        let piece: CpuProfile = serde_json::from_str(piece.get()).map_err(failed)?;
                        whole.nodes.extend(piece.nodes);
                        whole.samples.extend(piece.samples);
                    }
                    whole.time_deltas.extend(data.time_deltas.into_iter().flatten());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn begin(&mut self, key: (&'a str, &'a str), thread: ThreadId<'a>, cpu_profile: CpuProfile) {
        if let Some(&at) = self.known.get(&key) {
            self.list[at] = (thread, cpu_profile);
            return;
        }
        self.known.insert(key, self.list.len());
        self.list.push((thread, cpu_profile));
    }
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, stacks};

    #[test]
    fn a_profile_comes_in_pieces_and_threads_stay_apart() {
        let chunk = |tid: u32, ts: u32, data: &str| {
            format!(
                r#"{{"pid":1,"tid":{tid},"ph":"P","cat":"x","name":"ProfileChunk","id":"0x{tid}","ts":{ts},"args":{{"data":{data}}}}}"#
            )
        };
        let profile = |tid: u32| {
            format!(
                r#"{{"pid":1,"tid":{tid},"ph":"P","cat":"x","name":"Profile","id":"0x{tid}","ts":1,"args":{{"data":{{"startTime":5}}}}}},
                {{"pid":1,"tid":{tid},"ph":"M","cat":"x","name":"thread_name","ts":0,"args":{{"name":"T{tid}"}}}}"#
            )
        };
        let node = |id: u32, name: &str, parent: &str| {
            format!(
                r#"{{"id":{id},{parent}"callFrame":{{"functionName":"{name}","url":"a.js","lineNumber":1,"columnNumber":1}}}}"#
            )
        };
        let nodes = format!("[{},{}]", node(1, "(root)", ""), node(2, "main", r#""parent":1,"#));
        let more = format!("[{}]", node(3, "leaf", r#""parent":2,"#));
        let first = format!(r#"{{"cpuProfile":{{"nodes":{nodes},"samples":[2,2]}},"timeDeltas":[10,1]}}"#);
        let second = format!(r#"{{"cpuProfile":{{"nodes":{more},"samples":[3,1]}},"timeDeltas":[2,4]}}"#);
        let text = format!(
            r#"{{"traceEvents":[{},{},{},{},{},{}]}}"#,
            profile(7),
            chunk(7, 9, &second),
            chunk(7, 3, &first),
            profile(8),
            chunk(8, 4, &first),
            chunk(9, 5, &first)
        );
        assert_eq!(
            stacks(&open(&text)),
            ["main 3 thread=T7 pid=1 tid=7", "leaf<main 4 thread=T7 pid=1 tid=7", "main 1 thread=T8 pid=1 tid=8"]
        );
    }
}
