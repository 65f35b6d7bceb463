//! speedscope's own JSON: frames in one table, and profiles of sampled stacks or of calls that open and close.
//!
//! Each profile of the file becomes a thread of that name; each unit becomes a sample type. The format:
//! <https://github.com/jlfwong/speedscope/blob/main/src/lib/file-format-spec.ts>.

use plop_profile::{Function, Label, LabelSetId, LabelValue, Line, Location, LocationId, Profile};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::source::{Object, Source, malformed};
use super::tally::{Tally, Timeline, Unit};
use super::{Import, Json};

pub(super) const FORMAT: &str = "speedscope JSON";

#[derive(Deserialize)]
struct Shared {
    frames: Vec<Frame>,
}

#[derive(Deserialize)]
struct Frame {
    name: String,
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    line: Option<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    unit: Option<String>,
    #[serde(default)]
    start_value: f64,
}

#[derive(Deserialize)]
struct Sampled {
    samples: Vec<Vec<usize>>,
    weights: Vec<f64>,
}

#[derive(Deserialize)]
struct Evented {
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type")]
    kind: Kind,
    frame: usize,
    at: f64,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
enum Kind {
    #[serde(rename = "O")]
    Open,
    #[serde(rename = "C")]
    Close,
}

pub(super) fn import(source: &Source<'_>, json: &Json<'_>) -> Import {
    let Json::Object(object) = json else { return Ok(None) };
    let schema = object.get::<String>("$schema").ok().flatten().unwrap_or_default();
    let of_speedscope =
        schema.contains("speedscope") || object.raw("exporter").is_some_and(|by| by.get().contains("speedscope"));
    if !(of_speedscope || object.has_all(&["shared", "profiles"])) || source.first() != Some(b'{') {
        return Ok(None);
    }
    read(object).map(Some).map_err(malformed(FORMAT))
}

fn read(object: &Object<'_>) -> Result<Profile, String> {
    let shared: Shared = object.want("shared")?;
    let profiles: Vec<&RawValue> = object.want("profiles")?;
    let mut tally = Tally::new();
    let frames: Vec<LocationId> = shared.frames.iter().map(|frame| location(&mut tally.profile, frame)).collect();
    let several = profiles.len() > 1;
    for (at, raw) in profiles.into_iter().enumerate() {
        let failed = |error: &dyn std::fmt::Display| format!("profile {at}: {error}");
        let header: Header = serde_json::from_str(raw.get()).map_err(|error| failed(&error))?;
        let labels = match (several, header.name.as_deref()) {
            (true, name) => thread(&mut tally.profile, name.unwrap_or_default()),
            (false, _) => LabelSetId::EMPTY,
        };
        let (kind, unit) = measure(header.unit.as_deref());
        let column = tally.column(kind, unit);
        let mut reader = Reader { tally: &mut tally, frames: &frames, labels, column };
        match header.kind.as_str() {
            "sampled" => {
                serde_json::from_str(raw.get()).map_err(|error| error.to_string()).and_then(|it| reader.sampled(it))
            }
            "evented" => serde_json::from_str(raw.get())
                .map_err(|error| error.to_string())
                .and_then(|it| reader.evented(it, header.start_value)),
            other => Err(format!("{other} is neither sampled nor evented")),
        }
        .map_err(|error| failed(&error))?;
    }
    Ok(tally.finish())
}

/// What a unit's values are called, and the unit.
fn measure(unit: Option<&str>) -> (&'static str, Unit) {
    match unit {
        Some("nanoseconds") => ("time", Unit::Nanoseconds),
        Some("microseconds") => ("time", Unit::Microseconds),
        Some("milliseconds") => ("time", Unit::Milliseconds),
        Some("seconds") => ("time", Unit::Seconds),
        Some("bytes") => ("space", Unit::Bytes),
        _ => ("weight", Unit::Count),
    }
}

fn location(profile: &mut Profile, frame: &Frame) -> LocationId {
    let function = Function {
        name: profile.strings.intern(&frame.name),
        file: profile.strings.intern(frame.file.as_deref().unwrap_or_default()),
        ..Function::default()
    };
    let line = frame.line.map_or(0, |line| line as i64);
    let function = profile.intern_function(function);
    profile.push_location(Location { lines: vec![Line { function, line }], ..Location::default() })
}

fn thread(profile: &mut Profile, name: &str) -> LabelSetId {
    let (key, name) = (profile.strings.intern("thread"), profile.strings.intern(name));
    profile.label_sets.intern(&[Label { key, value: LabelValue::Text(name) }])
}

struct Reader<'a> {
    tally: &'a mut Tally,
    frames: &'a [LocationId],
    labels: LabelSetId,
    column: usize,
}

impl Reader<'_> {
    fn frame(&self, number: usize) -> Result<LocationId, String> {
        let known = self.frames.get(number).copied();
        known.ok_or_else(|| format!("names frame {number} of {}", self.frames.len()))
    }

    fn sampled(&mut self, sampled: Sampled) -> Result<(), String> {
        let (samples, weights) = (sampled.samples.len(), sampled.weights.len());
        if samples != weights {
            return Err(format!("has {samples} samples and {weights} weights"));
        }
        for (root_first, weight) in sampled.samples.iter().zip(sampled.weights) {
            let mut stack = plop_profile::StackId::EMPTY;
            for &frame in root_first {
                let location = self.frame(frame)?;
                stack = self.tally.profile.stacks.push(stack, location);
            }
            if !root_first.is_empty() {
                self.tally.add(stack, self.labels, self.column, weight);
            }
        }
        Ok(())
    }

    fn evented(&mut self, evented: Evented, start: f64) -> Result<(), String> {
        let mut timeline = Timeline::default();
        let mut open = Vec::new();
        for (at, event) in evented.events.iter().enumerate() {
            let value = event.at - start;
            if value < timeline.last() {
                return Err(format!("event {at}: {} comes after {}", event.at, timeline.last() + start));
            }
            timeline.advance(self.tally, self.labels, self.column, value);
            let location = self.frame(event.frame)?;
            match event.kind {
                Kind::Open => {
                    timeline.open(self.tally, location);
                    open.push(event.frame);
                }
                Kind::Close if open.pop() == Some(event.frame) => timeline.close(),
                Kind::Close => {
                    return Err(format!("event {at}: closes frame {}, which is not the innermost", event.frame));
                }
            }
        }
        match open.len() {
            0 => Ok(()),
            left => Err(format!("ends with {left} frames open")),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, refusal, stacks};

    const FRAMES: &str = r#""$schema":"https://www.speedscope.app/file-format-schema.json",
        "shared":{"frames":[{"name":"a"},{"name":"b","file":"b.js","line":3}]}"#;

    #[test]
    fn sampled_profiles_are_threads_and_units_are_sample_types() {
        let profile = open(&format!(
            r#"{{{FRAMES},"profiles":[
                {{"type":"sampled","name":"one","unit":"seconds","startValue":0,"endValue":3,
                  "samples":[[0,1],[0],[]],"weights":[2,1,5]}},
                {{"type":"sampled","name":"two","unit":"bytes","startValue":0,"endValue":3,"samples":[[1]],"weights":[7]}}]}}"#
        ));
        assert_eq!([profile.total(0), profile.total(1)], [3, 7]);
        assert_eq!(stacks(&profile), ["b<a 2 0 thread=one", "a 1 0 thread=one", "b 0 7 thread=two"]);
    }

    #[test]
    fn time_between_events_belongs_to_the_open_stack() {
        let event = |kind: &str, frame: usize, at: f64| format!(r#"{{"type":"{kind}","frame":{frame},"at":{at}}}"#);
        let with = |events: &[String]| {
            format!(
                r#"{{{FRAMES},"profiles":[{{"type":"evented","name":"x","unit":"milliseconds","startValue":1,"endValue":9,
                "events":[{}]}}]}}"#,
                events.join(",")
            )
        };
        let events = [event("O", 0, 1.0), event("O", 1, 2.5), event("C", 1, 3.0), event("C", 0, 4.0)];
        let profile = open(&with(&events));
        assert_eq!(&profile.strings[profile.sample_types[0].unit], "nanoseconds");
        assert_eq!(stacks(&profile), ["a 2500000", "b<a 500000"]);
        assert!(refusal(&with(&events[..3])).contains("profile 0: ends with 1 frames open"));
        assert!(refusal(&with(&[events[0].clone(), event("C", 1, 3.0)])).contains("event 1: closes frame 1"));
        assert!(refusal(&with(&[event("O", 7, 1.0)])).contains("names frame 7 of 2"));
    }
}
