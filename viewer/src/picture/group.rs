//! Groups: what shares a colour, and which.

use rustc_hash::FxHashMap;

use super::reduce::{Reduced, Stands};
use super::{ColorBy, Group, Source};

/// How many colours the page's palette has.
const COLORS: u64 = 12;
/// The colour of what belongs nowhere.
const GREY: u8 = 255;

/// The groups, largest self first, and the group of each item. A group's total is that of its largest item: the samples of
/// several can't be told apart here.
pub(super) fn groups(source: &Source<'_>, reduced: &Reduced, by: ColorBy) -> (Vec<Group>, Vec<usize>) {
    let mut groups: Vec<Group> = Vec::new();
    let mut known: FxHashMap<&str, usize> = FxHashMap::default();
    let mut of_item = Vec::with_capacity(reduced.items.len());
    for (item, stands) in reduced.items.iter().enumerate() {
        let name = group_name(source, stands, by);
        let at = *known.entry(name).or_insert_with(|| {
            let shown = if name.is_empty() { "other" } else { name };
            groups.push(Group { name: shown.to_owned(), color: color(name), self_value: 0, total: 0 });
            groups.len() - 1
        });
        groups[at].self_value += reduced.graph.self_values[item];
        groups[at].total = groups[at].total.max(reduced.graph.totals[item]);
        of_item.push(at);
    }
    let mut order: Vec<usize> = (0..groups.len()).collect();
    order.sort_by(|&left, &right| {
        groups[right].self_value.cmp(&groups[left].self_value).then_with(|| groups[left].name.cmp(&groups[right].name))
    });
    let mut new_place = vec![0; groups.len()];
    order.iter().enumerate().for_each(|(place, &old)| new_place[old] = place);
    (order.iter().map(|&old| groups[old].clone()).collect(), of_item.iter().map(|&old| new_place[old]).collect())
}

fn group_name<'a>(source: &Source<'a>, stands: &'a Stands, by: ColorBy) -> &'a str {
    match stands {
        Stands::Function(frame) => {
            let function = &source.functions[*frame as usize];
            match by {
                ColorBy::Crate => &function.krate,
                ColorBy::Module => &function.module,
                ColorBy::File => &function.file,
            }
        }
        Stands::Fold(fold) if by == ColorBy::Module => &fold.module,
        Stands::Fold(fold) => &fold.krate,
    }
}

/// A colour that depends on the name alone, so that a crate has the same one in every profile.
fn color(name: &str) -> u8 {
    if name.is_empty() {
        return GREY;
    }
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    // The low bits of FNV-1a mix less than the high ones; fold them together.
    (u64::from(hash ^ (hash >> 16)) % COLORS) as u8
}
