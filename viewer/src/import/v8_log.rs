//! V8's tick log as `node --prof-process --preprocess` turns it into JSON: pieces of code, and ticks with the codes that were
//! running. Each tick weighs the microseconds since the one before.

use plop_profile::{LabelSetId, LocationId, Profile, StackId};
use serde::Deserialize;

use super::scripts::{Scripts, name};
use super::source::{Object, Source, malformed};
use super::tally::{Tally, Unit};
use super::{Import, Json};

pub(super) const FORMAT: &str = "V8 log JSON";

#[derive(Deserialize, Default)]
#[serde(default)]
struct Code {
    name: String,
    #[serde(rename = "type")]
    of: String,
    kind: String,
}

#[derive(Deserialize)]
struct Tick {
    tm: f64,
    #[serde(default)]
    s: Vec<i64>,
}

pub(super) fn import(_: &Source<'_>, json: &Json<'_>) -> Import {
    let Json::Object(object) = json else { return Ok(None) };
    if !object.has_all(&["code", "functions", "ticks"]) {
        return Ok(None);
    }
    read(object).map(Some).map_err(malformed(FORMAT))
}

fn read(object: &Object<'_>) -> Result<Profile, String> {
    let codes: Vec<Option<Code>> = object.want("code")?;
    let mut ticks: Vec<Tick> = object.want("ticks")?;
    ticks.sort_by(|left, right| left.tm.total_cmp(&right.tm));
    let (mut tally, mut scripts) = (Tally::new(), Scripts::default());
    let column = tally.column("time", Unit::Microseconds);
    let mut locations: Vec<Option<LocationId>> = vec![None; codes.len()];
    let mut before = 0.0;
    for tick in &ticks {
        let mut stack = StackId::EMPTY;
        // The stack of scripts and the one of V8 itself stand in turns, the shorter one filled up with -1.
        for &id in tick.s.iter().rev().skip(1).step_by(2).filter(|id| **id != -1) {
            let at = usize::try_from(id).ok().filter(|&at| at < codes.len());
            let location = match at {
                Some(at) => {
                    *locations[at].get_or_insert_with(|| place(codes[at].as_ref(), &mut scripts, &mut tally.profile))
                }
                None => tally.profile.named_location(&format!("0x{id:x}"), ""),
            };
            stack = tally.profile.stacks.push(stack, location);
        }
        if stack != StackId::EMPTY {
            tally.add(stack, LabelSetId::EMPTY, column, tick.tm - before);
        }
        before = tick.tm;
    }
    Ok(tally.finish())
}

fn place(code: Option<&Code>, scripts: &mut Scripts, profile: &mut Profile) -> LocationId {
    let Some(code) = code.filter(|code| !code.of.is_empty()) else {
        return profile.named_location("(unknown type)", "");
    };
    let named = match (code.of.as_str(), code.kind.as_str()) {
        ("JS", _) => {
            if let Some((function, file, place)) = script(&code.name) {
                return scripts.location(profile, &name(function, file, place.0), file, place);
            }
            code.name.clone()
        }
        ("CPP", _) => {
            let symbol = code.name.split_once(['t', 'T']).and_then(|(_, rest)| rest.strip_prefix(' '));
            symbol.map_or(code.name.clone(), |symbol| {
                format!("(c++) {}", symbol.split(['(', '<']).next().unwrap_or(symbol))
            })
        }
        ("SHARED_LIB", _) => format!("(LIB) {}", code.name),
        ("CODE", "LoadIC" | "StoreIC" | "KeyedStoreIC" | "KeyedLoadIC" | "LoadGlobalIC" | "Handler") => {
            format!("(IC) {}", code.name)
        }
        ("CODE", "BytecodeHandler") => format!("(bytecode) ~{}", code.name),
        ("CODE", kind @ ("Stub" | "Builtin" | "RegExp")) => format!("({}) {}", kind.to_lowercase(), code.name),
        ("CODE", _) => code.name.clone(),
        (of, _) => format!("({of}) {}", code.name),
    };
    profile.named_location(&named, "")
}

/// `function file:line:column`, each part as far as there is one.
fn script(text: &str) -> Option<(&str, &str, (i64, i64))> {
    let (rest, column) = text.rsplit_once(':')?;
    let (rest, line) = rest.rsplit_once(':')?;
    let (function, file) = rest.split_once(' ')?;
    Some((function, file, (line.parse().ok()?, column.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, stacks};

    #[test]
    fn ticks_weigh_the_time_since_the_one_before() {
        let text = r#"{"code":[{"name":"main a.js:1:1","type":"JS"},{"name":" lib/b.js:7:2","type":"JS"},{"name":"libc.so","type":"SHARED_LIB"},
            {"name":"Sort","type":"CODE","kind":"Builtin"}],"functions":[],
            "ticks":[{"tm":30,"s":[1,2,0,-1]},{"tm":10,"s":[3,-1,0,-1]},{"tm":45,"s":[]}]}"#;
        assert_eq!(stacks(&open(text)), ["(builtin) Sort<main 10", "(anonymous b.js:7)<main 20"]);
    }
}
