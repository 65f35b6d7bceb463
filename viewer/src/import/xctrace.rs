//! What `xctrace export` prints of an Instruments recording, as XML: a row for each sample, with its weight, its thread and its
//! backtrace, leaf first.
//!
//! An element that was there before is only referred to: `<frame ref="12"/>` is the one that came as `<frame id="12" …>`. Rows
//! are read from every table that has backtraces and weights, which are times (`time-profile`) or cycles (`cpu-profile`).

use plop_profile::{
    Function, Label, LabelSetId, LabelValue, Line, Location, LocationId, Profile, StackId, StringId, ValueType,
};
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion, escape};
use rustc_hash::FxHashMap;

use super::source::{Source, malformed};
use super::{Import, Json};

pub(super) const FORMAT: &str = "Instruments XML";

/// The element of the whole, and in how many bytes it must begin.
const WHOLE: &[u8] = b"trace-query-result";
const HEAD: usize = 512;

pub(super) fn import(source: &Source<'_>, _: &Json<'_>) -> Import {
    let head = &source.bytes[..source.bytes.len().min(HEAD)];
    if source.first() != Some(b'<') || memchr::memmem::find(head, WHOLE).is_none() {
        return Ok(None);
    }
    read(source.text()).map(Some).map_err(malformed(FORMAT))
}

fn read(text: &str) -> Result<Profile, String> {
    let mut rows = Rows { profile: Profile::new([("samples", "count"), ("time", "nanoseconds")]), ..Rows::default() };
    rows.profile.default_sample_type = 1;
    let mut reader = Reader::from_str(text);
    let mut whole = false;
    loop {
        let at = reader.buffer_position();
        let event = match reader.read_event() {
            Ok(Event::Eof) => break,
            Ok(event) => event,
            // What was cut off breaks somewhere; the rows before it are whole.
            Err(_) if !rows.profile.samples.is_empty() => break,
            Err(error) => return Err(format!("byte {at}: {error}")),
        };
        whole |= matches!(&event, Event::End(element) if element.name().as_ref() == WHOLE);
        rows.take(&event).map_err(|reason| format!("byte {at}: {reason}"))?;
    }
    let mut profile = rows.profile;
    if profile.samples.is_empty() {
        return Err("has no samples; export a table of them: xctrace export --input FILE --xpath \
             '/trace-toc/run/data/table[@schema=\"time-profile\"]'"
            .to_owned());
    }
    profile.torn = !whole;
    Ok(profile)
}

/// A number that an element has, for others to refer to.
type Id = u64;

/// What has been read.
#[derive(Default)]
struct Rows {
    profile: Profile,
    threads: FxHashMap<Id, LabelSetId>,
    weights: FxHashMap<Id, i64>,
    binaries: FxHashMap<Id, StringId>,
    paths: FxHashMap<Id, StringId>,
    frames: FxHashMap<Id, LocationId>,
    backtraces: FxHashMap<Id, StackId>,
    /// Backtraces that stand in another element, by its number.
    tagged: FxHashMap<Id, StackId>,
    /// What stands in the element that began last.
    text: String,
    row: Row,
    open: Open,
}

/// A sample in the making.
#[derive(Default)]
struct Row {
    stack: Option<StackId>,
    labels: Option<LabelSetId>,
    weight: Option<i64>,
}

/// The elements that are not at their end yet.
#[derive(Default)]
struct Open {
    weight: Option<Id>,
    path: Option<Id>,
    tag: Option<Id>,
    backtrace: Option<(Id, Vec<LocationId>)>,
    frame: Option<Frame>,
}

#[derive(Default)]
struct Frame {
    id: Id,
    name: String,
    binary: StringId,
    source: StringId,
    line: i64,
}

impl Rows {
    fn take(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(element) => self.begin(element),
            Event::Empty(element) => {
                self.begin(element)?;
                self.end(element.name().as_ref())
            }
            Event::End(element) => self.end(element.name().as_ref()),
            Event::Text(text) => {
                self.text += &text.decode().map_err(|error| error.to_string())?;
                Ok(())
            }
            Event::GeneralRef(entity) => {
                let name = entity.decode().map_err(|error| error.to_string())?;
                self.text += escape::resolve_predefined_entity(&name).unwrap_or_default();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, element: &BytesStart<'_>) -> Result<(), String> {
        self.text.clear();
        let Attributes { id, reference, name, fmt, path, line } = Attributes::of(element)?;
        match element.name().as_ref() {
            b"row" => self.row = Row::default(),
            b"thread" => {
                let known = reference.and_then(|id| self.threads.get(&id).copied());
                let labels = known.unwrap_or_else(|| self.labels(&fmt));
                self.threads.insert(id, labels);
                self.row.labels = Some(labels);
            }
            // Of cycles there are no tables with times beside them.
            kind @ (b"weight" | b"cycle-weight") => match reference {
                Some(id) => self.row.weight = self.weights.get(&id).copied(),
                None => {
                    if kind == b"cycle-weight" {
                        let [kind, unit] = ["cycles", "count"].map(|text| self.profile.strings.intern(text));
                        self.profile.sample_types[1] = ValueType { kind, unit };
                    }
                    self.open.weight = Some(id);
                }
            },
            b"tagged-backtrace" => match reference {
                Some(id) => self.row.stack = self.tagged.get(&id).copied(),
                None => self.open.tag = Some(id),
            },
            b"backtrace" => match reference {
                Some(id) => self.row.stack = self.backtraces.get(&id).copied(),
                None => self.open.backtrace = Some((id, Vec::new())),
            },
            b"frame" => match reference {
                Some(id) => self.push(self.frames.get(&id).copied()),
                None => self.open.frame = Some(Frame { id, name, ..Frame::default() }),
            },
            b"binary" => {
                let known = reference.and_then(|id| self.binaries.get(&id).copied());
                let file = if path.is_empty() { &name } else { &path };
                let binary = known.unwrap_or_else(|| self.profile.strings.intern(file));
                self.binaries.insert(id, binary);
                self.open.frame.iter_mut().for_each(|frame| frame.binary = binary);
            }
            b"source" => self.open.frame.iter_mut().for_each(|frame| frame.line = line),
            b"path" => match reference.and_then(|id| self.paths.get(&id).copied()) {
                Some(path) => self.open.frame.iter_mut().for_each(|frame| frame.source = path),
                None => self.open.path = Some(id),
            },
            _ => {}
        }
        Ok(())
    }

    fn end(&mut self, name: &[u8]) -> Result<(), String> {
        match name {
            b"weight" | b"cycle-weight" => {
                let Some(id) = self.open.weight.take() else { return Ok(()) };
                let weight = self.text.trim().parse().map_err(|_| format!("{:?} is no weight", self.text))?;
                self.weights.insert(id, weight);
                self.row.weight = Some(weight);
            }
            b"path" => {
                let Some(id) = self.open.path.take() else { return Ok(()) };
                let path = self.profile.strings.intern(self.text.trim());
                self.paths.insert(id, path);
                self.open.frame.iter_mut().for_each(|frame| frame.source = path);
            }
            b"frame" => {
                let Some(frame) = self.open.frame.take() else { return Ok(()) };
                let id = frame.id;
                let location = self.location(frame);
                self.frames.insert(id, location);
                self.push(Some(location));
            }
            b"backtrace" => {
                let Some((id, leaf_first)) = self.open.backtrace.take() else { return Ok(()) };
                let stack = self.profile.stacks.intern(leaf_first);
                self.backtraces.insert(id, stack);
                self.tagged.extend(self.open.tag.map(|tag| (tag, stack)));
                self.row.stack = Some(stack);
            }
            b"tagged-backtrace" => self.open.tag = None,
            b"row" => {
                let Row { stack, labels, weight } = std::mem::take(&mut self.row);
                if let (Some(stack), Some(weight)) = (stack, weight) {
                    self.profile.samples.add(stack, labels.unwrap_or(LabelSetId::EMPTY), &[1, weight]);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn push(&mut self, location: Option<LocationId>) {
        if let (Some((_, leaf_first)), Some(location)) = (&mut self.open.backtrace, location) {
            leaf_first.push(location);
        }
    }

    fn location(&mut self, frame: Frame) -> LocationId {
        let Frame { name, binary, source, line, .. } = frame;
        let file = if source.is_empty() { binary } else { source };
        let name = self.profile.strings.intern(&name);
        let function = self.profile.intern_function(Function { name, file, ..Function::default() });
        let lines = vec![Line { function, line }];
        self.profile.push_location(Location { lines, ..Location::default() })
    }

    /// Those of a thread: `main  0x8480c1 (busy, pid: 49374)`.
    fn labels(&mut self, thread: &str) -> LabelSetId {
        let name = thread.rsplit_once(" (").map_or(thread, |(name, _process)| name);
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        let [key, name] = ["thread", &name].map(|text| self.profile.strings.intern(text));
        self.profile.label_sets.intern(&[Label { key, value: LabelValue::Text(name) }])
    }
}

/// The attributes that say anything here.
#[derive(Default)]
struct Attributes {
    id: Id,
    reference: Option<Id>,
    name: String,
    fmt: String,
    path: String,
    line: i64,
}

impl Attributes {
    fn of(element: &BytesStart<'_>) -> Result<Self, String> {
        let mut known = Attributes::default();
        for attribute in element.attributes() {
            let attribute = attribute.map_err(|error| error.to_string())?;
            let value = || attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|error| error.to_string());
            let number = || value()?.parse::<Id>().map_err(|_| format!("{:?} is no number", attribute.value));
            match attribute.key.as_ref() {
                b"id" => known.id = number()?,
                b"ref" => known.reference = Some(number()?),
                b"name" => known.name = value()?.into_owned(),
                b"fmt" => known.fmt = value()?.into_owned(),
                b"path" => known.path = value()?.into_owned(),
                b"line" => known.line = value()?.parse().unwrap_or(0),
                _ => {}
            }
        }
        Ok(known)
    }
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, refusal, stacks};

    const ROWS: &str = r#"<?xml version="1.0"?>
<trace-query-result>
<node xpath='//table[1]'><schema name="time-profile"><col><mnemonic>time</mnemonic></col></schema>
<row><sample-time id="1">57</sample-time><thread id="2" fmt="main  0x84 (busy, pid: 7)"><tid id="3">9</tid></thread>
<weight id="9" fmt="1.00 ms">1000000</weight><backtrace id="10"><frame id="11" name="Vec&lt;u8&gt;::push" addr="0x1">
<binary id="12" name="busy" path="/bin/busy"/><source line="7"><path id="13">/src/a&amp;b.rs</path></source></frame>
<frame id="14" name="main" addr="0x2"><binary ref="12"/></frame></backtrace></row>
<row><thread ref="2"/><weight ref="9"/><backtrace ref="10"/></row>
<row><thread id="20" fmt="worker  0x85 (busy, pid: 7)"/><weight id="21">500</weight><backtrace id="22"><frame ref="14"/></backtrace></row>
</node></trace-query-result>
"#;

    #[test]
    fn what_was_there_before_is_referred_to() {
        let profile = open(ROWS);
        assert_eq!(
            stacks(&profile),
            ["Vec<u8>::push<main 2 2000000 thread=main 0x84", "main 1 500 thread=worker 0x85"]
        );
        let function = profile.functions[0];
        assert_eq!((&profile.strings[function.file], profile.locations[0].lines[0].line), ("/src/a&b.rs", 7));
        assert_eq!(&profile.strings[profile.functions[1].file], "/bin/busy");
        assert!(!profile.torn);
    }

    #[test]
    fn cycles_and_tagged_backtraces_are_read() {
        let tagged = ROWS
            .replace("<weight id", "<cycle-weight id")
            .replace("<weight ref", "<cycle-weight ref")
            .replace("</weight>", "</cycle-weight>")
            .replace(r#"<backtrace id="10">"#, r#"<tagged-backtrace id="30"><backtrace id="10">"#)
            .replace(
                "</frame></backtrace></row>
<row><thread ref",
                "</frame></backtrace></tagged-backtrace></row>
<row><thread ref",
            )
            .replace(r#"<backtrace ref="10"/>"#, r#"<tagged-backtrace ref="30"/>"#);
        let profile = open(&tagged);
        assert_eq!(&profile.strings[profile.sample_types[1].kind], "cycles");
        assert_eq!(stacks(&profile)[0], "Vec<u8>::push<main 2 2000000 thread=main 0x84");
    }

    #[test]
    fn a_torn_export_keeps_its_rows_and_one_without_rows_says_what_to_export() {
        let profile = open(&ROWS[..ROWS.find(r#"<row><thread id="20""#).unwrap() + 30]);
        assert_eq!((profile.torn, profile.total(0)), (true, 2));
        let refused = refusal("<trace-query-result><node/></trace-query-result>");
        assert!(refused.starts_with("broken Instruments XML: has no samples; export a table"), "{refused}");
        let refused = refusal(&ROWS.replace(">1000000<", ">much<"));
        assert!(refused.contains(r#""much" is no weight"#), "{refused}");
    }
}
