//! The Trace Event Format's outside, which Chrome's recordings and many tracers share: a list of events, bare or as
//! `traceEvents` of an object. What the events mean is for `chrome_trace` and `trace_events`.
//!
//! The format: <https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU/preview>.

use std::borrow::Cow;

use plop_profile::{Label, LabelSetId, LabelValue, Profile};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Json;
use super::source::Number;

/// One event; what is not written is empty or 0.
#[derive(Debug, Deserialize)]
pub(super) struct Event<'a> {
    #[serde(borrow, default)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow, default)]
    pub(super) ph: Option<Text<'a>>,
    #[serde(default)]
    pub(super) ts: Option<Number>,
    #[serde(default)]
    pub(super) dur: Option<Number>,
    #[serde(default)]
    pub(super) tdur: Option<Number>,
    #[serde(borrow, default)]
    pub(super) pid: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) tid: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) args: Option<&'a RawValue>,
}

/// A text that is borrowed from the file where it has no escapes.
#[derive(Debug, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'a> Event<'a> {
    pub(super) fn name(&self) -> &str {
        self.name.as_ref().map_or("", |text| &text.0)
    }

    /// Its type: `B` begins, `E` ends, `X` is both, `M` names something.
    pub(super) fn phase(&self) -> &str {
        self.ph.as_ref().map_or("", |text| &text.0)
    }

    /// Its process and thread.
    pub(super) fn thread(&self) -> ThreadId<'a> {
        ThreadId::of(self.pid, self.tid)
    }

    /// Its arguments, if there are any that say something.
    pub(super) fn arguments(&self) -> Option<&'a RawValue> {
        self.args.filter(|args| !matches!(args.get(), "null" | "\"\"" | "0" | "false"))
    }

    /// What a `process_name` or `thread_name` event says.
    fn named(&self) -> Option<String> {
        #[derive(Deserialize)]
        struct Named {
            name: String,
        }
        let named: Named = serde_json::from_str(self.args?.get()).ok()?;
        (!named.name.is_empty()).then_some(named.name)
    }
}

/// A process and a thread of it, as they are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct ThreadId<'a> {
    pub(super) process: &'a str,
    pub(super) thread: &'a str,
}

impl<'a> ThreadId<'a> {
    /// The ids, whether they are numbers or texts.
    pub(super) fn of(pid: Option<&'a RawValue>, tid: Option<&'a RawValue>) -> Self {
        let id = |raw: Option<&'a RawValue>| raw.map_or("", |raw| raw.get().trim_matches('"'));
        ThreadId { process: id(pid), thread: id(tid) }
    }

    /// Numbers come in their order, before texts.
    pub(super) fn order(&self) -> (f64, f64) {
        let number = |id: &str| id.parse().unwrap_or(f64::MAX);
        (number(self.process), number(self.thread))
    }
}

/// The events of a trace, if that is what the file is: each with a type, and with a time where it begins or ends something.
pub(super) fn events<'a>(json: &Json<'a>) -> Option<Vec<Event<'a>>> {
    let list: Vec<&'a RawValue> = match json {
        Json::Array(array) => array.elements.clone(),
        Json::Object(object) => object.get("traceEvents").ok()??,
        Json::Other(_) => return None,
    };
    let mut events = Vec::with_capacity(list.len());
    for raw in list {
        let event: Event<'a> = serde_json::from_str(raw.get()).ok()?;
        event.ph.as_ref()?;
        if matches!(event.phase(), "B" | "E" | "X") {
            event.ts?;
        }
        events.push(event);
    }
    (!events.is_empty()).then_some(events)
}

/// The names of processes and threads.
pub(super) struct ThreadNames<'a> {
    processes: FxHashMap<&'a str, String>,
    threads: FxHashMap<ThreadId<'a>, String>,
}

impl<'a> ThreadNames<'a> {
    pub(super) fn of(events: &[Event<'a>]) -> Self {
        let mut names = ThreadNames { processes: FxHashMap::default(), threads: FxHashMap::default() };
        for event in events.iter().filter(|event| matches!(event.phase(), "M" | "")) {
            let id = event.thread();
            match (event.name(), event.named()) {
                ("process_name", Some(name)) => drop(names.processes.insert(id.process, name)),
                ("thread_name", Some(name)) => drop(names.threads.insert(id, name)),
                _ => {}
            }
        }
        names
    }

    /// The labels of a thread's samples: its name, and its numbers.
    pub(super) fn labels(&self, profile: &mut Profile, id: ThreadId<'_>) -> LabelSetId {
        let mut labels = Vec::new();
        let mut label = |key: &str, text: &str| {
            if !text.is_empty() {
                let (key, text) = (profile.strings.intern(key), profile.strings.intern(text));
                labels.push(Label { key, value: LabelValue::Text(text) });
            }
        };
        let thread = self.threads.get(&ThreadId { ..id }).map_or(id.thread, String::as_str);
        label("thread", thread);
        label("process", self.processes.get(id.process).map_or("", String::as_str));
        label("pid", id.process);
        label("tid", id.thread);
        profile.label_sets.intern(&labels)
    }
}
