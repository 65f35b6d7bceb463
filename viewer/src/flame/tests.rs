use super::*;
use crate::opened::Opened;
use crate::view::View;
use plop_profile::{Label, LabelSetId, LabelValue, Line, Location, Profile};

/// Stacks outermost first, as folded files have them.
fn opened(stacks: &[(&str, i64)]) -> Opened {
    let mut profile = Profile::new([("samples", "count")]);
    for (stack, value) in stacks {
        let locations: Vec<_> = stack.split(';').rev().map(|name| profile.named_location(name, "")).collect();
        let stack = profile.stacks.intern(locations);
        profile.samples.add(stack, LabelSetId::EMPTY, &[*value]);
    }
    Opened::new(profile, "test", Vec::new())
}

/// The boxes, each with its depth, name, total and self.
fn drawn(opened: &Opened, shape: &Shape, cut: &Cut) -> Vec<String> {
    let viewed = View::default().of(opened).unwrap();
    let flame = Stacks::of(&viewed).flame(shape, cut);
    let name = |of| match of {
        Of::Frame(frame) => viewed.functions[frame as usize].name.clone(),
        Of::Value(value) => flame.values[value as usize].clone(),
    };
    let line =
        |of: &FlameBox| format!("{}{} {} {}", " ".repeat(of.depth as usize), name(of.of), of.total, of.self_value);
    flame.boxes.iter().map(line).collect()
}

const ALL: Cut = Cut { zoom: Vec::new(), least: 0.0 };

fn id(name: &str) -> u64 {
    hash(&[name, ""])
}

#[test]
fn callees_lie_in_their_callers_the_heaviest_first() {
    let opened = opened(&[("main;b;x", 1), ("main;a", 2), ("main;a;x", 3), ("idle", 1)]);
    let expected = ["main 6 0", " a 5 2", "  x 3 3", " b 1 0", "  x 1 1", "idle 1 1"];
    assert_eq!(drawn(&opened, &Shape::Callees, &ALL), expected);
}

#[test]
fn callers_grow_from_the_leaves_and_count_each_sample_once() {
    let opened = opened(&[("main;b;x", 1), ("main;a;x", 3), ("main;f;f", 4)]);
    let expected = ["f 4 0", " f 4 0", "  main 4 4", "x 4 0", " a 3 0", "  main 3 3", " b 1 0", "  main 1 1"];
    assert_eq!(drawn(&opened, &Shape::Callers, &ALL), expected);
}

#[test]
fn around_a_function_recursion_counts_once() {
    let opened = opened(&[("main;f;g;f;x", 3), ("main;f", 2), ("other;f", 1), ("main;x", 9)]);
    let callees = ["f 6 3", " g 3 0", "  f 3 0", "   x 3 3"];
    assert_eq!(drawn(&opened, &Shape::CalleesOf(id("f")), &ALL), callees);
    let callers = ["f 6 0", " main 5 5", " other 1 1"];
    assert_eq!(drawn(&opened, &Shape::CallersOf(id("f")), &ALL), callers);
}

#[test]
fn narrow_boxes_are_left_out_and_come_back_with_the_zoom() {
    let opened = opened(&[("main;a", 97), ("main;b;x", 2), ("main;b;y", 1)]);
    let cut = |zoom: &[&str]| Cut { zoom: zoom.iter().map(|name| id(name)).collect(), least: 0.03 };
    assert_eq!(drawn(&opened, &Shape::Callees, &cut(&[])), ["main 100 0", " a 97 97", " b 3 0"]);
    let zoomed = ["main 100 0", " b 3 0", "  x 2 2", "  y 1 1"];
    assert_eq!(drawn(&opened, &Shape::Callees, &cut(&["main", "b"])), zoomed);
    let viewed = View::default().of(&opened).unwrap();
    let stacks = Stacks::of(&viewed);
    assert_eq!(stacks.flame(&Shape::Callees, &cut(&["main", "b"])).zoomed, 2);
    assert_eq!(stacks.flame(&Shape::Callees, &cut(&["main", "gone"])).zoomed, 1);
}

#[test]
fn the_first_level_can_be_a_label() {
    let mut profile = Profile::new([("samples", "count")]);
    let (key, name) = (profile.strings.intern("thread"), profile.strings.intern("worker"));
    let labels = profile.label_sets.intern(&[Label { key, value: LabelValue::Text(name) }]);
    let main = profile.named_location("main", "");
    let stack = profile.stacks.intern([main]);
    profile.samples.add(stack, labels, &[3]);
    profile.samples.add(stack, LabelSetId::EMPTY, &[1]);
    let opened = Opened::new(profile, "test", Vec::new());
    let expected = ["worker 3 0", " main 3 3", "no thread 1 0", " main 1 1"];
    assert_eq!(drawn(&opened, &Shape::By("thread".to_owned()), &ALL), expected);
}

#[test]
fn inlined_frames_are_marked() {
    let mut profile = Profile::new([("samples", "count")]);
    let main = profile.named_location("main", "");
    let [outer, inner] = ["outer", "inner"].map(|name| {
        let name = profile.strings.intern(name);
        profile.intern_function(plop_profile::Function { name, ..Default::default() })
    });
    let lines = vec![Line { function: inner, line: 3 }, Line { function: outer, line: 9 }];
    let place = profile.push_location(Location { lines, address: 0x10, ..Location::default() });
    let stack = profile.stacks.intern([place, main]);
    profile.samples.add(stack, LabelSetId::EMPTY, &[3]);
    let opened = Opened::new(profile, "test", Vec::new());
    for merge_generics in [false, true] {
        let viewed = View { merge_generics, ..View::default() }.of(&opened).unwrap();
        let flame = Stacks::of(&viewed).flame(&Shape::Callees, &ALL);
        let inlined: Vec<bool> = flame.boxes.iter().map(|of| of.inlined).collect();
        assert_eq!(inlined, [false, false, true]);
    }
}
