//! profile.proto, gzipped: the profile as it is if the view shows all of it, otherwise the stacks that the view leaves.

use std::io::{self, Write};
use std::ops::Range;

use plop_profile::{Function, LabelSetId, LocationId, Profile, StackId};
use rustc_hash::FxHashMap;

use super::Exporter;
use crate::compare::{Both, CompareError, Sides};
use crate::filter::Viewed;

pub(super) struct Pprof;

impl Exporter for Pprof {
    fn name(&self) -> &'static str {
        "pprof"
    }

    fn content_type(&self) -> &'static str {
        "application/octet-stream"
    }

    fn extension(&self) -> &'static str {
        "pb.gz"
    }

    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()> {
        match viewed.is_whole() {
            true => write(&viewed.opened.profile, out),
            false => write(&reduced(viewed), out),
        }
    }

    /// After less before, with negative values.
    fn write_difference(&self, both: &Both<'_>, out: &mut dyn Write) -> io::Result<()> {
        let refused = |error| io::Error::new(io::ErrorKind::InvalidInput, error);
        write(&difference(both).map_err(refused)?, out)
    }
}

/// Writes a profile, gzipped.
pub(crate) fn write(profile: &Profile, out: &mut dyn Write) -> io::Result<()> {
    let mut gzip = flate2::write::GzEncoder::new(out, flate2::Compression::default());
    gzip.write_all(&profile.encode())?;
    gzip.finish()?;
    Ok(())
}

/// The view's stacks as a profile of functions; addresses, which no longer belong to all of a stack, are left out.
fn reduced(viewed: &Viewed<'_>) -> Profile {
    let source = &viewed.opened.profile;
    let mut profile = header(viewed, 0..source.sample_types.len());
    let stacks = take_stacks(viewed, &mut profile);
    let mut labels: FxHashMap<LabelSetId, LabelSetId> = FxHashMap::default();
    for sample in viewed.samples() {
        let labels = *labels.entry(sample.labels).or_insert_with_key(|&set| profile.take_label_set(source, set));
        profile.samples.add(stacks[viewed.tree.leaf(sample.stack)], labels, sample.values);
    }
    profile
}

/// After less before, as a profile of functions: each sample type that both have, with negative values where there is less.
fn difference(both: &Both<'_>) -> Result<Profile, CompareError> {
    let Both { comparison, viewed, normalize, .. } = both;
    let types = comparison.sample_types();
    let mut less = header(viewed, types.clone());
    let stacks = take_stacks(viewed, &mut less);
    let mut deltas = Vec::new();
    for of in types {
        let Sides { before, after } = comparison.node_self_of(viewed, of);
        let before = comparison.scale_of(of, *normalize)?.spread(&before);
        deltas.push(after.iter().zip(before).map(|(after, before)| after.saturating_sub(before)).collect::<Vec<i64>>());
    }
    for (node, &stack) in stacks.iter().enumerate().skip(1) {
        let values: Vec<i64> = deltas.iter().map(|deltas| deltas[node]).collect();
        if values.iter().any(|value| *value != 0) {
            less.samples.add(stack, LabelSetId::EMPTY, &values);
        }
    }
    Ok(less)
}

/// A profile without samples that has some of the sample types, and what is known of the time.
fn header(viewed: &Viewed<'_>, sample_types: Range<usize>) -> Profile {
    let source = &viewed.opened.profile;
    let text = |id| &source.strings[id];
    let types = source.sample_types[sample_types].iter().map(|of| (text(of.kind), text(of.unit)));
    let mut profile = Profile::new(types);
    profile.default_sample_type = viewed.sample_type;
    profile.set_period(text(source.period_type.kind), text(source.period_type.unit), source.period);
    (profile.time_nanos, profile.duration_nanos) = (source.time_nanos, source.duration_nanos);
    profile
}

/// Puts the view's functions and stacks into a profile; gives the stack of each node of the view's tree that has samples.
fn take_stacks(viewed: &Viewed<'_>, profile: &mut Profile) -> Vec<StackId> {
    let locations: Vec<Option<LocationId>> = viewed
        .functions
        .iter()
        .zip(viewed.functions_in_use())
        .map(|(function, in_use)| {
            in_use.then(|| {
                let (name, file) = (profile.strings.intern(&function.name), profile.strings.intern(&function.file));
                let function = profile.intern_function(Function { name, file, ..Function::default() });
                profile.function_location(function)
            })
        })
        .collect();
    let mut stacks = vec![StackId::EMPTY; viewed.tree.nodes.len()];
    for ((at, node), in_use) in viewed.tree.nodes.iter().enumerate().zip(viewed.nodes_in_use()).skip(1) {
        if let Some(location) = locations[node.frame as usize].filter(|_| in_use) {
            stacks[at] = profile.stacks.push(stacks[node.parent as usize], location);
        }
    }
    stacks
}
