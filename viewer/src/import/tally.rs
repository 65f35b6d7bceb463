//! Samples of formats whose values are decimals, such as milliseconds. A profile holds whole numbers, so the unit can only be
//! chosen once all values are known: the file's own where they are whole, a finer one where they are not.

use plop_profile::{LabelSetId, Profile, Samples, StackId, ValueType};

/// What a column of values measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    Count,
    Bytes,
    Nanoseconds,
    Microseconds,
    Milliseconds,
    Seconds,
}

impl Unit {
    /// Its name, and how many of the finer unit it holds, with that one's name.
    fn scale(self) -> (&'static str, f64, &'static str) {
        match self {
            Unit::Count => ("count", 1e3, "millicount"),
            Unit::Bytes => ("bytes", 1.0, "bytes"),
            Unit::Nanoseconds => ("nanoseconds", 1.0, "nanoseconds"),
            Unit::Microseconds => ("microseconds", 1e3, "nanoseconds"),
            Unit::Milliseconds => ("milliseconds", 1e6, "nanoseconds"),
            Unit::Seconds => ("seconds", 1e9, "nanoseconds"),
        }
    }
}

/// How far a value may be from a whole number and count as one: what adding up 10⁶ steps in doubles can lose of 10³.
const WHOLE: f64 = 1e-7;

struct Row {
    stack: StackId,
    labels: LabelSetId,
    column: usize,
    value: f64,
}

/// A profile in the making, its samples apart.
pub(super) struct Tally {
    /// Everything but the samples.
    pub(super) profile: Profile,
    columns: Vec<(String, Unit)>,
    rows: Vec<Row>,
}

impl Tally {
    /// Nothing yet, and no columns.
    pub(super) fn new() -> Self {
        Tally { profile: Profile::default(), columns: Vec::new(), rows: Vec::new() }
    }

    /// The column of this kind and unit; it is added if it is new.
    pub(super) fn column(&mut self, kind: &str, unit: Unit) -> usize {
        let known = self.columns.iter().position(|(have, of)| have == kind && *of == unit);
        known.unwrap_or_else(|| {
            self.columns.push((kind.to_owned(), unit));
            self.columns.len() - 1
        })
    }

    /// Adds a value; nothing happens for zero.
    pub(super) fn add(&mut self, stack: StackId, labels: LabelSetId, column: usize, value: f64) {
        if value != 0.0 {
            self.rows.push(Row { stack, labels, column, value });
        }
    }

    /// The profile, its first column shown first.
    pub(super) fn finish(mut self) -> Profile {
        let is_whole = |row: &Row| (row.value - row.value.round()).abs() <= WHOLE;
        let mut whole = vec![true; self.columns.len()];
        for row in &self.rows {
            whole[row.column] &= is_whole(row);
        }
        let mut factors = Vec::new();
        for ((kind, unit), whole) in self.columns.iter().zip(&whole) {
            let (name, holds, finer) = unit.scale();
            let (factor, unit) = if *whole { (1.0, name) } else { (holds, finer) };
            let strings = &mut self.profile.strings;
            self.profile.sample_types.push(ValueType { kind: strings.intern(kind), unit: strings.intern(unit) });
            factors.push(factor);
        }
        let mut samples = Samples::new(self.columns.len());
        let mut values = vec![0; self.columns.len()];
        for row in self.rows {
            values[row.column] = (row.value * factors[row.column]).round() as i64;
            samples.add(row.stack, row.labels, &values);
            values[row.column] = 0;
        }
        self.profile.samples = samples;
        self.profile.default_sample_type = 0;
        self.profile
    }
}

/// Calls that open and close at points of a timeline; the time between two of them belongs to the stack that is open.
#[derive(Default)]
pub(super) struct Timeline {
    stack: Vec<StackId>,
    last: f64,
}

impl Timeline {
    /// Charges the time since the last point to the open stack.
    pub(super) fn advance(&mut self, tally: &mut Tally, labels: LabelSetId, column: usize, at: f64) {
        tally.add(self.top(), labels, column, if self.stack.is_empty() { 0.0 } else { at - self.last });
        self.last = at;
    }

    pub(super) fn open(&mut self, tally: &mut Tally, location: plop_profile::LocationId) {
        let stack = tally.profile.stacks.push(self.top(), location);
        self.stack.push(stack);
    }

    pub(super) fn close(&mut self) {
        self.stack.pop();
    }

    /// The stack that is open.
    pub(super) fn top(&self) -> StackId {
        self.stack.last().copied().unwrap_or(StackId::EMPTY)
    }

    /// The last point.
    pub(super) fn last(&self) -> f64 {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_the_finer_one_only_where_a_value_needs_it() {
        let mut tally = Tally::new();
        let main = tally.profile.named_location("main", "");
        let stack = tally.profile.stacks.intern([main]);
        let (wall, cpu) = (tally.column("wall", Unit::Seconds), tally.column("cpu", Unit::Milliseconds));
        tally.add(stack, LabelSetId::EMPTY, wall, 3.0);
        tally.add(stack, LabelSetId::EMPTY, cpu, 0.25);
        tally.add(stack, LabelSetId::EMPTY, cpu, 1.0);
        let profile = tally.finish();
        let units: Vec<&str> = profile.sample_types.iter().map(|of| &profile.strings[of.unit]).collect();
        assert_eq!(units, ["seconds", "nanoseconds"]);
        assert_eq!(profile.samples.get(0).values, [3, 1_250_000]);
    }
}
