//! GHC's cost-centre profiles as JSON (`+RTS -pj`): a tree of cost centres with ticks of time and bytes allocated.
//!
//! The format: <https://downloads.haskell.org/ghc/latest/docs/users_guide/profiling.html#json-profile-format>.

use plop_profile::{LabelSetId, Profile, StackId};
use rustc_hash::FxHashMap;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

use super::source::{Object, Source, malformed};
use super::{Import, Json, tree};

pub(super) const FORMAT: &str = "GHC profile JSON";

#[derive(Deserialize)]
struct CostCentre {
    id: i64,
    label: String,
    module: String,
    #[serde(default)]
    src_loc: String,
}

#[derive(Default)]
struct Node {
    id: i64,
    ticks: i64,
    alloc: i64,
}

impl tree::Node for Node {
    fn member<'de, M: MapAccess<'de>>(&mut self, key: &str, map: &mut M) -> Result<(), M::Error> {
        match key {
            "id" => self.id = map.next_value()?,
            "ticks" => self.ticks = map.next_value()?,
            "alloc" => self.alloc = map.next_value()?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

pub(super) fn import(_: &Source<'_>, json: &Json<'_>) -> Import {
    let Json::Object(object) = json else { return Ok(None) };
    if !object.has_all(&["cost_centres", "profile", "rts_arguments"]) {
        return Ok(None);
    }
    read(object).map(Some).map_err(malformed(FORMAT))
}

fn read(object: &Object<'_>) -> Result<Profile, String> {
    // A tick is a millisecond unless the program was told otherwise.
    let interval_us: i64 = object.get("tick_interval")?.unwrap_or(1000);
    let (unit, per_tick) = if interval_us == 1000 { ("milliseconds", 1) } else { ("microseconds", interval_us) };
    let mut profile = Profile::new([("time", unit), ("alloc", "bytes")]);
    profile.default_sample_type = 0;
    let mut locations = FxHashMap::default();
    for centre in object.want::<Vec<CostCentre>>("cost_centres")? {
        // `<entire-module>` and its like are no places.
        let file = if centre.src_loc.starts_with('<') { "" } else { &centre.src_loc };
        let location = profile.named_location(&format!("{}.{}", centre.module, centre.label), file);
        locations.insert(centre.id, location);
    }
    let root = object.raw("profile").ok_or("profile is missing")?;
    let nodes: Vec<(Node, Option<usize>)> = tree::read(root.get())?;
    let mut stacks: Vec<StackId> = Vec::with_capacity(nodes.len());
    for (node, caller) in &nodes {
        let caller = caller.map_or(StackId::EMPTY, |caller| stacks[caller]);
        let location = locations.get(&node.id).ok_or_else(|| format!("there is no cost centre {}", node.id))?;
        let stack = profile.stacks.push(caller, *location);
        stacks.push(stack);
        if node.ticks != 0 || node.alloc != 0 {
            profile.samples.add(stack, LabelSetId::EMPTY, &[node.ticks.saturating_mul(per_tick), node.alloc]);
        }
    }
    Ok(profile)
}

#[cfg(test)]
mod tests {
    use crate::import::tests::{open, refusal, stacks};

    #[test]
    fn cost_centres_have_time_and_space() {
        let text = r#"{"program":"p","rts_arguments":["-pj"],"total_ticks":5,"tick_interval":1000,
            "cost_centres":[{"id":1,"label":"MAIN","module":"MAIN","src_loc":"<built-in>"},{"id":2,"label":"f","module":"Lib","src_loc":"Lib.hs:3:1-9"}],
            "profile":{"id":1,"entries":0,"alloc":16,"ticks":0,"children":[{"id":2,"entries":1,"alloc":8,"ticks":5,"children":[]}]}}"#;
        let profile = open(text);
        assert_eq!(stacks(&profile), ["MAIN.MAIN 0 16", "Lib.f<MAIN.MAIN 5 8"]);
        assert!(
            refusal(&text.replace(r#"{"id":2,"entries""#, r#"{"id":3,"entries""#))
                .ends_with("there is no cost centre 3")
        );
    }
}
