//! Where a command's output goes: a file, or standard output.

use std::fs::File;
use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};

use crate::io_error::io_reason;

/// Where to write to.
#[derive(Debug, Args)]
pub(super) struct Output {
    /// Where to; `-` or nothing for standard output
    #[arg(short, long, value_name = "OUT", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
}

impl Output {
    /// Writes to the file that was named, or to standard output.
    pub(super) fn write(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
        match self.file() {
            None => to_stdout(write),
            Some(path) => {
                let write = || -> io::Result<()> {
                    let mut out = BufWriter::new(File::create(path)?);
                    write(&mut out)?;
                    out.flush()
                };
                write().map_err(|error| format!("{}: {}", path.display(), io_reason(&error)))
            }
        }
    }

    /// The same for bytes that a terminal can't show.
    pub(super) fn write_binary(&self, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
        if self.file().is_none() && io::stdout().is_terminal() {
            return Err("standard output: a terminal can't show this format; name a file with -o".to_owned());
        }
        self.write(write)
    }

    fn file(&self) -> Option<&Path> {
        self.output.as_deref().filter(|path| *path != Path::new("-"))
    }
}

/// Writes to standard output; a reader that has gone away is no error.
pub(super) fn to_stdout(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), String> {
    let mut out = BufWriter::new(io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(format!("standard output: {}", io_reason(&error)))
        }
        _ => Ok(()),
    }
}
