//! `plop-view top --watch`: a growing profile as a table with bars, drawn again as it grows. Where the output is no terminal
//! it waits quietly until the profile grows no more. Either way the last table is printed at the end.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use console::Term;
use tokio::time::sleep;

use super::input;
use super::output::to_stdout;
use crate::io_error::io_reason;
use crate::library::{Entry, Library, Version};
use crate::quantity::Quantity;
use crate::symbolize::Sources;
use crate::top::{Sort, Top, printable};
use crate::view::View;

/// How often the file is looked at: as often as the collector writes to it.
const EVERY: Duration = Duration::from_secs(1);

/// What a screen has above the functions: what is watched, and the columns' headings.
const HEADING_ROWS: usize = 2;

/// The columns before a function's name, and the least that a name needs.
const COLUMNS: usize = 56;
const LEAST_NAME: usize = 12;
const BAR: usize = 14;

/// What to watch, and which rows of its table.
pub(super) struct Watch<'a> {
    pub(super) file: &'a Path,
    pub(super) view: View,
    pub(super) sort: Sort,
    pub(super) count: usize,
}

/// Puts the terminal back as it was, however the watch ends.
struct Screen {
    terminal: Term,
    colors: bool,
}

impl Watch<'_> {
    /// Watches until Ctrl-C, or without a terminal until the file grows no more, and prints the last table.
    pub(super) fn run(self, sources: Sources) -> Result<(), String> {
        if input::is_stdin(self.file) || input::is_address(self.file) {
            return Err(format!("{}: only a file or a folder can be watched", input::shown(self.file)));
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| format!("the clock can't be started: {}", io_reason(&error)))?;
        // A live profile gets another name when the collector finishes it.
        let mut finished = self.file.as_os_str().to_owned();
        finished.push(".gz");
        let library = Library::new([self.file.to_owned(), PathBuf::from(finished)], sources);
        let last = runtime.block_on(self.follow(&library))?;
        to_stdout(|out| out.write_all(last.to_text().as_bytes()))
    }

    /// The newest profile under the name.
    fn entry(&self, library: &Library) -> Result<Entry, String> {
        let newest = library.entries().into_iter().next();
        newest.ok_or_else(|| match std::fs::metadata(self.file) {
            Err(error) => format!("{}: {}", self.file.display(), io_reason(&error)),
            Ok(_) => format!("{}: no profile lies there yet", self.file.display()),
        })
    }

    fn table(&self, library: &Library, entry: &Entry) -> Result<Top, String> {
        let opened = library.open(entry).map_err(|error| input::reason(self.file, &error))?;
        let viewed = self.view.of(&opened).map_err(|error| format!("{}: {error}", self.file.display()))?;
        Ok(Top::of(&viewed, self.sort, Some(self.count)))
    }

    async fn follow(&self, library: &Library) -> Result<Top, String> {
        let mut entry = self.entry(library)?;
        let mut table = self.table(library, &entry)?;
        let mut seen: Version = entry.version;
        let screen = io::stdout().is_terminal().then(Screen::open);
        let mut interrupts = Interrupts::new().map_err(|error| format!("signals: {}", io_reason(&error)))?;
        loop {
            match &screen {
                Some(screen) => screen.draw(&self.screenful(&entry, &table, screen)),
                None if !entry.growing() => return Ok(table),
                None => {}
            }
            match interrupts.within(EVERY).await {
                Interrupt::None => {}
                Interrupt::Resized => continue,
                Interrupt::End => return Ok(table),
            }
            // What is gone, or can't be read just now, stays as it was seen last.
            let Ok(now) = self.entry(library) else { continue };
            if now.version != seen
                && let Ok(grown) = self.table(library, &now)
            {
                (table, seen) = (grown, now.version);
            }
            entry = now;
        }
    }

    /// The lines that fill a terminal.
    fn screenful(&self, entry: &Entry, table: &Top, screen: &Screen) -> Vec<String> {
        let (rows, columns) = screen.size();
        let unit = &table.sample_type.unit;
        let state = if entry.growing() { "growing" } else { "grows no more" };
        let name = entry.path.file_name().unwrap_or_default().to_string_lossy();
        let total = Quantity::new(table.total, unit);
        let title = format!("{}  {}: {total} in all, {state}; Ctrl-C ends", printable(&name), table.sample_type.kind);
        let headings = format!("{:>10} {:>7} {:BAR$} {:>10} {:>7}  function", "self", "self%", "", "total", "total%");
        let mut lines = vec![screen.bold(&cut(&title, columns)), cut(&headings, columns)];
        let by = |row: &crate::top::Row| match self.sort {
            Sort::SelfValue => row.self_value,
            Sort::Total => row.total,
        };
        let largest = table.functions.first().map_or(0, by);
        let share = |value: i64| format!("{:.2}%", 100.0 * value as f64 / table.total.max(1) as f64);
        for row in table.functions.iter().take(rows.saturating_sub(HEADING_ROWS)) {
            let (own, all) = (Quantity::new(row.self_value, unit), Quantity::new(row.total, unit));
            let (own_share, all_share) = (share(row.self_value), share(row.total));
            let name = printable(&row.name);
            if columns < COLUMNS + LEAST_NAME {
                lines.push(cut(&format!("{own_share:>7} {all_share:>7}  {name}"), columns));
                continue;
            }
            let bar = bar(by(row) as f64 / largest.max(1) as f64);
            let name = cut(&name, columns - COLUMNS);
            let mut line = String::new();
            let _ = write!(line, "{own:>10} {own_share:>7} {} {all:>10} {all_share:>7}  {name}", screen.colored(&bar));
            lines.push(line);
        }
        if columns < COLUMNS + LEAST_NAME {
            lines[1] = cut(&format!("{:>7} {:>7}  function", "self%", "total%"), columns);
        }
        lines
    }
}

/// A bar of eighths of a cell, padded to its width.
fn bar(share: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (share.clamp(0.0, 1.0) * (BAR * 8) as f64).round() as usize;
    let text = format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8]);
    format!("{text:BAR$}")
}

/// A text cut to a number of cells.
fn cut(text: &str, columns: usize) -> String {
    console::truncate_str(text, columns, "…").into_owned()
}

impl Screen {
    /// The other screen of a terminal, without a cursor.
    fn open() -> Self {
        let screen = Screen { terminal: Term::stdout(), colors: console::colors_enabled() };
        screen.put("\x1b[?1049h\x1b[?25l");
        screen
    }

    /// Rows and columns.
    fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.terminal.size();
        (rows.into(), columns.into())
    }

    fn draw(&self, lines: &[String]) {
        let mut text = String::from("\x1b[H");
        for (number, line) in lines.iter().enumerate() {
            let end = if number + 1 < lines.len() { "\r\n" } else { "" };
            let _ = write!(text, "{line}\x1b[K{end}");
        }
        text.push_str("\x1b[J");
        self.put(&text);
    }

    /// A terminal that is gone takes nothing; the hang-up that comes with it ends the watch.
    fn put(&self, text: &str) {
        let mut terminal = &self.terminal;
        let _ = terminal.write_all(text.as_bytes()).and_then(|()| terminal.flush());
    }

    fn bold(&self, text: &str) -> String {
        if self.colors { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn colored(&self, text: &str) -> String {
        if self.colors { format!("\x1b[36m{text}\x1b[0m") } else { text.to_owned() }
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        self.put("\x1b[?25h\x1b[?1049l");
    }
}

/// What came while nothing was to be done.
enum Interrupt {
    None,
    /// The terminal has another size.
    Resized,
    /// Ctrl-C, or whatever else asks a process to end.
    End,
}

/// The signals that the watch takes.
#[cfg(unix)]
struct Interrupts {
    end: [tokio::signal::unix::Signal; 3],
    resize: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Interrupts {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let end = [signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?];
        Ok(Interrupts { end, resize: signal(SignalKind::window_change())? })
    }

    async fn within(&mut self, time: Duration) -> Interrupt {
        let [interrupt, terminate, hang_up] = &mut self.end;
        tokio::select! {
            () = sleep(time) => Interrupt::None,
            _ = self.resize.recv() => Interrupt::Resized,
            _ = interrupt.recv() => Interrupt::End,
            _ = terminate.recv() => Interrupt::End,
            _ = hang_up.recv() => Interrupt::End,
        }
    }
}

/// Ctrl-C alone: elsewhere a new size shows at the next look.
#[cfg(not(unix))]
struct Interrupts;

#[cfg(not(unix))]
impl Interrupts {
    fn new() -> io::Result<Self> {
        Ok(Interrupts)
    }

    async fn within(&mut self, time: Duration) -> Interrupt {
        tokio::select! {
            () = sleep(time) => Interrupt::None,
            _ = tokio::signal::ctrl_c() => Interrupt::End,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_wide_for_every_share() {
        for share in [-1.0, 0.0, 0.003, 0.51, 1.0, 7.0, f64::NAN] {
            assert_eq!(console::measure_text_width(&bar(share)), BAR, "{share}");
        }
        assert_eq!(bar(0.5).trim_end(), "███████");
        assert_eq!(bar(0.5 + 2.0 / 8.0 / BAR as f64).trim_end(), "███████▎");
    }
}
