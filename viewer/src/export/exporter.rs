//! What an exporter is.

use std::io::{self, Write};

use crate::compare::Both;
use crate::filter::Viewed;

/// Writes a view as one format.
pub trait Exporter: Sync {
    /// What the format is called on the command line and in addresses.
    fn name(&self) -> &'static str;
    /// Its media type.
    fn content_type(&self) -> &'static str;
    /// What its files' names end with.
    fn extension(&self) -> &'static str;
    /// Writes the view.
    ///
    /// # Errors
    /// When writing fails, or the format can't hold such a view.
    fn write(&self, viewed: &Viewed<'_>, out: &mut dyn Write) -> io::Result<()>;
    /// Writes what has changed between two profiles.
    ///
    /// # Errors
    /// When writing fails; of the kind `Unsupported` if the format has no room for what has changed.
    fn write_difference(&self, both: &Both<'_>, out: &mut dyn Write) -> io::Result<()> {
        let _ = (both, out);
        let name = self.name();
        let reason = format!("{name} has no place for what has changed; end the comparison, or take pprof or folded");
        Err(io::Error::new(io::ErrorKind::Unsupported, reason))
    }
}
