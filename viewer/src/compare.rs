//! Two profiles compared: both on one tree of functions, each node with a value before and a value after.
//!
//! A [`Comparison`] holds both as one [`Opened`] profile, so that views, filters, trees, call graphs, pictures and exporters
//! work on it as on any other:
//!
//! ```
//! # fn opened(names: &[(&str, i64)]) -> plop_view::Opened {
//! #     let mut profile = plop_profile::Profile::new([("samples", "count")]);
//! #     for (name, value) in names {
//! #         let location = profile.named_location(name, "");
//! #         let stack = profile.stacks.intern([location]);
//! #         profile.samples.add(stack, plop_profile::LabelSetId::EMPTY, &[*value]);
//! #     }
//! #     plop_view::Opened::new(profile, "test", Vec::new())
//! # }
//! use plop_profile::CallGraph;
//! use plop_view::{Comparison, Normalize, View};
//!
//! # let (before, after) = (opened(&[("parse", 6), ("lex", 4)]), opened(&[("parse", 5), ("draw", 15)]));
//! let comparison = Comparison::new(&before, &after)?;
//! let viewed = View::default().of(&comparison.opened)?; // any filters
//! let node_self = comparison.node_self(&viewed); // raw, by node of `viewed.tree`
//! let graph = node_self.map(|values| CallGraph::new(&viewed.tree, values));
//! let scale = comparison.scale(&viewed, Normalize::Total)?;
//! let parse = viewed.functions.iter().position(|function| function.name == "parse").unwrap();
//! let total = graph.map(|graph| graph.totals[parse]);
//! assert_eq!((total.before, total.after), (6, 5));
//! assert_eq!(scale.delta(&total), 5 - 12, "20 samples after for 10 before: each of before's weighs two");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **What is the same function** is decided by name and file, never by address, so that the binaries may differ: those with
//! the same [`Function::id`] are the same; of what is left, those of the same name whose files' paths agree in most of their
//! last parts (`/build/7/src/lex.rs`, `/build/8/src/lex.rs`); then those that are alone with their name on both sides. A pair
//! has the id, file and crate that it has in the profile after.
//!
//! **Values are raw** until the end: sum first, then put the [`Scale`] on the sums. What was rounded to nothing by scaling
//! would look new.

use std::fmt;

use plop_profile::{CallGraph, Frame, FunctionId, Line, Location, LocationId, Profile, Samples, ValueType};
use rustc_hash::{FxHashMap, FxHashSet};
use serde::Serialize;

use crate::filter::Viewed;
use crate::function::Function;
use crate::opened::Opened;

/// Something of before and the same of after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Sides<T> {
    /// Of the profile compared with.
    pub before: T,
    /// Of the profile looked at.
    pub after: T,
}

impl<T> Sides<T> {
    /// The same made of both.
    pub fn map<U>(&self, mut make: impl FnMut(&T) -> U) -> Sides<U> {
        Sides { before: make(&self.before), after: make(&self.after) }
    }
}

impl Sides<i64> {
    /// Whether there was any before, and is any after; to be asked of raw totals.
    pub fn change(&self) -> Change {
        match (self.before, self.after) {
            (0, after) if after != 0 => Change::New,
            (before, 0) if before != 0 => Change::Gone,
            _ => Change::Kept,
        }
    }
}

/// What became of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Change {
    /// It has samples on both sides, or on none.
    Kept,
    /// It had none before.
    New,
    /// It has none after.
    Gone,
}

/// What makes two profiles comparable that were taken for different times or under different load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Normalize {
    /// Nothing: values as they were measured.
    #[default]
    None,
    /// Before's total, without filters, is taken for as much as after's: shares are compared.
    Total,
    /// Before's duration is taken for as long as after's: values per second are compared.
    Time,
}

/// What one unit of before weighs in units of after: a fraction, kept exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    numerator: i64,
    denominator: i64,
    /// What a sample weighs on either side, on the whole; 0 where nothing tells.
    per_sample: Sides<i64>,
}

/// How many standard deviations a difference must be to be one: chance alone makes such a one in 370 cases, so in one of four
/// pictures of ninety items.
const SURE: f64 = 3.0;

impl Scale {
    /// Before's values as they are.
    pub const ONE: Scale = Scale { numerator: 1, denominator: 1, per_sample: Sides { before: 0, after: 0 } };

    fn new(numerator: i64, denominator: i64) -> Self {
        if numerator > 0 && denominator > 0 { Scale { numerator, denominator, ..Scale::ONE } } else { Scale::ONE }
    }

    /// The fraction as a number.
    pub fn factor(self) -> f64 {
        self.numerator as f64 / self.denominator as f64
    }

    /// A value of before in units of after, rounded. For sums: of a function, an edge, an item.
    pub fn of(self, before: i64) -> i64 {
        clamped(self.rounded(self.exact(before)))
    }

    /// Whether chance is told from change: how many samples something has must be known for it.
    pub fn is_judged(self) -> bool {
        self.per_sample.before > 0 && self.per_sample.after > 0
    }

    /// Whether two runs of the same program would differ as much by chance. Samples are taken independently of each other, so
    /// that a count of n has a standard deviation of √n.
    pub fn is_noise(self, sides: &Sides<i64>) -> bool {
        if !self.is_judged() {
            return false;
        }
        let count = |value: i64, weight: i64| value.unsigned_abs() as f64 / weight as f64;
        let (before, after) = (count(sides.before, self.per_sample.before), count(sides.after, self.per_sample.after));
        let factor = self.factor() * self.per_sample.before as f64 / self.per_sample.after as f64;
        let difference = after - factor * before;
        difference * difference < SURE * SURE * (after + factor * factor * before)
    }

    /// After less before, in units of after.
    pub fn delta(self, sides: &Sides<i64>) -> i64 {
        sides.after.saturating_sub(self.of(sides.before))
    }

    /// The self values of before's nodes in units of after. Rounding is carried from node to node, so that the total of
    /// every subtree, which is a run of nodes in preorder, is right to within one; rounded one by one, many small values
    /// would all become 0.
    pub fn spread(self, before: &[i64]) -> Vec<i64> {
        let (mut exact, mut given) = (0_i128, 0_i128);
        let scaled = before.iter().map(|&value| {
            exact = exact.saturating_add(self.exact(value));
            let up_to_here = self.rounded(exact);
            let share = up_to_here - given;
            given = up_to_here;
            clamped(share)
        });
        scaled.collect()
    }

    fn exact(self, value: i64) -> i128 {
        i128::from(value) * i128::from(self.numerator)
    }

    fn rounded(self, exact: i128) -> i128 {
        let denominator = i128::from(self.denominator);
        exact.saturating_add(denominator / 2).div_euclid(denominator)
    }
}

fn clamped(value: i128) -> i64 {
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// Why two profiles can't be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CompareError {
    /// They measure different things: what each measures.
    NoCommonType(Sides<String>),
    /// One of them does not say how long it lasted.
    NoDuration {
        /// Whether it is the one before.
        before: bool,
    },
}

impl fmt::Display for CompareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompareError::NoCommonType(Sides { before, after }) => {
                write!(f, "the two have no sample type in common: {before} before, {after} after")
            }
            CompareError::NoDuration { before } => {
                let which = if *before { "before" } else { "after" };
                write!(f, "the profile {which} does not say how long it lasted; normalize by total instead")
            }
        }
    }
}

impl std::error::Error for CompareError {}

/// Two profiles on one tree; see the module.
#[derive(Debug)]
pub struct Comparison {
    /// Both as one profile: functions without addresses, the lines of both. Its sample types are those that both have, in
    /// the order and under the names of after, with after's values; then, under names that end in `_before`, the same with
    /// before's. A [`View`](crate::View) that names none shows after's default.
    pub opened: Opened,
    /// How long each lasted, in nanoseconds; 0 if unknown.
    pub duration_nanos: Sides<i64>,
    /// What lies between two samples, in the period type of after's; 0 if unknown.
    periods: Sides<i64>,
    /// How many sample types both have.
    types: usize,
}

impl Comparison {
    /// Compares two profiles.
    ///
    /// # Errors
    /// When they have no sample type in common.
    pub fn new(before: &Opened, after: &Opened) -> Result<Self, CompareError> {
        let columns = common_types(&before.profile, &after.profile)?;
        let types = columns.len();
        let mut both = Profile::default();
        set_types(&mut both, &after.profile, &columns);
        let source = &after.profile;
        let period_type = value_type(&mut both, source, source.period_type);
        (both.period_type, both.period) = (period_type, source.period);
        (both.time_nanos, both.duration_nanos) = (source.time_nanos, source.duration_nanos);

        let mut code = Code::default();
        let names = matched(&before.apart().functions, &after.apart().functions);
        let locations = code.locations(&mut both, after, &after.apart().functions.iter().collect::<Vec<_>>());
        let of_after = columns.iter().map(|of| Some(of.after)).chain(vec![None; types]).collect::<Vec<_>>();
        both.add_samples(source, &of_after, &locations);
        let locations = code.locations(&mut both, before, &names);
        let of_before = vec![None; types].into_iter().chain(columns.iter().map(|of| Some(of.before)));
        both.add_samples(&before.profile, &of_before.collect::<Vec<_>>(), &locations);

        let period_before = match value_type(&mut both, &before.profile, before.profile.period_type) {
            same if same == period_type => before.profile.period,
            _ => 0,
        };

        let warnings = |side: &str, of: &Opened| -> Vec<String> {
            of.warnings.iter().map(|warning| format!("{side}: {warning}")).collect()
        };
        let warnings = [warnings("before", before), warnings("after", after)].concat();
        Ok(Comparison {
            opened: Opened::with_functions(both, "two profiles", warnings, &code.functions),
            duration_nanos: Sides { before: before.profile.duration_nanos, after: source.duration_nanos },
            periods: Sides { before: period_before, after: source.period },
            types,
        })
    }

    /// The sample types that both have, as numbers of the profile's.
    pub fn sample_types(&self) -> std::ops::Range<usize> {
        0..self.types
    }

    /// The self value of each node of the view's tree, before and after, as measured.
    pub fn node_self(&self, viewed: &Viewed<'_>) -> Sides<Vec<i64>> {
        self.node_self_of(viewed, viewed.sample_type)
    }

    /// The same of another sample type.
    pub(crate) fn node_self_of(&self, viewed: &Viewed<'_>, sample_type: usize) -> Sides<Vec<i64>> {
        self.columns(sample_type).map(|&column| viewed.node_self(column))
    }

    /// The totals of both profiles without filters, as measured, of the view's sample type.
    pub fn unfiltered_total(&self, viewed: &Viewed<'_>) -> Sides<i64> {
        self.total_of(viewed.sample_type)
    }

    fn total_of(&self, sample_type: usize) -> Sides<i64> {
        self.columns(sample_type).map(|&column| self.opened.profile.total(column))
    }

    /// What makes before's values comparable. A side without samples, which nothing could be scaled to, leaves them as
    /// they are.
    ///
    /// # Errors
    /// When they are to be normalized by time and one of the two does not say how long it lasted.
    pub fn scale(&self, viewed: &Viewed<'_>, normalize: Normalize) -> Result<Scale, CompareError> {
        self.scale_of(viewed.sample_type, normalize)
    }

    /// The same of another sample type.
    pub(crate) fn scale_of(&self, sample_type: usize, normalize: Normalize) -> Result<Scale, CompareError> {
        let per_sample = self.per_sample(sample_type);
        let sides = match normalize {
            Normalize::None => return Ok(Scale { per_sample, ..Scale::ONE }),
            Normalize::Total => self.total_of(sample_type),
            Normalize::Time if self.duration_nanos.before <= 0 || self.duration_nanos.after <= 0 => {
                return Err(CompareError::NoDuration { before: self.duration_nanos.before <= 0 });
            }
            Normalize::Time => self.duration_nanos,
        };
        Ok(Scale { per_sample, ..Scale::new(sides.after, sides.before) })
    }

    /// What a sample weighs on either side: as there is a type that counts them, or else a period, where it is one of time. (In a
    /// heap's profile an object stands for as many as its size makes it unlikely to be met.)
    fn per_sample(&self, sample_type: usize) -> Sides<i64> {
        let profile = &self.opened.profile;
        let is_count = |&at: &usize| {
            let ValueType { kind, unit } = profile.sample_types[at];
            ["samples", "sample"].contains(&&profile.strings[kind]) && &profile.strings[unit] == "count"
        };
        let Some(counting) = self.sample_types().find(is_count) else {
            let of = profile.sample_types[sample_type];
            let is_period = of == profile.period_type && &profile.strings[of.unit] == "nanoseconds";
            return if is_period { self.periods } else { Sides::default() };
        };
        let (weights, counts) = (self.total_of(sample_type), self.total_of(counting));
        let of = |weight: i64, count: i64| if count > 0 { (weight / count).max(1) } else { 0 };
        Sides { before: of(weights.before, counts.before), after: of(weights.after, counts.after) }
    }

    /// The sample types that hold the two sides of one.
    pub(crate) fn columns(&self, sample_type: usize) -> Sides<usize> {
        let after = sample_type % self.types;
        Sides { before: after + self.types, after }
    }
}

/// A view of two profiles, with what makes them comparable.
#[derive(Debug)]
pub struct Both<'a> {
    /// Whose view it is.
    pub comparison: &'a Comparison,
    /// The view.
    pub viewed: Viewed<'a>,
    /// The self value of each node of the view's tree on either side, as measured.
    pub node_self: Sides<Vec<i64>>,
    /// How before's values are made comparable.
    pub normalize: Normalize,
    /// What one of them weighs.
    pub scale: Scale,
}

impl<'a> Both<'a> {
    /// Puts the sides of a view of a comparison beside each other.
    ///
    /// # Errors
    /// When they are to be normalized by time and one of the two does not say how long it lasted.
    pub fn new(comparison: &'a Comparison, viewed: Viewed<'a>, normalize: Normalize) -> Result<Both<'a>, CompareError> {
        let scale = comparison.scale(&viewed, normalize)?;
        Ok(Both { node_self: comparison.node_self(&viewed), comparison, viewed, normalize, scale })
    }

    /// The self values of both together, which layouts are made of.
    pub fn together(&self) -> Vec<i64> {
        let before = self.scale.spread(&self.node_self.before);
        self.node_self.after.iter().zip(before).map(|(after, before)| after.saturating_add(before)).collect()
    }

    /// The call graph of either side, as measured.
    pub fn graphs(&self) -> Sides<CallGraph> {
        self.node_self.map(|values| CallGraph::new(&self.viewed.tree, values))
    }

    /// A value of either side, before's in units of after.
    pub fn scaled(&self, raw: &Sides<i64>) -> Sides<i64> {
        Sides { before: self.scale.of(raw.before), after: raw.after }
    }

    /// The sample types that hold either side of the view's.
    pub(crate) fn columns(&self) -> Sides<usize> {
        self.comparison.columns(self.viewed.sample_type)
    }
}

/// The sample types of both, by kind and unit, in the order of after.
fn common_types(before: &Profile, after: &Profile) -> Result<Vec<Sides<usize>>, CompareError> {
    let names = |profile: &Profile| -> Vec<(String, String)> {
        let name = |of: &ValueType| (profile.strings[of.kind].to_owned(), profile.strings[of.unit].to_owned());
        profile.sample_types.iter().map(name).collect()
    };
    let (names_before, names_after) = (names(before), names(after));
    let find =
        |(after, name)| names_before.iter().position(|known| known == name).map(|before| Sides { before, after });
    let common: Vec<Sides<usize>> = names_after.iter().enumerate().filter_map(find).collect();
    if common.is_empty() {
        let list = |names: &[(String, String)]| {
            let texts: Vec<String> = names.iter().map(|(kind, unit)| format!("{kind} ({unit})")).collect();
            texts.join(", ")
        };
        return Err(CompareError::NoCommonType(Sides { before: list(&names_before), after: list(&names_after) }));
    }
    Ok(common)
}

fn value_type(both: &mut Profile, source: &Profile, of: ValueType) -> ValueType {
    let [kind, unit] = [of.kind, of.unit].map(|text| both.strings.intern(&source.strings[text]));
    ValueType { kind, unit }
}

fn set_types(both: &mut Profile, after: &Profile, columns: &[Sides<usize>]) {
    for of in columns {
        let of = value_type(both, after, after.sample_types[of.after]);
        both.sample_types.push(of);
    }
    for at in 0..columns.len() {
        let ValueType { kind, unit } = both.sample_types[at];
        let kind = both.strings.intern(&format!("{}_before", &both.strings[kind]));
        both.sample_types.push(ValueType { kind, unit });
    }
    let default = columns.iter().position(|of| of.after == after.default_sample_type);
    both.default_sample_type = default.unwrap_or(columns.len() - 1);
    both.samples = Samples::new(both.sample_types.len());
}

/// The code of both profiles as it comes together: functions by name and file, locations by function and line.
#[derive(Default)]
struct Code {
    /// By number in the profile of both.
    functions: Vec<Function>,
    locations: FxHashMap<Vec<Line>, LocationId>,
}

impl Code {
    /// For each of a side's locations the one of both, given the function that each of the side's frames is.
    fn locations(&mut self, both: &mut Profile, side: &Opened, frames: &[&Function]) -> Vec<LocationId> {
        let mut function_of: FxHashMap<Frame, FunctionId> = FxHashMap::default();
        for (&frame, function) in side.apart().tree.frames.iter().zip(frames) {
            let (name, file) = (both.strings.intern(&function.name), both.strings.intern(&function.file));
            let id = both.intern_function(plop_profile::Function { name, file, ..Default::default() });
            if id.0 as usize == self.functions.len() {
                self.functions.push((*function).clone());
            }
            function_of.insert(frame, id);
        }
        let locations = side.profile.locations.iter().map(|location| {
            let mut lines: Vec<Line> = location
                .lines
                .iter()
                .map(|line| Line { function: function_of[&Frame::Function(line.function)], line: line.line })
                .collect();
            if lines.is_empty() {
                lines.push(Line { function: function_of[&Frame::Unnamed(location.mapping)], line: 0 });
            }
            *self.locations.entry(lines).or_insert_with_key(|lines| {
                both.push_location(Location { lines: lines.clone(), ..Location::default() })
            })
        });
        locations.collect()
    }
}

/// For each function of before the one of after that it is, or itself.
fn matched<'a>(before: &'a [Function], after: &'a [Function]) -> Vec<&'a Function> {
    let key = |function: &'a Function| (&*function.name, &*function.file);
    let known: FxHashMap<(&str, &str), &Function> = after.iter().map(|function| (key(function), function)).collect();
    let taken: FxHashSet<(&str, &str)> = before.iter().map(key).filter(|key| known.contains_key(key)).collect();
    let mut alone_before: Vec<&Function> = before.iter().filter(|function| !taken.contains(&key(function))).collect();
    let mut alone_after: Vec<&Function> = after.iter().filter(|function| !taken.contains(&key(function))).collect();
    // Frames of the same name and file are one function.
    for alone in [&mut alone_before, &mut alone_after] {
        alone.sort_by_key(|function| key(function));
        alone.dedup_by_key(|function| key(function));
    }
    let mut pairs: FxHashMap<(&str, &str), &Function> = FxHashMap::default();
    pair_by_path(&mut alone_before, &mut alone_after, |before, after| {
        pairs.insert(key(before), after);
    });
    pair_by_name(&alone_before, &alone_after, |before, after| {
        pairs.insert(key(before), after);
    });
    before
        .iter()
        .map(|function| known.get(&key(function)).or_else(|| pairs.get(&key(function))).copied().unwrap_or(function))
        .collect()
}

/// Pairs functions of the same name whose files have the same name, those first whose paths agree in most of their last
/// parts, and takes the pairs out of the lists.
fn pair_by_path<'a>(
    before: &mut Vec<&'a Function>,
    after: &mut Vec<&'a Function>,
    mut pair: impl FnMut(&'a Function, &'a Function),
) {
    let parts = |file: &'a str| file.rsplit(['/', '\\']);
    let mut by_place: FxHashMap<(&str, &str), Vec<usize>> = FxHashMap::default();
    for (at, function) in after.iter().enumerate().filter(|(_, function)| !function.file.is_empty()) {
        by_place.entry((&function.name, parts(&function.file).next().unwrap_or_default())).or_default().push(at);
    }
    let mut candidates = Vec::new();
    for (from, function) in before.iter().enumerate() {
        let place = (&*function.name, parts(&function.file).next().unwrap_or_default());
        for &to in by_place.get(&place).into_iter().flatten() {
            let common = parts(&function.file).zip(parts(&after[to].file)).take_while(|(left, right)| left == right);
            candidates.push((std::cmp::Reverse(common.count()), from, to));
        }
    }
    candidates.sort_unstable();
    let (mut taken_before, mut taken_after) = (vec![false; before.len()], vec![false; after.len()]);
    for (_, from, to) in candidates {
        if !taken_before[from] && !taken_after[to] {
            (taken_before[from], taken_after[to]) = (true, true);
            pair(before[from], after[to]);
        }
    }
    let mut taken = taken_before.into_iter();
    before.retain(|_| !taken.next().unwrap_or(false));
    let mut taken = taken_after.into_iter();
    after.retain(|_| !taken.next().unwrap_or(false));
}

/// Pairs functions that are the only ones of their name on both sides: a file that was moved, a library of another version.
fn pair_by_name<'a>(before: &[&'a Function], after: &[&'a Function], mut pair: impl FnMut(&'a Function, &'a Function)) {
    let alone = |functions: &[&'a Function]| -> FxHashMap<&'a str, Option<&'a Function>> {
        let mut by_name = FxHashMap::default();
        for &function in functions.iter().filter(|function| says_which(&function.name)) {
            by_name.entry(&*function.name).and_modify(|only| *only = None).or_insert(Some(function));
        }
        by_name
    };
    let after = alone(after);
    for (name, function) in alone(before) {
        if let (Some(function), Some(Some(same))) = (function, after.get(name)) {
            pair(function, same);
        }
    }
}

/// Whether a name tells its function from others without its file; `<module>`, `(anonymous)` and `{closure}` do not.
fn says_which(name: &str) -> bool {
    name.contains("::") || !name.starts_with(['<', '(', '{'])
}

#[cfg(test)]
mod tests;
