//! DHAT's heap profiles, of valgrind and of Rust's dhat crate: for each place that allocates, its stack, and how many bytes
//! and blocks it allocated, had at the peak, and had at the end.
//!
//! The format: <https://valgrind.org/docs/manual/dh-manual.html>, and `dhat/dh_main.c` for its fields.

use plop_profile::{Function, LabelSetId, Line, Location, LocationId, Profile};
use serde::Deserialize;

use super::source::{Object, Source, malformed};
use super::{Import, Json};

pub(super) const FORMAT: &str = "DHAT JSON";

/// The columns: a field, what it measures, and its unit.
const COLUMNS: [(&str, &str); 6] = [
    ("alloc_objects", "count"),
    ("alloc_space", "bytes"),
    ("end_objects", "count"),
    ("end_space", "bytes"),
    ("peak_objects", "count"),
    ("peak_space", "bytes"),
];

#[derive(Deserialize)]
struct Place {
    tb: i64,
    tbk: i64,
    #[serde(default)]
    gb: i64,
    #[serde(default)]
    gbk: i64,
    #[serde(default)]
    eb: i64,
    #[serde(default)]
    ebk: i64,
    fs: Vec<usize>,
}

pub(super) fn import(_: &Source<'_>, json: &Json<'_>) -> Import {
    let Json::Object(object) = json else { return Ok(None) };
    if !object.has_all(&["dhatFileVersion", "pps", "ftbl"]) {
        return Ok(None);
    }
    read(object).map(Some).map_err(malformed(FORMAT))
}

fn read(object: &Object<'_>) -> Result<Profile, String> {
    let version: i64 = object.want("dhatFileVersion")?;
    if version != 2 {
        return Err(format!("is of version {version}; version 2 is known"));
    }
    let mut profile = Profile::new(COLUMNS);
    // What was never freed at the peak is what most look for; without it, all that was allocated.
    let knows_lifetimes = object.get::<bool>("bklt")?.unwrap_or(false);
    profile.default_sample_type = if knows_lifetimes { 5 } else { 1 };
    let frames: Vec<String> = object.want("ftbl")?;
    let locations: Vec<Option<LocationId>> = frames.iter().map(|frame| location(&mut profile, frame)).collect();
    for (at, place) in object.want::<Vec<Place>>("pps")?.into_iter().enumerate() {
        let frame = |number: &usize| {
            let known = locations.get(*number).copied();
            known.ok_or_else(|| format!("place {at} names frame {number} of {}", locations.len()))
        };
        let leaf_first = place.fs.iter().map(frame).collect::<Result<Vec<_>, String>>()?;
        let stack = profile.stacks.intern(leaf_first.into_iter().flatten());
        let values = [place.tbk, place.tb, place.ebk, place.eb, place.gbk, place.gb];
        profile.samples.add(stack, LabelSetId::EMPTY, &values);
    }
    Ok(profile)
}

/// `0x1234: function (file.c:12:3)`, or `(in /lib/libc.so)` where there is no file; `[root]` is no frame.
fn location(profile: &mut Profile, text: &str) -> Option<LocationId> {
    if text == "[root]" {
        return None;
    }
    let rest = match text.split_once(": ") {
        Some((address, rest)) if address.starts_with("0x") => rest,
        _ => text,
    };
    let split = rest.strip_suffix(')').and_then(|inner| inner.rsplit_once(" ("));
    let (name, mut file, mut line) = match split {
        Some((name, file)) => (name, file.trim_start_matches("in "), 0),
        None => (rest, "", 0),
    };
    let mut numbers = 0;
    while numbers < 2
        && let Some((before, number)) = file.rsplit_once(':')
        && let Ok(number) = number.parse()
    {
        (file, line, numbers) = (before, number, numbers + 1);
    }
    let (name, file) = (profile.strings.intern(name), profile.strings.intern(file));
    let function = profile.intern_function(Function { name, file, ..Function::default() });
    Some(profile.push_location(Location { lines: vec![Line { function, line }], ..Location::default() }))
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, refusal, stacks};

    #[test]
    fn places_have_what_they_allocated_kept_and_had_at_the_peak() {
        let text = r#"{"dhatFileVersion":2,"mode":"rust-heap","bklt":true,"pps":[
            {"tb":100,"tbk":2,"gb":60,"gbk":1,"eb":0,"ebk":0,"fs":[1,2]},{"tb":8,"tbk":1,"fs":[2]}],
            "ftbl":["[root]","0x10: alloc::vec::push (alloc/vec.rs:7:5)","0x20: main (in /bin/app)"]}"#;
        let profile = open(text);
        assert_eq!(stacks(&profile), ["alloc::vec::push<main 2 100 0 0 1 60", "main 1 8 0 0 0 0"]);
        assert_eq!(&profile.strings[profile.sample_types[profile.default_sample_type].kind], "peak_space");
        let line = &profile.locations[0].lines[0];
        let file = profile.functions[line.function.0 as usize].file;
        assert_eq!((&profile.strings[file], line.line), ("alloc/vec.rs", 7));
        assert!(refusal(&text.replace("\"fs\":[2]", "\"fs\":[9]")).ends_with("place 1 names frame 9 of 3"));
    }
}
