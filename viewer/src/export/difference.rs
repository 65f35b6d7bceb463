//! How pictures show what has changed between two profiles: in their items, in words and signs, and by colour.

use crate::compare::Both;
use crate::picture::{self, Picture, Settings, Source};

/// The picture of both.
pub(super) fn picture(both: &Both<'_>) -> Picture {
    let together = both.together();
    let source = Source { tree: &both.viewed.tree, node_self: &together, functions: both.viewed.functions };
    picture::compared(source, &Settings::default(), &both.node_self, both.scale)
}

/// What has become of something, by a sign and in words; `delta` as `api/picture` has it.
pub(super) fn change(delta: f64) -> String {
    if delta >= 1.0 {
        return "+ new".to_owned();
    }
    if delta <= -1.0 {
        return "− gone".to_owned();
    }
    // From a part of the larger side to a part of before.
    let percent = if delta > 0.0 { 100.0 * (1.0 / (1.0 - delta) - 1.0) } else { 100.0 * delta };
    match percent.abs() {
        size if size < 0.05 => "same".to_owned(),
        size => format!("{} {size:.*} %", if delta > 0.0 { '+' } else { '−' }, usize::from(size < 9.95)),
    }
}

/// The colour of a change: from grey towards orange for what grew, towards blue for what shrank, as the page has them.
pub(super) fn tint(delta: f64) -> String {
    const PLAIN: [f64; 3] = [125.0, 132.0, 143.0];
    const GROWN: [f64; 3] = [184.0, 58.0, 0.0];
    const SHRUNK: [f64; 3] = [0.0, 99.0, 176.0];
    let part = delta.abs().min(1.0).sqrt();
    let to = if delta > 0.0 { GROWN } else { SHRUNK };
    let channel = |at: usize| (PLAIN[at] + (to[at] - PLAIN[at]) * part).round() as u8;
    format!("#{:02x}{:02x}{:02x}", channel(0), channel(1), channel(2))
}
