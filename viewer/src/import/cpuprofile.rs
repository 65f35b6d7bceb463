//! V8's CPU profiles, as Chrome, Node and Deno write them: a tree of calls, and which node of it ran at which time. In files of
//! their own (`.cpuprofile`), in the older form of a nested tree, or in pieces within a Chrome trace.
//!
//! A sample lasts until the next one. `(root)` and `(idle)` are no functions; the garbage collector and `(program)`, V8's own
//! work, are called by what ran before them. The last sample has no end, so it counts for nothing.

use plop_profile::{LabelSetId, LocationId, Profile, StackId};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

use super::scripts::{CallFrame, Scripts};
use super::source::{Object, Source, malformed};
use super::tally::{Tally, Unit};
use super::{Import, Json, tree};

pub(super) const FORMAT: &str = "V8 CPU profile";

/// One profile: its nodes and samples.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct CpuProfile {
    pub(super) nodes: Vec<Node>,
    pub(super) samples: Vec<i64>,
    pub(super) time_deltas: Vec<f64>,
}

/// A function as called from one chain of callers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Node {
    pub(super) id: i64,
    #[serde(default)]
    pub(super) call_frame: CallFrame,
    #[serde(default)]
    children: Option<Vec<i64>>,
    #[serde(default)]
    parent: Option<i64>,
}

pub(super) fn import(_: &Source<'_>, json: &Json<'_>) -> Import {
    let Json::Object(object) = json else { return Ok(None) };
    let cpu_profile = if object.has_all(&["nodes", "samples", "timeDeltas"]) {
        read(object)
    } else if object.has_all(&["head", "samples", "timestamps"]) {
        read_nested(object)
    } else {
        return Ok(None);
    };
    let add = |cpu_profile: CpuProfile| {
        let mut tally = Tally::new();
        add(&cpu_profile, &mut tally, &mut Scripts::default(), LabelSetId::EMPTY)?;
        Ok(tally.finish())
    };
    cpu_profile.and_then(add).map(Some).map_err(malformed(FORMAT))
}

fn read(object: &Object<'_>) -> Result<CpuProfile, String> {
    Ok(CpuProfile {
        nodes: object.want("nodes")?,
        samples: object.want("samples")?,
        time_deltas: object.want("timeDeltas")?,
    })
}

/// The older form, of V8's C++ interface: a nested tree, and times instead of differences, in microseconds from a start in
/// seconds.
fn read_nested(object: &Object<'_>) -> Result<CpuProfile, String> {
    let head = object.raw("head").ok_or("head is missing")?;
    let tree: Vec<(Nested, Option<usize>)> = tree::read(head.get())?;
    let parents: Vec<Option<i64>> = tree.iter().map(|(_, caller)| caller.map(|caller| tree[caller].0.id)).collect();
    let node = |((nested, _), parent): ((Nested, _), Option<i64>)| Node {
        id: nested.id,
        call_frame: nested.call_frame,
        children: None,
        parent,
    };
    let nodes = tree.into_iter().zip(parents).map(node).collect();
    let start = object.get::<f64>("startTime")?.unwrap_or(0.0) * 1e6;
    let times: Vec<f64> = object.want("timestamps")?;
    let before = std::iter::once(start).chain(times.iter().copied());
    let time_deltas = times.iter().zip(before).map(|(time, before)| time - before).collect();
    Ok(CpuProfile { nodes, samples: object.want("samples")?, time_deltas })
}

/// Adds a profile's samples to a tally.
pub(super) fn add(
    cpu_profile: &CpuProfile,
    tally: &mut Tally,
    scripts: &mut Scripts,
    labels: LabelSetId,
) -> Result<(), String> {
    let column = tally.column("cpu", Unit::Microseconds);
    let nodes = Nodes::of(cpu_profile, &mut tally.profile, scripts);
    let mut running = Running::new(&nodes);
    let samples = &cpu_profile.samples;
    let delta = |at: usize| cpu_profile.time_deltas.get(at).copied().unwrap_or(0.0);
    // Times may run backwards; a change of stack never lies before the one before it.
    let (mut elapsed, mut changed) = (delta(0), delta(0));
    for (at, &id) in samples.iter().enumerate() {
        if at > 0 {
            elapsed += delta(at);
        }
        if at == 0 || samples[at - 1] != id || at + 1 == samples.len() {
            let now = elapsed.max(changed);
            if at > 0 && running.depth() > 0 {
                tally.add(running.stack(), labels, column, now - changed);
            }
            changed = now;
            if let Some(&node) = nodes.by_id.get(&id) {
                running.switch(node, &mut tally.profile)?;
            }
        }
    }
    Ok(())
}

/// What a node is besides a function.
#[derive(Clone, Copy, PartialEq)]
enum Role {
    Function,
    /// No function, nor is anything above it: `(root)`, `(idle)`.
    Outside,
    /// V8's own work, called by what ran before.
    OnTop,
}

struct Nodes {
    by_id: FxHashMap<i64, usize>,
    parents: Vec<Option<usize>>,
    roles: Vec<Role>,
    locations: Vec<LocationId>,
}

impl Nodes {
    fn of(cpu_profile: &CpuProfile, profile: &mut Profile, scripts: &mut Scripts) -> Self {
        let list = &cpu_profile.nodes;
        let by_id: FxHashMap<i64, usize> = list.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
        let mut parents: Vec<Option<usize>> =
            list.iter().map(|node| node.parent.and_then(|id| by_id.get(&id).copied())).collect();
        for (at, node) in list.iter().enumerate() {
            for child in node.children.iter().flatten().filter_map(|id| by_id.get(id)) {
                parents[*child] = Some(at);
            }
        }
        let role = |node: &Node| match (node.call_frame.function_name.as_str(), node.call_frame.url.as_str()) {
            ("(root)" | "(idle)", _) | (_, "native dummy.js") => Role::Outside,
            ("(garbage collector)" | "(program)", _) => Role::OnTop,
            _ => Role::Function,
        };
        Nodes {
            parents,
            roles: list.iter().map(role).collect(),
            locations: list.iter().map(|node| scripts.call_frame(profile, &node.call_frame, 1)).collect(),
            by_id,
        }
    }
}

/// The nodes that are open, root first, and the stack that they are.
struct Running<'a> {
    nodes: &'a Nodes,
    open: Vec<(usize, StackId)>,
    is_open: Vec<bool>,
}

impl<'a> Running<'a> {
    fn new(nodes: &'a Nodes) -> Self {
        Running { nodes, open: Vec::new(), is_open: vec![false; nodes.parents.len()] }
    }

    fn depth(&self) -> usize {
        self.open.len()
    }

    fn stack(&self) -> StackId {
        self.open.last().map_or(StackId::EMPTY, |(_, stack)| *stack)
    }

    fn caller(&self, node: usize) -> Option<usize> {
        match self.nodes.roles[node] {
            Role::OnTop => self.open.last().map(|(node, _)| *node),
            _ => self.nodes.parents[node],
        }
    }

    /// Closes what does not call `node` and opens what does.
    fn switch(&mut self, node: usize, profile: &mut Profile) -> Result<(), String> {
        // Nodes above one that is no function are not opened, but one of them may be open already.
        let (mut opening, mut outside, mut steps) = (Vec::new(), false, 0);
        let mut next = Some(node);
        while let Some(node) = next.filter(|&node| !self.is_open[node]) {
            outside |= self.nodes.roles[node] == Role::Outside;
            if !outside {
                opening.push(node);
            }
            steps += 1;
            if steps > self.is_open.len() {
                return Err("a node is its own caller".to_owned());
            }
            next = self.caller(node);
        }
        while self.open.last().map(|(node, _)| *node) != next {
            let Some((closed, _)) = self.open.pop() else { break };
            self.is_open[closed] = false;
        }
        for node in opening.into_iter().rev() {
            let stack = profile.stacks.push(self.stack(), self.nodes.locations[node]);
            self.open.push((node, stack));
            self.is_open[node] = true;
        }
        Ok(())
    }
}

/// A node of the older form, whose members are those of its call frame.
#[derive(Default)]
struct Nested {
    id: i64,
    call_frame: CallFrame,
}

impl tree::Node for Nested {
    fn member<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "id" => self.id = map.next_value()?,
            "functionName" => self.call_frame.function_name = map.next_value()?,
            "url" => self.call_frame.url = map.next_value()?,
            "lineNumber" => self.call_frame.line_number = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, refusal, stacks};

    const NODES: &str = r#"[
        {"id":1,"callFrame":{"functionName":"(root)","url":"","lineNumber":-1,"columnNumber":-1},"children":[2,3,5,6]},
        {"id":2,"callFrame":{"functionName":"main","url":"app.js","lineNumber":0,"columnNumber":0},"children":[4]},
        {"id":3,"callFrame":{"functionName":"(idle)","url":"","lineNumber":-1,"columnNumber":-1}},
        {"id":4,"callFrame":{"functionName":"","url":"lib/app.js","lineNumber":6,"columnNumber":3}},
        {"id":5,"callFrame":{"functionName":"(garbage collector)","url":""}},
        {"id":6,"callFrame":{"functionName":"(program)","url":""}}]"#;

    fn with(samples: &str, deltas: &str) -> String {
        format!(r#"{{"nodes":{NODES},"startTime":0,"endTime":9,"samples":{samples},"timeDeltas":{deltas}}}"#)
    }

    #[test]
    fn a_sample_lasts_until_the_next_one_and_idle_time_counts_for_nothing() {
        let profile = open(&with("[2,4,4,3,2,2]", "[100,1,2,4,8,16]"));
        assert_eq!(stacks(&profile), ["main 17", "(anonymous app.js:7)<main 6"]);
        assert_eq!(&profile.strings[profile.sample_types[0].unit], "microseconds");
    }

    #[test]
    fn the_collector_is_called_by_what_ran_before_it() {
        let profile = open(&with("[4,5,6,5,2]", "[0,1,2,4,8]"));
        assert_eq!(
            stacks(&profile),
            [
                "(anonymous app.js:7)<main 1",
                "(garbage collector)<(anonymous app.js:7)<main 10",
                "(program)<(garbage collector)<(anonymous app.js:7)<main 4"
            ]
        );
    }

    #[test]
    fn times_that_run_backwards_take_nothing_away() {
        let profile = open(&with("[2,4,2,2]", "[0,10,-5,7]"));
        assert_eq!(stacks(&profile), ["main 12"]);
    }

    #[test]
    fn the_older_form_is_read_however_deep_its_tree_is() {
        let node = |id: usize, children: &str| {
            format!(r#"{{"functionName":"f{id}","url":"a.js","lineNumber":{id},"id":{id},"children":[{children}]}}"#)
        };
        let tree = (1..=3000).rev().fold(String::new(), |children, id| node(id, &children));
        let profile = open(&format!(
            r#"{{"head":{tree},"startTime":1,"endTime":2,"samples":[3000,1],"timestamps":[1000010,1000040]}}"#
        ));
        assert_eq!(profile.total(0), 30);
        assert_eq!(profile.stacks.leaf_first(profile.samples.get(0).stack).count(), 3000);
    }

    #[test]
    fn a_broken_one_says_where() {
        assert!(refusal(&with("[2,true]", "[1,2]")).starts_with("broken V8 CPU profile: in samples: invalid type"));
    }
}
