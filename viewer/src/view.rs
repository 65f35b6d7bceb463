//! The view: what of a profile is looked at. Parsed from an address's query or from the command line; the filters themselves
//! are in `filter`.

use std::fmt;

use regex::Regex;

use crate::function::Function;

use crate::moments::Moment;

/// What to look at. The parameters are those of `API.md`.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The sample type, by name; the profile's default if `None`.
    pub sample_type: Option<String>,
    /// Keep samples in whose stack each of these has a function that matches.
    pub focus: Vec<Pattern>,
    /// Drop samples in whose stack a function matches one of these.
    pub ignore: Vec<Pattern>,
    /// Take functions out that match one of these, their cost charged to the caller.
    pub hide: Vec<Pattern>,
    /// Cut stacks above the outermost match; drop those without.
    pub show_from: Option<Pattern>,
    /// Libraries whose runtime frames are hidden.
    pub presets: Vec<Preset>,
    /// Keep samples of these threads; all if empty.
    pub threads: Vec<String>,
    /// Keep samples with these labels, each a key and its value; all if empty.
    pub labels: Vec<(String, String)>,
    /// Keep samples from this moment on.
    pub from: Option<Moment>,
    /// Keep samples before this moment.
    pub to: Option<Moment>,
    /// A function that calls itself directly stands once.
    pub fold_recursion: bool,
    /// Instances of a generic function, and its closures, count as the function.
    pub merge_generics: bool,
    /// Functions, by name, whose instances and closures are functions of their own all the same.
    pub instances: Vec<String>,
}

/// Which functions a filter means: `crate:tokio`, `file:net/`, `module:app::db`, or a regular expression for name or file.
#[derive(Debug, Clone)]
pub struct Pattern {
    of: Part,
    expression: Regex,
}

/// What of a function an expression is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    NameOrFile,
    File,
    /// The whole of it.
    Crate,
    /// The whole of it, or of a module that it lies in.
    Module,
}

impl Pattern {
    /// The pattern that a parameter's value says; none if it is empty.
    ///
    /// # Errors
    /// When its expression is none.
    pub fn parse(key: &str, value: &str) -> Result<Option<Pattern>, ViewError> {
        let parts = [("file:", Part::File), ("crate:", Part::Crate), ("module:", Part::Module)];
        let part = parts.into_iter().find_map(|(prefix, of)| Some((of, value.strip_prefix(prefix)?)));
        // `crate::name` is a path.
        let (of, text) = part.filter(|(_, rest)| !rest.starts_with(':')).unwrap_or((Part::NameOrFile, value));
        if text.is_empty() {
            return Ok(None);
        }
        let whole = match of {
            Part::NameOrFile | Part::File => text.to_owned(),
            Part::Crate => format!("^(?:{text})$"),
            Part::Module => format!("^(?:{text})(?:::|$)"),
        };
        // What is typed is judged, not what is made of it.
        let compile = |text: &str| regex::RegexBuilder::new(text).size_limit(1 << 20).build();
        let compiled = compile(text).and_then(|_| compile(&whole));
        let expression = compiled.map_err(|error| {
            let reason = error.to_string();
            let last = reason.lines().last().unwrap_or_default().trim_start_matches("error: ");
            ViewError(format!("{key}: {text} is no regular expression: {last}"))
        })?;
        Ok(Some(Pattern { of, expression }))
    }

    /// Whether it means that function.
    pub(crate) fn matches(&self, function: &Function) -> bool {
        let found = |text: &str| self.expression.is_match(text);
        match self.of {
            Part::NameOrFile => found(&function.name) || found(&function.file),
            Part::File => found(&function.file),
            Part::Crate => found(&function.krate),
            Part::Module => found(&function.module),
        }
    }
}

/// A library whose runtime frames can be hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// std, core and alloc, and what starts a thread or a program.
    Std,
    /// tokio and the crates that it drives tasks and sockets with.
    Tokio,
    /// rayon and what it steals work with.
    Rayon,
}

impl Preset {
    /// Whether a function with that name, of that crate, is one of the library's runtime.
    pub(crate) fn hides(self, krate: &str, name: &str) -> bool {
        match self {
            Preset::Std => {
                let starts =
                    ["_start", "__libc_start_main", "__libc_start_call_main", "start_thread", "clone", "clone3"];
                ["std", "core", "alloc"].contains(&krate) || starts.contains(&name.trim_end_matches("_impl"))
            }
            Preset::Tokio => krate == "tokio" || krate == "mio" || krate.starts_with("tokio_"),
            Preset::Rayon => krate == "rayon" || krate == "rayon_core" || krate.starts_with("crossbeam"),
        }
    }
}

impl std::str::FromStr for Preset {
    type Err = ViewError;

    fn from_str(name: &str) -> Result<Self, ViewError> {
        match name {
            "std" => Ok(Preset::Std),
            "tokio" => Ok(Preset::Tokio),
            "rayon" => Ok(Preset::Rayon),
            _ => Err(ViewError(format!("preset: there is no {name}; there are std, tokio and rayon"))),
        }
    }
}

/// A parameter that can't be used: which, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewError(pub(crate) String);

impl fmt::Display for ViewError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for ViewError {}

impl View {
    /// Takes one parameter of an address's query; `false` if it is none of the view's.
    ///
    /// # Errors
    /// When its value can't be used.
    pub fn set(&mut self, key: &str, value: &str) -> Result<bool, ViewError> {
        match key {
            "type" => self.sample_type = (!value.is_empty()).then(|| value.to_owned()),
            "focus" => self.focus.extend(Pattern::parse(key, value)?),
            "ignore" => self.ignore.extend(Pattern::parse(key, value)?),
            "hide" => self.hide.extend(Pattern::parse(key, value)?),
            "show_from" => self.show_from = Pattern::parse(key, value)?,
            "preset" => {
                let names = value.split(',').filter(|name| !name.is_empty());
                self.presets = names.map(str::parse).collect::<Result<_, _>>()?;
            }
            "thread" => self.threads.push(value.to_owned()),
            "label" => self.labels.push(label(value)?),
            "from" => self.from = moment(key, value)?,
            "to" => self.to = moment(key, value)?,
            "recursion" => self.fold_recursion = one_of(key, value, ["keep", "fold"])? == 1,
            "generics" => self.merge_generics = one_of(key, value, ["apart", "merge"])? == 1,
            "instances" => self.instances.push(value.to_owned()),
            _ => return Ok(false),
        }
        Ok(true)
    }
}

/// A moment of the profile, or none if it is empty.
pub(crate) fn moment(key: &str, value: &str) -> Result<Option<Moment>, ViewError> {
    if value.is_empty() {
        return Ok(None);
    }
    value.parse().map(Some).map_err(|error| ViewError(format!("{key}: {error}")))
}

/// `key=value`.
pub(crate) fn label(text: &str) -> Result<(String, String), ViewError> {
    let split = text.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
    split.ok_or_else(|| ViewError(format!("label: {text} has no '='; write key=value")))
}

/// Which of the allowed values it is.
pub(crate) fn one_of<const N: usize>(key: &str, value: &str, allowed: [&str; N]) -> Result<usize, ViewError> {
    let found = allowed.iter().position(|allowed| *allowed == value);
    found.ok_or_else(|| ViewError(format!("{key}: there is no {value}; there are {}", allowed.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_parameter_is_named_with_its_cause() {
        let mut view = View::default();
        let message = |view: &mut View, key, value| view.set(key, value).unwrap_err().to_string();
        assert_eq!(message(&mut view, "focus", "a("), "focus: a( is no regular expression: unclosed group");
        assert_eq!(message(&mut view, "preset", "go"), "preset: there is no go; there are std, tokio and rayon");
        assert_eq!(message(&mut view, "label", "x"), "label: x has no '='; write key=value");
        assert_eq!(view.set("width", "3"), Ok(false));
    }

    #[test]
    fn patterns_name_the_part_that_they_are_held_against() {
        let krate = |name: &str| name.split("::").next().unwrap().to_owned();
        let function = |name: &str| Function {
            name: name.to_owned(),
            krate: krate(name),
            module: name.rsplit_once("::").map_or(String::new(), |(module, _)| module.to_owned()),
            file: "src/net.rs".to_owned(),
            ..Function::default()
        };
        let matches =
            |pattern: &str, name: &str| Pattern::parse("hide", pattern).unwrap().unwrap().matches(&function(name));
        assert!(matches("crate:tokio", "tokio::run") && !matches("crate:tokio", "tokio_util::run"));
        assert!(matches("module:app::db", "app::db::pool::get") && !matches("module:app::db", "app::dbx::get"));
        assert!(matches("file:net", "app::run") && !matches("file:app", "app::run"));
        assert!(matches("net", "app::run") && matches("^app::", "app::run"), "name or file");
        assert!(matches("crate::run", "my_crate::run"), "a path is no part");
        assert!(Pattern::parse("hide", "crate:").unwrap().is_none());
        let refusal = Pattern::parse("hide", "crate:a)(b").unwrap_err().to_string();
        assert!(refusal.starts_with("hide: a)(b is no regular expression"), "{refusal}");
    }
}
