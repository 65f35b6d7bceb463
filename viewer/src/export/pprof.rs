//! profile.proto, gzipped: the profile as it is if the view shows all of it, otherwise the stacks that the view leaves.

use std::io::{self, Write};
use std::ops::Range;

use plop_profile::{Function, LocationId, Profile, StackId};

use super::Exporter;
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
    for sample in viewed.samples() {
        profile.samples.add(stacks[viewed.tree.leaf(sample.stack)], sample.labels, sample.values);
    }
    profile
}

/// A profile without samples that has the view's strings, labels, some of its sample types, and what is known of its time.
pub(super) fn header(viewed: &Viewed<'_>, sample_types: Range<usize>) -> Profile {
    let source = &viewed.opened.profile;
    let mut profile = Profile::default();
    profile.strings = source.strings.clone();
    profile.label_sets = source.label_sets.clone();
    profile.sample_types = source.sample_types[sample_types].to_vec();
    profile.default_sample_type = viewed.sample_type;
    (profile.period_type, profile.period) = (source.period_type, source.period);
    (profile.time_nanos, profile.duration_nanos) = (source.time_nanos, source.duration_nanos);
    profile.samples = plop_profile::Samples::new(profile.sample_types.len());
    profile
}

/// Puts the view's functions and stacks into a profile; gives the stack of each node of the view's tree.
pub(super) fn take_stacks(viewed: &Viewed<'_>, profile: &mut Profile) -> Vec<StackId> {
    let locations: Vec<LocationId> = viewed
        .functions
        .iter()
        .map(|function| {
            let (name, file) = (profile.strings.intern(&function.name), profile.strings.intern(&function.file));
            let function = profile.intern_function(Function { name, file, ..Function::default() });
            profile.function_location(function)
        })
        .collect();
    let mut stacks = vec![StackId::EMPTY; viewed.tree.nodes.len()];
    for (at, node) in viewed.tree.nodes.iter().enumerate().skip(1) {
        stacks[at] = profile.stacks.push(stacks[node.parent as usize], locations[node.frame as usize]);
    }
    stacks
}
