//! Timeline recordings of Safari's Web Inspector: sampled stacks of scripts, each with how long it lasted.

use plop_profile::{LabelSetId, Profile, StackId};
use serde::Deserialize;

use super::scripts::{Scripts, name};
use super::source::{Object, Source, malformed};
use super::tally::{Tally, Unit};
use super::{Import, Json};

pub(super) const FORMAT: &str = "Safari recording";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sample {
    #[serde(default)]
    stack_frames: Vec<Frame>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Frame {
    name: String,
    url: Option<String>,
    line: Option<f64>,
    column: Option<f64>,
}

pub(super) fn import(_: &Source<'_>, json: &Json<'_>) -> Import {
    let Json::Object(object) = json else { return Ok(None) };
    match object.object("recording").filter(|recording| recording.has("sampleStackTraces")) {
        Some(recording) => read(&recording).map(Some).map_err(malformed(FORMAT)),
        None => Ok(None),
    }
}

fn read(recording: &Object<'_>) -> Result<Profile, String> {
    let samples: Vec<Sample> = recording.want("sampleStackTraces")?;
    let durations: Vec<f64> = recording.want("sampleDurations")?;
    if samples.len() != durations.len() {
        return Err(format!("has {} samples and {} durations", samples.len(), durations.len()));
    }
    let (mut tally, mut scripts) = (Tally::new(), Scripts::default());
    let column = tally.column("time", Unit::Seconds);
    for (sample, duration) in samples.iter().zip(durations) {
        let mut stack = StackId::EMPTY;
        for frame in sample.stack_frames.iter().rev() {
            let count = |number: Option<f64>| number.map_or(0, |number| number as i64);
            let (url, place) = (frame.url.as_deref().unwrap_or_default(), (count(frame.line), count(frame.column)));
            let location = scripts.location(&mut tally.profile, &name(&frame.name, url, place.0), url, place);
            stack = tally.profile.stacks.push(stack, location);
        }
        if stack != StackId::EMPTY {
            tally.add(stack, LabelSetId::EMPTY, column, duration);
        }
    }
    Ok(tally.finish())
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, stacks};

    #[test]
    fn each_stack_lasts_as_long_as_it_says() {
        let text = r#"{"version":1,"recording":{"displayName":"x","sampleDurations":[0.002,0.001],"sampleStackTraces":[
            {"timestamp":1,"stackFrames":[{"name":"","url":"http://x/a.js","line":3,"column":4},{"name":"run","url":"http://x/a.js","line":1}]},
            {"timestamp":2,"stackFrames":[]}]}}"#;
        assert_eq!(stacks(&open(text)), ["(anonymous a.js:3)<run 2000000"]);
    }
}
