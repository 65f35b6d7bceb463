//! A profile that has been opened: its frame tree and what is known of each function, made once and looked at often.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use plop_profile::{Frame, FrameTree, LabelSetId, LabelValue, MappingId, Profile, Samples};
use rustc_hash::FxHashMap;

use crate::function::Function;
use crate::moments::{self, Moment, Times};
use crate::names;
use crate::view::ViewError;

/// A profile, ready to be looked at.
#[derive(Debug)]
pub struct Opened {
    /// The profile itself.
    pub profile: Arc<Profile>,
    /// The name of the format that it came in.
    pub format: &'static str,
    /// What its reader has to know: torn, without names, doubtful.
    pub warnings: Vec<String>,
    apart: Arc<Shown>,
    merged: OnceLock<Shown>,
    times: Option<Arc<Times>>,
}

/// A frame tree with what is known of each of its frames.
#[derive(Debug)]
pub(crate) struct Shown {
    pub(crate) tree: FrameTree,
    pub(crate) functions: Vec<Function>,
    /// By function of the profile, the number of the frame that shows it; [`NO_FRAME`] if no stack has it.
    pub(crate) frame_of: Vec<u32>,
    /// By sample type, what each of the tree's nodes has itself of all samples, once it was asked for.
    node_self: Box<[OnceLock<Vec<i64>>]>,
}

/// No frame's number.
pub(crate) const NO_FRAME: u32 = u32::MAX;

impl Shown {
    /// A profile's own tree.
    fn of(profile: &Profile, tree: FrameTree, functions: Vec<Function>) -> Self {
        let mut frame_of = vec![NO_FRAME; profile.functions.len()];
        for (number, frame) in tree.frames.iter().enumerate() {
            if let Frame::Function(function) = frame {
                frame_of[function.0 as usize] = number as u32;
            }
        }
        Shown::new(profile, tree, functions, frame_of)
    }

    fn new(profile: &Profile, tree: FrameTree, functions: Vec<Function>, frame_of: Vec<u32>) -> Self {
        let node_self = profile.sample_types.iter().map(|_| OnceLock::new()).collect();
        Shown { tree, functions, frame_of, node_self }
    }

    /// What each of the tree's nodes has itself of all samples of that profile, which is the one that it was made of.
    pub(crate) fn node_self(&self, profile: &Profile, sample_type: usize) -> &[i64] {
        self.node_self[sample_type].get_or_init(|| self.tree.self_values(profile, sample_type, |_| true))
    }
}

impl Opened {
    /// Makes a profile ready.
    pub fn new(profile: Profile, format: &'static str, mut warnings: Vec<String>) -> Self {
        if profile.torn {
            warnings.push("the file ends in the middle of a part; what comes before it is shown".to_owned());
        }
        warnings.extend(profile.self_check.iter().flat_map(|check| check.warnings()));
        let tree = FrameTree::new(&profile);
        let mapped = mapped_files(&profile);
        let functions = tree.frames.iter().map(|&frame| describe(&profile, frame, &mapped)).collect();
        let apart = Arc::new(Shown::of(&profile, tree, functions));
        let times = Times::of(&profile).map(Arc::new);
        let profile = Arc::new(profile);
        Opened { profile, format, warnings, apart, merged: OnceLock::new(), times }
    }

    /// Makes a profile ready whose functions are known, by their numbers, and which has no addresses without a name.
    pub(crate) fn with_functions(
        profile: Profile,
        format: &'static str,
        warnings: Vec<String>,
        functions: &[Function],
    ) -> Self {
        let tree = FrameTree::new(&profile);
        let known = |frame: &Frame| match frame {
            Frame::Function(id) => functions[id.0 as usize].clone(),
            Frame::Unnamed(_) => Function::default(),
        };
        let functions = tree.frames.iter().map(known).collect();
        let apart = Arc::new(Shown::of(&profile, tree, functions));
        let times = Times::of(&profile).map(Arc::new);
        let profile = Arc::new(profile);
        Opened { profile, format, warnings, apart, merged: OnceLock::new(), times }
    }

    /// A stretch of the profile, as a profile that lasted so long.
    ///
    /// # Errors
    /// When it does not say when its samples were taken.
    pub(crate) fn stretch(&self, from: Option<Moment>, to: Option<Moment>) -> Result<Opened, ViewError> {
        let untimed = || ViewError("base: the profile does not say when its samples were taken".to_owned());
        let times = self.times.as_ref().ok_or_else(untimed)?;
        let mut profile = Profile::clone(&self.profile);
        profile.samples = Samples::new(profile.sample_types.len());
        for sample in self.profile.samples.iter().filter(|sample| times.lies_between(sample.labels, from, to)) {
            profile.samples.add(sample.stack, sample.labels, sample.values);
        }
        profile.duration_nanos = times.length_ms(from, to).saturating_mul(1_000_000);
        profile.self_check = None;
        Ok(Opened::new(profile, self.format, self.warnings.clone()))
    }

    /// Every function for itself.
    pub(crate) fn apart(&self) -> &Shown {
        &self.apart
    }

    /// Instances of generic functions, and closures, as the functions that they belong to.
    pub(crate) fn merged(&self) -> &Shown {
        self.merged.get_or_init(|| merge_families(&self.profile, &self.apart, &[]))
    }

    /// Makes what the default view is made of, which is otherwise made when it is first asked for.
    pub(crate) fn prepare(&self) {
        self.merged().tree.shape();
    }

    /// The same profile where the instances of some functions, by the names that all of them have, are not merged.
    pub(crate) fn with_instances(&self, of: &[String]) -> Opened {
        let Opened { profile, format, warnings, apart, times, .. } = self;
        Opened {
            profile: profile.clone(),
            format,
            warnings: warnings.clone(),
            apart: apart.clone(),
            merged: OnceLock::from(merge_families(profile, apart, of)),
            times: times.clone(),
        }
    }

    /// When its samples were taken, if it says so.
    pub(crate) fn times(&self) -> Option<&Times> {
        self.times.as_deref()
    }

    /// The values of each label but the time, texts and numbers alike, by key; the keys and values in order.
    pub fn labels(&self) -> Vec<(&str, Vec<String>)> {
        let mut values: FxHashMap<&str, BTreeSet<String>> = FxHashMap::default();
        for label in self.profile.label_sets.iter().flat_map(|(_, set)| set) {
            let key = &self.profile.strings[label.key];
            if moments::is_time(key) {
                continue;
            }
            values.entry(key).or_default().insert(label_text(&self.profile, label.value));
        }
        let mut labels: Vec<_> = values.into_iter().map(|(key, values)| (key, values.into_iter().collect())).collect();
        labels.sort();
        labels
    }

    /// Whether a set of labels has that one.
    pub(crate) fn has_label(&self, set: LabelSetId, key: &str, value: &str) -> bool {
        let profile = &self.profile;
        let is = |label: &plop_profile::Label| {
            &profile.strings[label.key] == key && label_text(profile, label.value) == value
        };
        profile.label_sets.get(set).iter().any(is)
    }

    /// The value of a label in a set, if it has one.
    pub(crate) fn label(&self, set: LabelSetId, key: &str) -> Option<String> {
        let mut labels = self.profile.label_sets.get(set).iter();
        let found = labels.find(|label| &self.profile.strings[label.key] == key)?;
        Some(label_text(&self.profile, found.value))
    }
}

fn label_text(profile: &Profile, value: LabelValue) -> String {
    match value {
        LabelValue::Text(text) => profile.strings[text].to_owned(),
        LabelValue::Number(number, unit) => format!("{number}{}", &profile.strings[unit]),
    }
}

/// For each function, a mapping that code of it lies in.
fn mapped_files(profile: &Profile) -> FxHashMap<u32, MappingId> {
    let mut mapped = FxHashMap::default();
    for location in &profile.locations {
        let Some(mapping) = location.mapping else { continue };
        for line in &location.lines {
            mapped.entry(line.function.0).or_insert(mapping);
        }
    }
    mapped
}

fn describe(profile: &Profile, frame: Frame, mapped: &FxHashMap<u32, MappingId>) -> Function {
    let mapping = match frame {
        Frame::Function(function) => mapped.get(&function.0).copied(),
        Frame::Unnamed(mapping) => mapping,
    };
    let mapped = mapping.map_or("", |mapping| &profile.strings[profile.mappings[mapping.0 as usize].file]);
    names::describe(&profile.frame_name(frame), profile.frame_file(frame), mapped)
}

/// Instances and closures become their function, but for those of functions with these names.
fn merge_families(profile: &Profile, apart: &Shown, opened: &[String]) -> Shown {
    let mut functions: Vec<Function> = Vec::new();
    let mut frames: Vec<Frame> = Vec::new();
    let mut known: FxHashMap<(String, String, String), u32> = FxHashMap::default();
    let merged_frame: Vec<u32> = apart
        .functions
        .iter()
        .zip(&apart.tree.frames)
        .map(|(function, &frame)| {
            let family = match names::family(&function.name) {
                family if opened.iter().any(|name| *name == family) => Cow::Borrowed(&*function.name),
                family => family,
            };
            // The crate tells families of the same name apart; the file does not, since an instance is made where it is used.
            // But a bare name says too little without its file.
            let file = if family.contains("::") { "" } else { &function.file };
            let number =
                *known.entry((family.to_string(), function.krate.clone(), file.to_owned())).or_insert_with(|| {
                    let mut described = match family == function.name {
                        true => function.clone(),
                        false => names::describe(&family, &function.file, ""),
                    };
                    described.krate.clone_from(&function.krate);
                    functions.push(described);
                    frames.push(frame);
                    functions.len() as u32 - 1
                });
            functions[number as usize].instances += 1;
            number
        })
        .collect();
    let nodes = &apart.tree.nodes;
    let tree = apart.tree.reframed(frames, |at, caller| {
        let node = nodes[at];
        let merged = merged_frame[node.frame as usize];
        // A closure called by its own function is the function, not a recursion.
        let other_member = node.parent != 0 && nodes[node.parent as usize].frame != node.frame;
        (caller != Some(merged) || !other_member).then_some(merged)
    });
    let shown_by = |&frame: &u32| merged_frame.get(frame as usize).copied().unwrap_or(NO_FRAME);
    let frame_of = apart.frame_of.iter().map(shown_by).collect();
    Shown::new(profile, tree, functions, frame_of)
}
