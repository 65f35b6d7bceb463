//! The filters: a view put on an opened profile. They act on stacks, before anything is summed, each in one pass over the
//! tree's nodes or the samples' rows.

use std::borrow::Cow;

use plop_profile::{CallGraph, FrameTree, FunctionId, LabelSetId, Sample, StackId};

use crate::function::Function;
use crate::opened::{Opened, Shown};
use crate::view::{Pattern, View, ViewError};

/// A profile as a view shows it.
#[derive(Debug)]
pub struct Viewed<'a> {
    /// The profile.
    pub opened: &'a Opened,
    /// Which of its sample types is looked at.
    pub sample_type: usize,
    /// The tree after the filters.
    pub tree: Cow<'a, FrameTree>,
    /// What is known of each of the tree's frames.
    pub functions: &'a [Function],
    /// By node of the tree before the filters: whether samples that end there count; all do if `None`.
    kept_nodes: Option<Vec<bool>>,
    /// By set of labels, likewise.
    kept_labels: Option<Vec<bool>>,
    shown: &'a Shown,
    /// By frame: whether the view takes it out; none if empty.
    hidden: Vec<bool>,
    /// By frame: whether stacks are shown from it on; from their roots if empty.
    starts: Vec<bool>,
}

impl View {
    /// The profile as the view is to be put on it, if some functions' instances are to stand for themselves.
    pub(crate) fn with_instances(&self, opened: &Opened) -> Option<Opened> {
        (self.merge_generics && !self.instances.is_empty()).then(|| opened.with_instances(&self.instances))
    }

    /// Puts the view on a profile.
    ///
    /// # Errors
    /// When the profile has no such sample type, or no times to choose by.
    pub fn of<'a>(&self, opened: &'a Opened) -> Result<Viewed<'a>, ViewError> {
        let profile = &opened.profile;
        let sample_type = match &self.sample_type {
            None => profile.default_sample_type,
            Some(name) => profile.sample_type(name).ok_or_else(|| {
                let have: Vec<&str> = profile.sample_types.iter().map(|of| &profile.strings[of.kind]).collect();
                ViewError(format!("type: the profile has no {name}; it has {}", have.join(", ")))
            })?,
        };
        let shown = if self.merge_generics { opened.merged() } else { opened.apart() };
        let hidden = self.hidden(shown);
        let starts =
            self.show_from.iter().flat_map(|start| shown.functions.iter().map(|of| start.matches(of))).collect();
        Ok(Viewed {
            opened,
            sample_type,
            tree: self.tree(shown, &hidden),
            functions: &shown.functions,
            kept_nodes: self.kept_nodes(shown),
            kept_labels: self.kept_labels(opened)?,
            shown,
            hidden,
            starts,
        })
    }

    /// By frame: whether it is hidden; empty if none is.
    fn hidden(&self, shown: &Shown) -> Vec<bool> {
        if self.hide.is_empty() && self.presets.is_empty() {
            return Vec::new();
        }
        let hides = |function: &Function| {
            self.hide.iter().any(|hide| hide.matches(function))
                || self.presets.iter().any(|preset| preset.hides(&function.krate, &function.name))
        };
        shown.functions.iter().map(hides).collect()
    }

    /// The tree without what is hidden, cut off or folded.
    fn tree<'a>(&self, shown: &'a Shown, hidden: &[bool]) -> Cow<'a, FrameTree> {
        if hidden.is_empty() && self.show_from.is_none() && !self.fold_recursion {
            return Cow::Borrowed(&shown.tree);
        }
        let is_hidden = |frame: u32| !hidden.is_empty() && hidden[frame as usize];
        let nodes = &shown.tree.nodes;
        let below_start = self.show_from.as_ref().map(|start| on_path(shown, start));
        Cow::Owned(shown.tree.reframed(shown.tree.frames.clone(), |at, caller| {
            let frame = nodes[at].frame;
            let is_above = below_start.as_ref().is_some_and(|below| !below[at]);
            let repeats = self.fold_recursion && caller == Some(frame);
            (!is_hidden(frame) && !is_above && !repeats).then_some(frame)
        }))
    }

    fn kept_nodes(&self, shown: &Shown) -> Option<Vec<bool>> {
        if self.focus.is_empty() && self.ignore.is_empty() && self.show_from.is_none() {
            return None;
        }
        let touched = |patterns: &[Pattern]| patterns.iter().map(|pattern| on_path(shown, pattern)).collect::<Vec<_>>();
        let (wanted, unwanted) = (touched(&self.focus), touched(&self.ignore));
        let start = self.show_from.as_ref().map(|start| on_path(shown, start));
        let mut all = wanted.into_iter().chain(start);
        let mut kept = all.next().unwrap_or_else(|| vec![true; shown.tree.nodes.len()]);
        for touched in all {
            kept.iter_mut().zip(touched).for_each(|(kept, touched)| *kept &= touched);
        }
        for touched in unwanted {
            kept.iter_mut().zip(touched).for_each(|(kept, touched)| *kept &= !touched);
        }
        Some(kept)
    }

    fn kept_labels(&self, opened: &Opened) -> Result<Option<Vec<bool>>, ViewError> {
        let whole_time = self.from.is_none() && self.to.is_none();
        if self.threads.is_empty() && self.labels.is_empty() && whole_time {
            return Ok(None);
        }
        let times = if whole_time { None } else { opened.times() };
        if !whole_time && times.is_none() {
            let key = if self.from.is_some() { "from" } else { "to" };
            return Err(ViewError(format!("{key}: the profile does not say when its samples were taken")));
        }
        let kept = |set: LabelSetId| {
            let thread =
                self.threads.is_empty() || self.threads.iter().any(|name| opened.has_label(set, "thread", name));
            let in_time = times.is_none_or(|times| times.lies_between(set, self.from, self.to));
            thread && in_time && self.labels.iter().all(|(key, value)| opened.has_label(set, key, value))
        };
        Ok(Some(opened.profile.label_sets.iter().map(|(set, _)| kept(set)).collect()))
    }
}

/// By node: whether a function that matches stands in the stack from the root to it.
fn on_path(shown: &Shown, pattern: &Pattern) -> Vec<bool> {
    let matching: Vec<bool> = shown.functions.iter().map(|function| pattern.matches(function)).collect();
    let mut touched = vec![false; shown.tree.nodes.len()];
    for (at, node) in shown.tree.nodes.iter().enumerate().skip(1) {
        touched[at] = touched[node.parent as usize] || matching[node.frame as usize];
    }
    touched
}

impl Viewed<'_> {
    fn keeps(&self, stack: StackId, labels: LabelSetId) -> bool {
        self.kept_nodes.as_ref().is_none_or(|kept| kept[self.shown.tree.leaf(stack)])
            && self.kept_labels.as_ref().is_none_or(|kept| kept[labels.0 as usize])
    }

    /// Whether the view shows every sample and every frame of the profile.
    pub fn is_whole(&self) -> bool {
        self.kept_nodes.is_none()
            && self.kept_labels.is_none()
            && matches!(&self.tree, Cow::Borrowed(tree) if std::ptr::eq(*tree, &self.opened.apart().tree))
    }

    /// The samples that the view keeps.
    pub fn samples(&self) -> impl Iterator<Item = Sample<'_>> {
        self.opened.profile.samples.iter().filter(|sample| self.keeps(sample.stack, sample.labels))
    }

    /// The self value of each of the tree's nodes, of one sample type.
    pub fn node_self(&self, sample_type: usize) -> Vec<i64> {
        match (&self.tree, &self.kept_labels, &self.kept_nodes) {
            // The tree is the one that the nodes are chosen of.
            (Cow::Borrowed(_), None, kept) => {
                let all = self.shown.node_self(&self.opened.profile, sample_type);
                let Some(kept) = kept else { return all.to_vec() };
                all.iter().zip(kept).map(|(&value, &kept)| if kept { value } else { 0 }).collect()
            }
            _ => self.node_self_in(&self.tree, sample_type),
        }
    }

    /// The same in a tree that was made of the view's.
    pub(crate) fn node_self_in(&self, tree: &FrameTree, sample_type: usize) -> Vec<i64> {
        let mut values = vec![0_i64; tree.nodes.len()];
        for sample in self.samples() {
            let value = &mut values[tree.leaf(sample.stack)];
            *value = value.saturating_add(sample.values[sample_type]);
        }
        values
    }

    /// The number of the frame whose function has that id, if the view has it.
    pub(crate) fn frame_with(&self, id: u64) -> Option<u32> {
        self.functions.iter().position(|function| function.id == id).map(|at| at as u32)
    }

    /// The number of the frame that shows a function of the profile.
    pub(crate) fn frame_of(&self, function: FunctionId) -> u32 {
        self.shown.frame_of[function.0 as usize]
    }

    /// Whether the view takes a frame out.
    pub(crate) fn hides(&self, frame: u32) -> bool {
        self.hidden.get(frame as usize).is_some_and(|&hidden| hidden)
    }

    /// Whether stacks are shown from this frame on, or from their roots if it is `None`.
    pub(crate) fn begins(&self, frame: Option<u32>) -> bool {
        match frame {
            None => self.starts.is_empty(),
            Some(frame) => self.starts.get(frame as usize).is_some_and(|&starts| starts),
        }
    }

    /// By node of the tree: whether a sample that the view keeps has it in its stack.
    /// What no sample has stays out of files, which people hand on.
    pub(crate) fn nodes_in_use(&self) -> Vec<bool> {
        let mut used = vec![false; self.tree.nodes.len()];
        for sample in self.samples() {
            used[self.tree.leaf(sample.stack)] = true;
        }
        for at in (1..used.len()).rev() {
            if used[at] {
                used[self.tree.nodes[at].parent as usize] = true;
            }
        }
        used
    }

    /// By function, likewise.
    pub(crate) fn functions_in_use(&self) -> Vec<bool> {
        let mut used = vec![false; self.functions.len()];
        for (node, _) in self.tree.nodes.iter().zip(self.nodes_in_use()).skip(1).filter(|(_, in_use)| *in_use) {
            used[node.frame as usize] = true;
        }
        used
    }

    /// By node: whether it was inlined into its caller, in one of its stacks at least.
    pub(crate) fn inlined_nodes(&self) -> Vec<bool> {
        let Viewed { tree, shown, opened, .. } = self;
        let mut inlined = vec![false; tree.nodes.len()];
        for (at, stack) in opened.profile.stacks.nodes().iter().enumerate().skip(1) {
            let lines = &opened.profile.locations[stack.location.0 as usize].lines;
            let Some((_outermost, inner)) = lines.split_last().filter(|(_, inner)| !inner.is_empty()) else { continue };
            let mut node = tree.leaf(StackId(at as u32));
            for line in inner {
                // A frame that the view has taken out, or merged into its caller, has no node here.
                if node != 0 && tree.nodes[node].frame == shown.frame_of[line.function.0 as usize] {
                    inlined[node] = true;
                    node = tree.nodes[node].parent as usize;
                }
            }
        }
        inlined
    }

    /// The call graph of the sample type that is looked at.
    pub fn call_graph(&self) -> CallGraph {
        CallGraph::new(&self.tree, &self.node_self(self.sample_type))
    }

    /// The unit of the sample type that is looked at.
    pub fn unit(&self) -> &str {
        let profile = &self.opened.profile;
        profile.sample_types.get(self.sample_type).map_or("", |of| &profile.strings[of.unit])
    }

    /// The name of the sample type that is looked at.
    pub fn kind(&self) -> &str {
        let profile = &self.opened.profile;
        profile.sample_types.get(self.sample_type).map_or("", |of| &profile.strings[of.kind])
    }

    /// The names of a node's callers and itself, outermost first.
    pub fn root_first(&self, node: usize) -> Vec<&str> {
        let mut names = Vec::new();
        let mut at = node;
        while at != 0 {
            names.push(&*self.functions[self.tree.nodes[at].frame as usize].name);
            at = self.tree.nodes[at].parent as usize;
        }
        names.reverse();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plop_profile::{Label, LabelValue, Profile};

    /// Stacks leaf first with their samples, each under a thread of its own.
    fn opened(stacks: &[(&[&str], i64)]) -> Opened {
        let mut profile = Profile::new([("samples", "count")]);
        for (number, (leaf_first, value)) in stacks.iter().enumerate() {
            let locations: Vec<_> = leaf_first.iter().map(|name| profile.named_location(name, "")).collect();
            let stack = profile.stacks.intern(locations);
            let (key, thread) = (profile.strings.intern("thread"), profile.strings.intern(&format!("t{number}")));
            let labels = profile.label_sets.intern(&[Label { key, value: LabelValue::Text(thread) }]);
            profile.samples.add(stack, labels, &[*value]);
        }
        Opened::new(profile, "test", Vec::new())
    }

    /// The folded stacks of a view.
    fn folded(opened: &Opened, parameters: &[(&str, &str)]) -> Vec<String> {
        let mut view = View::default();
        for (key, value) in parameters {
            assert!(view.set(key, value).unwrap(), "{key}");
        }
        let viewed = view.of(opened).unwrap();
        let values = viewed.node_self(0);
        let lines = values.iter().enumerate().filter(|(_, value)| **value != 0);
        let mut lines: Vec<_> =
            lines.map(|(node, value)| format!("{} {value}", viewed.root_first(node).join(";"))).collect();
        lines.sort();
        lines
    }

    const STACKS: &[(&[&str], i64)] =
        &[(&["app::lex", "app::parse", "main"], 3), (&["core::fmt", "app::print", "main"], 2), (&["idle"], 5)];

    #[test]
    fn focus_and_ignore_choose_samples_by_any_function_of_their_stack() {
        let opened = opened(STACKS);
        assert_eq!(folded(&opened, &[("focus", "parse")]), ["main;app::parse;app::lex 3"]);
        assert_eq!(folded(&opened, &[("ignore", "main")]), ["idle 5"]);
        assert_eq!(folded(&opened, &[("focus", "main"), ("ignore", "lex")]), ["main;app::print;core::fmt 2"]);
    }

    #[test]
    fn hide_and_presets_charge_the_caller() {
        let opened = opened(STACKS);
        let hidden = folded(&opened, &[("hide", "app::")]);
        assert_eq!(hidden, ["idle 5", "main 3", "main;core::fmt 2"]);
        let hidden = folded(&opened, &[("preset", "std")]);
        assert_eq!(hidden, ["idle 5", "main;app::parse;app::lex 3", "main;app::print 2"]);
    }

    #[test]
    fn show_from_cuts_above_the_outermost_match_and_drops_the_rest() {
        let opened = opened(&[(&["f", "g", "f", "main"], 3), (&["idle"], 5)]);
        assert_eq!(folded(&opened, &[("show_from", "^f$")]), ["f;g;f 3"]);
    }

    #[test]
    fn threads_and_labels_choose_samples() {
        let opened = opened(STACKS);
        assert_eq!(folded(&opened, &[("thread", "t2")]), ["idle 5"]);
        assert_eq!(folded(&opened, &[("label", "thread=t0")]), ["main;app::parse;app::lex 3"]);
        assert_eq!(folded(&opened, &[("thread", "nobody")]), Vec::<String>::new());
    }

    #[test]
    fn direct_recursion_folds_on_demand() {
        let opened = opened(&[(&["f", "f", "f", "main"], 3)]);
        assert_eq!(folded(&opened, &[("recursion", "fold")]), ["main;f 3"]);
        assert_eq!(folded(&opened, &[]), ["main;f;f;f 3"]);
    }

    #[test]
    fn generics_and_closures_merge_under_their_function() {
        let opened = opened(&[
            (&["app::run::{{closure}}", "app::run", "main"], 3),
            (&["app::get<u8>", "main"], 1),
            (&["app::get<u16>", "main"], 2),
            (&["app::again", "app::again", "main"], 4),
        ]);
        let merged = folded(&opened, &[("generics", "merge")]);
        assert_eq!(merged, ["main;app::again;app::again 4", "main;app::get 3", "main;app::run 3"]);
    }

    #[test]
    fn the_instances_of_one_function_open_while_others_stay_merged() {
        let opened = opened(&[
            (&["app::run::{{closure}}", "app::run", "main"], 3),
            (&["app::get<u8>", "main"], 1),
            (&["app::get<u16>", "main"], 2),
        ]);
        let view = View { merge_generics: true, instances: vec!["app::get".to_owned()], ..View::default() };
        let apart = view.with_instances(&opened).unwrap();
        let viewed = view.of(&apart).unwrap();
        let totals = viewed.call_graph().totals;
        let mut rows: Vec<_> = viewed.functions.iter().map(|of| (&*of.name, of.instances)).zip(totals).collect();
        rows.sort_unstable();
        let expected = [(("app::get<u16>", 1), 2), (("app::get<u8>", 1), 1), (("app::run", 2), 3), (("main", 1), 6)];
        assert_eq!(rows, expected);
    }
}
