//! Logs of the Papyrus profiler, of games' scripts: a line when a function is pushed to a script's stack and when it is popped.
//!
//! The scripts' stacks run in turns, so a script's stack is a frame (`STACK 3053`) below its functions. Read as speedscope
//! reads them: a function that is popped before anything was pushed ran from the start, other pops that fit nothing are
//! passed over.

use plop_profile::{LabelSetId, Profile};

use super::source::{Source, malformed};
use super::tally::{Tally, Timeline, Unit};
use super::{Import, Json};

pub(super) const FORMAT: &str = "Papyrus log";

/// How far behind a push its pop at the same time is looked for.
const LOOKED_THROUGH: usize = 1000;

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    let begins = ["Stack_", "Script_", "Obj_"].iter().any(|begin| source.bytes.starts_with(begin.as_bytes()));
    let lines = begins.then(|| source.text().lines());
    let Some(mut lines) = lines else { return Ok(None) };
    if !lines.next().is_some_and(|line| line.trim_end().ends_with(" log opened (PC)")) {
        return Ok(None);
    }
    let events: Vec<Option<Event<'_>>> = lines
        .filter(|line| !line.is_empty() && *line != "Log closed" && !line.contains("log opened"))
        .map(Event::parse)
        .collect();
    read(&events).map(Some).map_err(malformed(FORMAT))
}

/// `500:PUSH:3053:1:abcExampleQuest (24021278):example..function`: milliseconds, what happens, on which stack, to what.
#[derive(Clone, Copy, PartialEq)]
struct Event<'a> {
    at: i64,
    what: &'a str,
    stack: &'a str,
    name: &'a str,
}

impl<'a> Event<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let parts: Vec<&str> = line.split(':').collect();
        let [at, what, stack, rest @ ..] = &parts[..] else { return None };
        Some(Event { at: at.trim().parse().ok()?, what, stack, name: rest.get(2).copied().unwrap_or_default() })
    }
}

fn read(events: &[Option<Event<'_>>]) -> Result<Profile, String> {
    let start = events.iter().flatten().next().map(|event| event.at).ok_or("has no events")?;
    let mut tally = Tally::new();
    let column = tally.column("time", Unit::Milliseconds);
    let mut calls = Calls { tally, column, timeline: Timeline::default(), open: Vec::new(), last: 0.0 };
    let mut popped = vec![false; events.len()];
    for (number, event) in events.iter().enumerate() {
        let Some(event) = event.filter(|_| !popped[number]) else { continue };
        let at = (event.at - start) as f64;
        if at < calls.last {
            return Err(format!("{} comes after {}", event.at, calls.last as i64 + start));
        }
        match event.what {
            "PUSH" => {
                calls.enter(event.stack, event.name, at);
                // What ends as soon as it begins does so before what the log has in between.
                let together = events[number + 1..].iter().take(LOOKED_THROUGH);
                let mut together = together.map_while(|next| next.filter(|next| next.at == event.at));
                let pop = Event { what: "POP", ..event };
                let found =
                    together.position(|next| (next.what, next.stack, next.name) == (pop.what, pop.stack, pop.name));
                if let Some(found) = found {
                    popped[number + 1 + found] = true;
                    calls.pop(event.stack, event.name, at);
                }
            }
            "POP" => calls.pop(event.stack, event.name, at),
            _ => {}
        }
    }
    let end = events.iter().rev().flatten().next().map_or(0.0, |event| (event.at - start) as f64);
    while !calls.open.is_empty() {
        calls.leave(end.max(calls.last));
    }
    Ok(calls.tally.finish())
}

struct Calls {
    tally: Tally,
    column: usize,
    timeline: Timeline,
    /// The names of the frames that are open.
    open: Vec<String>,
    /// When something was last pushed or popped.
    last: f64,
}

impl Calls {
    fn push(&mut self, name: &str, at: f64) {
        self.timeline.advance(&mut self.tally, LabelSetId::EMPTY, self.column, at);
        let location = self.tally.profile.named_location(name, "");
        self.timeline.open(&mut self.tally, location);
        self.open.push(name.to_owned());
        self.last = at;
    }

    fn enter(&mut self, stack: &str, name: &str, at: f64) {
        let stack = format!("STACK {stack}");
        if self.open.iter().rev().find(|open| open.starts_with("STACK ")) != Some(&stack) {
            if self.open.len() == 1 {
                self.leave(self.last);
            }
            self.push(&stack, at);
        }
        self.push(name, at);
    }

    /// Closes the innermost frame, and the stacks below it that have nothing left to run but the outermost.
    fn leave(&mut self, at: f64) {
        loop {
            self.timeline.advance(&mut self.tally, LabelSetId::EMPTY, self.column, at);
            self.timeline.close();
            self.open.pop();
            self.last = at;
            if self.open.len() < 2 || !self.open.last().is_some_and(|open| open.starts_with("STACK ")) {
                return;
            }
        }
    }

    fn pop(&mut self, stack: &str, name: &str, at: f64) {
        if self.open.last().is_some_and(|open| open == name) {
            self.leave(at);
        } else if self.last == 0.0 {
            self.enter(stack, name, 0.0);
            self.leave(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, stacks};

    #[test]
    fn pushes_and_pops_are_calls_on_their_scripts_stack() {
        let text = "Script_x log opened (PC)\n500:PUSH:7:1:q (1):a..f\n700:PUSH:7:2:q (1):a..g\n900:POP:7:2:q (1):a..g\n\
            950:POP:8:2:q (1):a..never\n1000:POP:7:1:q (1):a..f\nLog closed\n";
        assert_eq!(stacks(&open(text)), ["a..f<STACK 7 300", "a..g<a..f<STACK 7 200"]);
    }
}
