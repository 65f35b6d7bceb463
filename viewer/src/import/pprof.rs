//! profile.proto, whole or torn.

use plop_profile::{Error, Profile};

use super::source::Source;
use super::{Import, Json, Malformed};

pub(super) const FORMAT: &str = "profile.proto";

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    match Profile::parse(source.bytes) {
        Ok(profile) => Ok(Some(profile)),
        Err(Error::NotAProfile) => Ok(None),
        Err(error) => Err(Malformed { format: FORMAT, reason: error.to_string() }),
    }
}
