//! speedscope's own JSON (<https://www.speedscope.app/file-format-schema.json>): a sampled profile for each sample type.

use std::io::{self, Write};

use plop_profile::ValueType;
use serde_json::json;

use super::Exporter;
use crate::filter::Viewed;
use crate::function::Function;

pub(super) struct Speedscope;

impl Exporter for Speedscope {
    fn name(&self) -> &'static str {
        "speedscope"
    }

    fn content_type(&self) -> &'static str {
        "application/json"
    }

    fn extension(&self) -> &'static str {
        "speedscope.json"
    }

    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()> {
        let frame = |function: &Function| match &*function.file {
            "" => json!({"name": function.name}),
            file => json!({"name": function.name, "file": file}),
        };
        let used: Vec<usize> =
            viewed.functions_in_use().iter().enumerate().filter(|(_, used)| **used).map(|(at, _)| at).collect();
        let frames: Vec<_> = used.iter().map(|&at| frame(&viewed.functions[at])).collect();
        let mut numbers = vec![0; viewed.functions.len()];
        used.iter().enumerate().for_each(|(number, &at)| numbers[at] = number);
        write!(
            out,
            r#"{{"$schema":"https://www.speedscope.app/file-format-schema.json","exporter":"plop-view","activeProfileIndex":{},"shared":{{"frames":{}}},"profiles":["#,
            viewed.sample_type,
            serde_json::to_string(&frames)?
        )?;
        for at in 0..viewed.opened.profile.sample_types.len() {
            if at > 0 {
                write!(out, ",")?;
            }
            write_profile(viewed, at, &numbers, out)?;
        }
        write!(out, "]}}")
    }
}

/// `numbers` says which frame of the file a function is.
fn write_profile(viewed: &Viewed<'_>, sample_type: usize, numbers: &[usize], out: &mut dyn Write) -> io::Result<()> {
    let profile = &viewed.opened.profile;
    let ValueType { kind, unit } = profile.sample_types[sample_type];
    let values = viewed.node_self(sample_type);
    let sampled = || values.iter().enumerate().filter(|(_, value)| **value != 0);
    let total = values.iter().fold(0_i64, |sum, value| sum.saturating_add(*value));
    write!(
        out,
        r#"{{"type":"sampled","name":{},"unit":"{}","startValue":0,"endValue":{total},"samples":["#,
        serde_json::to_string(&profile.strings[kind])?,
        speedscope_unit(&profile.strings[unit])
    )?;
    let mut stack = Vec::new();
    for (number, (node, _)) in sampled().enumerate() {
        stack.clear();
        let mut at = node;
        while at != 0 {
            stack.push(numbers[viewed.tree.nodes[at].frame as usize]);
            at = viewed.tree.nodes[at].parent as usize;
        }
        stack.reverse();
        if number > 0 {
            write!(out, ",")?;
        }
        serde_json::to_writer(&mut *out, &stack)?;
    }
    write!(out, r#"],"weights":"#)?;
    serde_json::to_writer(&mut *out, &sampled().map(|(_, value)| *value).collect::<Vec<i64>>())?;
    write!(out, "}}")
}

/// The units that speedscope knows.
fn speedscope_unit(unit: &str) -> &'static str {
    match unit {
        "nanoseconds" | "ns" => "nanoseconds",
        "microseconds" | "us" => "microseconds",
        "milliseconds" | "ms" => "milliseconds",
        "seconds" | "s" => "seconds",
        "bytes" => "bytes",
        _ => "none",
    }
}
