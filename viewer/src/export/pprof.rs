//! profile.proto, gzipped: the profile as it is if the view shows all of it, otherwise the stacks that the view leaves.

use std::io::{self, Write};

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
        let mut gzip = flate2::write::GzEncoder::new(out, flate2::Compression::default());
        match viewed.is_whole() {
            true => gzip.write_all(&viewed.opened.profile.encode())?,
            false => gzip.write_all(&reduced(viewed).encode())?,
        }
        gzip.finish()?;
        Ok(())
    }
}

/// The view's stacks as a profile of functions; addresses, which no longer belong to all of a stack, are left out.
fn reduced(viewed: &Viewed<'_>) -> Profile {
    let source = &viewed.opened.profile;
    // Strings, labels and header go over as they are.
    let mut profile = Profile::default();
    profile.strings = source.strings.clone();
    profile.label_sets = source.label_sets.clone();
    profile.sample_types = source.sample_types.clone();
    profile.default_sample_type = viewed.sample_type;
    (profile.period_type, profile.period) = (source.period_type, source.period);
    (profile.time_nanos, profile.duration_nanos) = (source.time_nanos, source.duration_nanos);
    profile.samples = plop_profile::Samples::new(source.samples.width());
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
    for sample in viewed.samples() {
        profile.samples.add(stacks[viewed.tree.leaf(sample.stack)], sample.labels, sample.values);
    }
    profile
}
