//! Ruby's stackprof as JSON: a flat list of stacks, each its height, its frames from the root, and how often it was seen.
//!
//! Wall profiles weigh the microseconds that passed, CPU profiles samples times the interval, object profiles objects.

use plop_profile::{LabelSetId, LocationId, Profile, StackId};
use rustc_hash::FxHashMap;
use serde::Deserialize;

use super::source::{Object, Source, malformed};
use super::tally::{Tally, Unit};
use super::{Import, Json};

pub(super) const FORMAT: &str = "stackprof JSON";

#[derive(Deserialize)]
struct Frame {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    line: Option<f64>,
}

pub(super) fn import(_: &Source<'_>, json: &Json<'_>) -> Import {
    let Json::Object(object) = json else { return Ok(None) };
    if !object.has_all(&["mode", "frames", "samples", "raw"]) {
        return Ok(None);
    }
    read(object).map(Some).map_err(malformed(FORMAT))
}

fn read(object: &Object<'_>) -> Result<Profile, String> {
    let mode: String = object.want("mode")?;
    let interval = object.get::<f64>("interval")?.unwrap_or(1.0);
    let deltas: Vec<f64> = object.get("raw_timestamp_deltas")?.unwrap_or_default();
    let mut tally = Tally::new();
    let column = match mode.as_str() {
        "object" => tally.column("objects", Unit::Count),
        mode => tally.column(mode, Unit::Microseconds),
    };
    let (mut locations, mut collector) = (FxHashMap::default(), None);
    for (id, frame) in object.want::<FxHashMap<String, Frame>>("frames")? {
        let id: u64 = id.parse().map_err(|_| format!("frame {id:?} has no number"))?;
        let name = frame.name.as_deref().unwrap_or("(unknown)");
        let location = place(&mut tally.profile, name, &frame);
        if name == "(garbage collection)" {
            collector = Some(location);
        }
        locations.insert(id, location);
    }
    let raw: Vec<u64> = object.want("raw")?;
    let (mut rest, mut before, mut sample) = (&raw[..], StackId::EMPTY, 0);
    while let Some((&height, tail)) = rest.split_first() {
        let at = raw.len() - rest.len();
        let torn = || format!("raw ends in the stack at {at}");
        let (ids, tail) =
            usize::try_from(height).ok().and_then(|height| tail.split_at_checked(height)).ok_or_else(torn)?;
        let (&times, tail) = tail.split_first().ok_or_else(torn)?;
        rest = tail;
        let frame =
            |id: &u64| locations.get(id).copied().ok_or_else(|| format!("raw names frame {id}, which there is not"));
        let frames = ids.iter().map(frame).collect::<Result<Vec<LocationId>, String>>()?;
        // The collector was called by what ran before it.
        let below = if frames.len() == 1 && frames.first().copied() == collector { before } else { StackId::EMPTY };
        let stack = frames.iter().fold(below, |stack, &location| tally.profile.stacks.push(stack, location));
        before = stack;
        let weight = match mode.as_str() {
            "object" => times as f64,
            "cpu" => times as f64 * interval,
            _ => {
                let until = sample + (times as usize).min(deltas.len());
                let passed = deltas.get(sample..until).unwrap_or_default().iter().sum();
                sample = until;
                passed
            }
        };
        tally.add(stack, LabelSetId::EMPTY, column, weight);
    }
    Ok(tally.finish())
}

fn place(profile: &mut Profile, name: &str, frame: &Frame) -> LocationId {
    use plop_profile::{Function, Line, Location};
    let (name, file) =
        (profile.strings.intern(name), profile.strings.intern(frame.file.as_deref().unwrap_or_default()));
    let line = frame.line.map_or(0, |line| line as i64);
    let function = profile.intern_function(Function { name, file, start_line: line, ..Function::default() });
    profile.push_location(Location { lines: vec![Line { function, line }], ..Location::default() })
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, refusal, stacks};

    fn with(mode: &str, raw: &str) -> String {
        format!(
            r#"{{"mode":"{mode}","interval":1000,"samples":4,"frames":{{"10":{{"name":"main","file":"a.rb","line":1}},
            "20":{{"name":"Object#a","file":"a.rb"}},"30":{{"name":"(garbage collection)"}}}},
            "raw":{raw},"raw_timestamp_deltas":[5,6,7,8]}}"#
        )
    }

    #[test]
    fn stacks_weigh_what_the_mode_measures() {
        let raw = "[2,10,20,2,1,30,1,1,10,1]";
        let collector = "(garbage collection)<Object#a<main";
        let expect =
            |a, gc, main| vec![format!("Object#a<main {a}"), format!("{collector} {gc}"), format!("main {main}")];
        assert_eq!(stacks(&open(&with("wall", raw))), expect(11, 7, 8));
        assert_eq!(stacks(&open(&with("cpu", raw))), expect(2000, 1000, 1000));
        assert_eq!(stacks(&open(&with("object", raw))), expect(2, 1, 1));
    }

    #[test]
    fn a_list_that_ends_early_says_where() {
        assert_eq!(refusal(&with("cpu", "[1,10,1,9,10]")), "broken stackprof JSON: raw ends in the stack at 3");
        assert!(refusal(&with("cpu", "[1,11,1]")).ends_with("raw names frame 11, which there is not"));
    }
}
