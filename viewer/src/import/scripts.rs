//! Functions of scripts, as V8, Safari and Python name them: name, file, line and perhaps column. Minified code has many functions of one
//! name on one line, which must stay apart.

use plop_profile::{Function, FunctionId, Line, Location, LocationId, Profile};
use rustc_hash::FxHashMap;
use serde::Deserialize;

/// V8's call frame; lines and columns count from 0, and are -1 or missing where there is none.
#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CallFrame {
    pub(super) function_name: String,
    pub(super) url: String,
    pub(super) line_number: Option<f64>,
    pub(super) column_number: Option<f64>,
}

impl CallFrame {
    /// The line and column, counted from `first`; 0 where there is none.
    pub(super) fn place(&self, first: i64) -> (i64, i64) {
        let count = |number: Option<f64>| number.map_or(0, |number| (number as i64).saturating_add(first));
        (count(self.line_number), count(self.column_number))
    }
}

/// A function's own name, or what stands for it where it has none: `(anonymous app.js:12)`.
pub(super) fn name(function: &str, url: &str, line: i64) -> String {
    match (function, url) {
        ("", "") => "(anonymous)".to_owned(),
        ("", url) => format!("(anonymous {}:{line})", url.rsplit('/').next().unwrap_or(url)),
        (function, _) => function.to_owned(),
    }
}

/// The functions of a profile, by where they begin.
#[derive(Default)]
pub(super) struct Scripts {
    known: FxHashMap<(String, String, i64, i64), FunctionId>,
    locations: FxHashMap<FunctionId, LocationId>,
    /// How many functions have a name and a file.
    namesakes: FxHashMap<(String, String), u32>,
}

impl Scripts {
    /// The function of that name in that file that begins there. Of several with one name in one file, all but the first have
    /// their place behind the file's name.
    pub(super) fn function(
        &mut self,
        profile: &mut Profile,
        name: &str,
        url: &str,
        (line, column): (i64, i64),
    ) -> FunctionId {
        *self.known.entry((name.to_owned(), url.to_owned(), line, column)).or_insert_with(|| {
            let namesakes = self.namesakes.entry((name.to_owned(), url.to_owned())).or_default();
            *namesakes += 1;
            let file = match (*namesakes, column) {
                (1, _) => url.to_owned(),
                (_, 0) => format!("{url}:{line}"),
                _ => format!("{url}:{line}:{column}"),
            };
            let (name, file) = (profile.strings.intern(name), profile.strings.intern(&file));
            profile.intern_function(Function { name, file, start_line: line.max(0), ..Function::default() })
        })
    }

    /// The location that stands for such a function.
    pub(super) fn location(&mut self, profile: &mut Profile, name: &str, url: &str, place: (i64, i64)) -> LocationId {
        let function = self.function(profile, name, url, place);
        *self.locations.entry(function).or_insert_with(|| {
            let lines = vec![Line { function, line: place.0.max(0) }];
            profile.push_location(Location { lines, ..Location::default() })
        })
    }

    /// The location of a call frame of V8, whose lines count from 0; `first` is what its first line is called.
    pub(super) fn call_frame(&mut self, profile: &mut Profile, frame: &CallFrame, first: i64) -> LocationId {
        let place = frame.place(first);
        self.location(profile, &name(&frame.function_name, &frame.url, place.0), &frame.url, place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_one_name_in_one_file_stay_apart() {
        let mut profile = Profile::new([("samples", "count")]);
        let mut scripts = Scripts::default();
        let mut at = |place| scripts.location(&mut profile, "n", "bundle.js", place);
        let (first, second) = (at((1, 10)), at((1, 90)));
        assert_eq!((at((1, 10)), at((1, 90))), (first, second));
        let files: Vec<&str> = profile.functions.iter().map(|function| &profile.strings[function.file]).collect();
        assert_eq!(files, ["bundle.js", "bundle.js:1:90"]);
    }
}
