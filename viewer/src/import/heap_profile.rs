//! V8's sampled heap profiles (`.heapprofile`), of Chrome and Node: a tree of calls, each node with the bytes that it
//! allocated and that are still in use.

use plop_profile::{LabelSetId, Profile, StackId};
use serde::de::{IgnoredAny, MapAccess};

use super::scripts::{CallFrame, Scripts};
use super::source::{Source, malformed};
use super::{Import, Json, tree};

pub(super) const FORMAT: &str = "V8 heap profile";

#[derive(Default)]
struct Node {
    call_frame: CallFrame,
    self_size: f64,
}

impl tree::Node for Node {
    fn member<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "callFrame" => self.call_frame = map.next_value()?,
            "selfSize" => self.self_size = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

pub(super) fn import(_: &Source<'_>, json: &Json<'_>) -> Import {
    let Json::Object(object) = json else { return Ok(None) };
    let Some(head) = object.raw("head").filter(|head| head.get().contains("\"selfSize\"")) else { return Ok(None) };
    let nodes: Vec<(Node, Option<usize>)> = tree::read(head.get()).map_err(malformed(FORMAT))?;
    let mut profile = Profile::new([("space", "bytes")]);
    let mut scripts = Scripts::default();
    let mut stacks: Vec<StackId> = Vec::with_capacity(nodes.len());
    for (node, caller) in &nodes {
        let caller = caller.map_or(StackId::EMPTY, |caller| stacks[caller]);
        let location = scripts.call_frame(&mut profile, &node.call_frame, 0);
        let stack = profile.stacks.push(caller, location);
        stacks.push(stack);
        if node.self_size != 0.0 {
            profile.samples.add(stack, LabelSetId::EMPTY, &[node.self_size as i64]);
        }
    }
    Ok(Some(profile))
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, stacks};

    #[test]
    fn each_node_has_the_bytes_that_it_allocated_itself() {
        let text = r#"{"head":{"callFrame":{"functionName":"(root)","url":"","lineNumber":-1,"columnNumber":-1},"selfSize":0,
            "children":[{"selfSize":64,"children":[],"callFrame":{"functionName":"","url":"x/a.js","lineNumber":4,"columnNumber":1}}]}}"#;
        assert_eq!(stacks(&open(text)), ["(anonymous a.js:4)<(root) 64"]);
    }
}
