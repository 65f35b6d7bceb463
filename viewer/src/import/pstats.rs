//! Statistics of Python's cProfile, as `Profile.dump_stats` and `python -m cProfile -o` write them: a marshalled dictionary
//! from functions to their number of calls, own time, time with callees, and callers with the same.

use plop_profile::{LocationId, Profile};
use rustc_hash::FxHashMap;

use super::call_costs::CallCosts;
use super::marshal::{Reader, Value};
use super::scripts::Scripts;
use super::source::Source;
use super::{Import, Json, Malformed};

pub(super) const FORMAT: &str = "Python cProfile statistics";

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    // A dictionary, and in it first a tuple of three as key, or as old Pythons write it.
    let bytes = source.bytes;
    if !matches!(
        bytes,
        [b'{' | 0xfb, b')' | 0xa9, 3, ..] | [b'{' | 0xfb, b'(' | 0xa8, 3, 0, 0, 0, ..] | [b'{' | 0xfb, b'0']
    ) {
        return Ok(None);
    }
    let mut reader = Reader::new(bytes);
    let read = reader.value().and_then(|value| match value {
        Some(Value::Dictionary(functions)) => statistics(&functions),
        _ => Err("is no dictionary".to_owned()),
    });
    read.map(Some).map_err(|reason| Malformed { format: FORMAT, reason: format!("byte {}: {reason}", reader.at) })
}

/// A function: file, line and name.
type Key = (std::rc::Rc<str>, i64, std::rc::Rc<str>);

#[derive(Default)]
struct Statistics {
    profile: Profile,
    scripts: Scripts,
    numbers: FxHashMap<Key, u32>,
    functions: Vec<LocationId>,
    own: Vec<i64>,
    totals: Vec<i64>,
    calls: Vec<(u32, u32, i64)>,
}

fn statistics(functions: &[(Value, Value)]) -> Result<Profile, String> {
    let mut statistics = Statistics { profile: Profile::new([("time", "nanoseconds")]), ..Statistics::default() };
    for (key, value) in functions {
        let function = statistics.function(key)?;
        let Value::Tuple(fields) = value else { return Err("a function's statistics are no tuple".to_owned()) };
        let [_, _, own, total, Value::Dictionary(callers)] = &fields[..] else {
            return Err("a function's statistics are not five".to_owned());
        };
        let (own, total) = (nanoseconds(own)?, nanoseconds(total)?);
        statistics.own[function as usize] = statistics.own[function as usize].saturating_add(own);
        statistics.totals[function as usize] = statistics.totals[function as usize].saturating_add(total);
        let mut counted = Vec::new();
        for (key, value) in callers.iter() {
            let caller = statistics.function(key)?;
            match value {
                Value::Tuple(fields) if fields.len() == 4 => {
                    let cost = nanoseconds(&fields[3])?;
                    statistics.calls.push((caller, function, cost));
                }
                // The older `profile` module counts calls and no more.
                Value::Integer(count) => counted.push((caller, *count)),
                _ => return Err("a caller's statistics are not four".to_owned()),
            }
        }
        let all: i128 = counted.iter().map(|(_, count)| i128::from(*count)).sum();
        for (caller, count) in counted {
            let cost = i128::from(total) * i128::from(count) / all.max(1);
            statistics.calls.push((caller, function, cost as i64));
        }
    }
    let Statistics { mut profile, functions, own, calls, .. } = statistics;
    CallCosts { functions: &functions, own: &own, calls: &calls }.add_to(&mut profile, 0);
    Ok(profile)
}

impl Statistics {
    fn function(&mut self, key: &Value) -> Result<u32, String> {
        let key = match key {
            Value::Tuple(fields) => match &fields[..] {
                [Value::Text(file), Value::Integer(line), Value::Text(name)] => (file.clone(), *line, name.clone()),
                _ => return Err("a function is not file, line and name".to_owned()),
            },
            _ => return Err("a function is no tuple".to_owned()),
        };
        if let Some(&known) = self.numbers.get(&key) {
            return Ok(known);
        }
        let (file, line, name) = (&*key.0, key.1, &*key.2);
        // Built-in functions have `~` for a file.
        let file = if file == "~" { "" } else { file };
        let location = self.scripts.location(&mut self.profile, name, file, (line, 0));
        self.functions.push(location);
        self.own.push(0);
        self.totals.push(0);
        self.numbers.insert(key, self.functions.len() as u32 - 1);
        Ok(self.functions.len() as u32 - 1)
    }
}

fn nanoseconds(seconds: &Value) -> Result<i64, String> {
    match seconds {
        Value::Float(seconds) => Ok((seconds * 1e9).round() as i64),
        Value::Integer(seconds) => Ok(seconds.saturating_mul(1_000_000_000)),
        _ => Err("a time is no number".to_owned()),
    }
}
