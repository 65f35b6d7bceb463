//! Groups and their colours: an index into the page's palette that a group's name asks for, so that a crate has its colour
//! in every profile as far as its profile's other crates leave it free.

use rustc_hash::FxHashMap;

use super::ColorBy;
use crate::function::Function;
pub(super) use crate::function::hash;

/// How many colours the palette has.
const COLORS: usize = 12;

/// The index that stands for grey: no group in particular.
pub(super) const GREY: u8 = 255;

/// The name of the group of items that belong to none.
pub(super) const OTHER: &str = "other";

/// The colours of the groups of a profile's functions, by name.
///
/// Each gets the one that its name asks for, or the next free one while there are any. Those whose functions come first in
/// the profile choose first: filters do not change that order, and what a growing profile adds comes last, so a group keeps
/// its colour for as long as its profile is looked at.
pub(super) fn colors(functions: &[Function], by: ColorBy) -> FxHashMap<&str, u8> {
    let mut taken = [false; COLORS];
    let mut colors: FxHashMap<&str, u8> = FxHashMap::default();
    colors.insert(OTHER, GREY);
    for function in functions {
        let group = by.group_of(function);
        if group.is_empty() || colors.contains_key(group) {
            continue;
        }
        // The high bits: FNV's low ones mix badly.
        let wish = (hash(&[group]) >> 32) as usize;
        let color = (wish..wish + COLORS).map(|at| at % COLORS).find(|&at| !taken[at]).unwrap_or(wish % COLORS);
        taken[color] = true;
        colors.insert(group, color as u8);
    }
    colors
}
