//! profile.proto, gzipped or plain, whole or torn.

use plop_profile::{Error, Profile};

use super::{Import, Malformed};

pub(super) const FORMAT: &str = "profile.proto";

pub(super) fn import(bytes: &[u8]) -> Import {
    match Profile::parse(bytes) {
        Ok(profile) => Ok(Some(profile)),
        Err(Error::NotAProfile) => Ok(None),
        Err(error) => Err(Malformed { format: FORMAT, reason: error.to_string() }),
    }
}
