//! Addresses of code as locations of the profile: which file is mapped where now, and which addresses have been seen there.

use plop_profile::{Location, LocationId, Mapping, MappingId, Profile};
use rustc_hash::FxHashMap;

use crate::symbols::hexadecimal;
use crate::unwind;

#[derive(Default)]
pub(super) struct Code {
    locations: FxHashMap<u64, LocationId>,
    /// What is mapped now, in order.
    mapped: Vec<(unwind::Mapping, MappingId)>,
}

impl Code {
    /// Takes note of what is mapped now. What is gone stays in the profile, but its addresses mean nothing any more.
    pub(super) fn set_mappings(&mut self, now: &[unwind::Mapping], symbolized: bool, profile: &mut Profile) {
        let gone = |(mapping, _): &&(unwind::Mapping, MappingId)| !now.contains(mapping);
        let gone: Vec<_> = self.mapped.iter().filter(gone).map(|(mapping, _)| mapping.start..mapping.limit).collect();
        if !gone.is_empty() {
            self.locations.retain(|address, _| !gone.iter().any(|range| range.contains(address)));
        }
        // An address seen before its file was known is another location from now on.
        let known = |mapping: &&unwind::Mapping| self.mapped.iter().any(|(known, _)| known == *mapping);
        let new: Vec<_> = now.iter().filter(|mapping| !known(mapping)).map(|new| new.start..new.limit).collect();
        if !new.is_empty() && !self.mapped.is_empty() {
            self.locations.retain(|address, _| !new.iter().any(|range| range.contains(address)));
        }
        self.mapped = now.iter().map(|mapping| (mapping.clone(), id_of(mapping, symbolized, profile))).collect();
        self.mapped.sort_by_key(|(mapping, _)| mapping.start);
    }

    /// The location of an address, made if it has not been seen.
    pub(super) fn location(&mut self, address: u64, profile: &mut Profile) -> LocationId {
        if let Some(location) = self.known(address) {
            return location;
        }
        let at = self.mapped.partition_point(|(mapping, _)| mapping.limit <= address);
        let mapping = self.mapped.get(at).filter(|(mapping, _)| mapping.start <= address).map(|&(_, id)| id);
        let location = profile.push_location(Location { mapping, address, lines: Vec::new() });
        self.locations.insert(address, location);
        location
    }

    /// The location of an address that has been seen.
    pub(super) fn known(&self, address: u64) -> Option<LocationId> {
        self.locations.get(&address).copied()
    }
}

/// The mapping's number in the profile, where each stands once however often it comes back.
fn id_of(mapping: &unwind::Mapping, symbolized: bool, profile: &mut Profile) -> MappingId {
    let mapping = Mapping {
        start: mapping.start,
        limit: mapping.limit,
        file_offset: mapping.file_offset,
        file: profile.strings.intern(&mapping.path.to_string_lossy()),
        build_id: profile.strings.intern(&hexadecimal(&mapping.build_id)),
        symbolized,
    };
    let known = profile.mappings.iter().position(|have| *have == mapping);
    MappingId(known.unwrap_or_else(|| {
        profile.mappings.push(mapping);
        profile.mappings.len() - 1
    }) as u32)
}
