use plop_profile::{CallGraph, Label, LabelSetId, LabelValue};

use super::*;
use crate::View;

/// A stack, leaf first, of functions with their files, and its samples.
type Stack<'a> = (&'a [(&'a str, &'a str)], i64);

fn profile(stacks: &[Stack<'_>]) -> Profile {
    let mut profile = Profile::new([("samples", "count"), ("cpu", "nanoseconds")]);
    for (leaf_first, samples) in stacks {
        let locations: Vec<_> = leaf_first.iter().map(|(name, file)| profile.named_location(name, file)).collect();
        let stack = profile.stacks.intern(locations);
        profile.samples.add(stack, LabelSetId::EMPTY, &[*samples, samples * 10]);
    }
    profile
}

fn opened(stacks: &[Stack<'_>]) -> Opened {
    Opened::new(profile(stacks), "test", Vec::new())
}

/// Name, file, total before and total after of each function, of the sample type `samples`.
fn totals(comparison: &Comparison, parameters: &[(&str, &str)]) -> Vec<(String, String, i64, i64)> {
    let mut view = View::default();
    for (key, value) in [&[("type", "samples")], parameters].concat() {
        assert!(view.set(key, value).unwrap());
    }
    let viewed = view.of(&comparison.opened).unwrap();
    let graph = comparison.node_self(&viewed).map(|values| CallGraph::new(&viewed.tree, values));
    let row = |(at, function): (usize, &Function)| {
        let total = graph.map(|graph| graph.totals[at]);
        (function.name.clone(), function.file.clone(), total.before, total.after)
    };
    let mut rows: Vec<_> = viewed.functions.iter().enumerate().map(row).collect();
    rows.sort();
    rows
}

fn row(name: &str, file: &str, before: i64, after: i64) -> (String, String, i64, i64) {
    (name.to_owned(), file.to_owned(), before, after)
}

#[test]
fn functions_are_matched_by_name_and_file_whatever_their_numbers_and_addresses() {
    let before =
        opened(&[(&[("lex", "a.rs"), ("main", "main.rs")], 4), (&[("parse", "a.rs"), ("main", "main.rs")], 6)]);
    let mut later = profile(&[(&[("draw", "b.rs"), ("main", "main.rs")], 5)]);
    let parse = later.named_location("parse", "a.rs");
    let Line { function, .. } = later.locations[parse.0 as usize].lines[0];
    let place = Location { address: 0x1234, lines: vec![Line { function, line: 7 }], ..Location::default() };
    let place = later.push_location(place);
    let stack = later.stacks.intern([place]);
    later.samples.add(stack, LabelSetId::EMPTY, &[3, 30]);
    let comparison = Comparison::new(&before, &Opened::new(later, "test", Vec::new())).unwrap();
    let expected = [
        row("draw", "b.rs", 0, 5),
        row("lex", "a.rs", 4, 0),
        row("main", "main.rs", 10, 5),
        row("parse", "a.rs", 6, 3),
    ];
    assert_eq!(totals(&comparison, &[]), expected);
}

#[test]
fn of_files_that_moved_those_with_the_most_of_their_path_in_common_are_the_same() {
    let before = opened(&[(&[("new", "/old/a/lib.rs")], 1), (&[("new", "/old/b/lib.rs")], 2), (&[("new", "x.rs")], 4)]);
    let after = opened(&[(&[("new", "/new/b/lib.rs")], 10), (&[("new", "/new/a/lib.rs")], 20)]);
    let comparison = Comparison::new(&before, &after).unwrap();
    let expected = [row("new", "/new/a/lib.rs", 1, 20), row("new", "/new/b/lib.rs", 2, 10), row("new", "x.rs", 4, 0)];
    assert_eq!(totals(&comparison, &[]), expected);
}

#[test]
fn a_function_alone_with_its_name_is_the_same_unless_its_name_says_nothing() {
    let before = opened(&[(&[("malloc", "/lib/libc-2.31.so")], 1), (&[("<module>", "a.py")], 2)]);
    let after = opened(&[(&[("malloc", "/lib/libc.so.6")], 3), (&[("<module>", "b.py")], 4)]);
    let comparison = Comparison::new(&before, &after).unwrap();
    let expected =
        [row("<module>", "a.py", 2, 0), row("<module>", "b.py", 0, 4), row("malloc", "/lib/libc.so.6", 1, 3)];
    assert_eq!(totals(&comparison, &[]), expected);
}

#[test]
fn filters_act_on_both_sides_and_both_keep_their_labels() {
    let stacks: &[Stack<'_>] = &[(&[("lex", ""), ("main", "")], 4), (&[("idle", "")], 1)];
    let mut later = profile(stacks);
    let (key, value) = (later.strings.intern("thread"), later.strings.intern("worker"));
    let labels = later.label_sets.intern(&[Label { key, value: LabelValue::Text(value) }]);
    let lex = later.named_location("lex", "");
    let stack = later.stacks.intern([lex]);
    later.samples.add(stack, labels, &[9, 90]);
    let comparison = Comparison::new(&opened(stacks), &Opened::new(later, "test", Vec::new())).unwrap();
    let focused = totals(&comparison, &[("focus", "lex"), ("hide", "main")]);
    assert_eq!(focused, [row("idle", "", 0, 0), row("lex", "", 4, 13), row("main", "", 0, 0)]);
    let worker = totals(&comparison, &[("thread", "worker")]);
    assert_eq!(worker, [row("idle", "", 0, 0), row("lex", "", 0, 9), row("main", "", 0, 0)]);
}

#[test]
fn a_profile_compared_with_itself_has_not_changed() {
    let stacks: &[Stack<'_>] = &[(&[("lex", "a.rs"), ("lex", "b.rs"), ("main", "")], 4), (&[("idle", "")], 1)];
    let comparison = Comparison::new(&opened(stacks), &opened(stacks)).unwrap();
    for (name, _, before, after) in totals(&comparison, &[]) {
        assert_eq!(before, after, "{name}");
    }
    assert_eq!(comparison.opened.apart().functions, opened(stacks).apart().functions);
}

#[test]
fn sample_types_are_those_of_both_and_strangers_are_refused() {
    let mut space = Profile::new([("alloc", "bytes"), ("cpu", "nanoseconds")]);
    let main = space.named_location("main", "");
    let stack = space.stacks.intern([main]);
    space.samples.add(stack, LabelSetId::EMPTY, &[1, 2]);
    let space = Opened::new(space, "test", Vec::new());
    let comparison = Comparison::new(&opened(&[(&[("main", "")], 4)]), &space).unwrap();
    let profile = &comparison.opened.profile;
    let kinds: Vec<&str> = profile.sample_types.iter().map(|of| &profile.strings[of.kind]).collect();
    assert_eq!((kinds, comparison.sample_types()), (vec!["cpu", "cpu_before"], 0..1));
    let viewed = View::default().of(&comparison.opened).unwrap();
    assert_eq!(comparison.unfiltered_total(&viewed), Sides { before: 40, after: 2 });
    let stranger = Opened::new(Profile::new([("wall", "seconds")]), "test", Vec::new());
    let error = Comparison::new(&stranger, &space).unwrap_err();
    let text = "the two have no sample type in common: wall (seconds) before, alloc (bytes), cpu (nanoseconds) after";
    assert_eq!(error.to_string(), text);
}

#[test]
fn what_was_measured_for_longer_is_scaled_by_total_or_by_time() {
    let mut earlier = profile(&[(&[("main", "")], 40)]);
    let mut later = profile(&[(&[("main", "")], 10)]);
    let compare = |earlier: &Profile, later: &Profile| {
        let open = |profile: &Profile| Opened::new(profile.clone(), "test", Vec::new());
        let comparison = Comparison::new(&open(earlier), &open(later)).unwrap();
        let view = View::default();
        let viewed = view.of(&comparison.opened).unwrap();
        [Normalize::None, Normalize::Total, Normalize::Time].map(|by| comparison.scale(&viewed, by))
    };
    let [none, total, time] = compare(&earlier, &later);
    assert_eq!((none.unwrap().factor(), total.unwrap().factor()), (1.0, 0.25));
    assert_eq!(time, Err(CompareError::NoDuration { before: true }));
    (earlier.duration_nanos, later.duration_nanos) = (2_000_000_000, 1_000_000_000);
    let [.., time] = compare(&earlier, &later);
    assert_eq!(time.unwrap().delta(&Sides { before: 40, after: 25 }), 5);
}

#[test]
fn rounding_is_carried_so_that_no_subtree_loses_more_than_one() {
    let scale = Scale::new(3, 10);
    let values = vec![1_i64; 1000];
    let spread = scale.spread(&values);
    assert_eq!(spread.iter().sum::<i64>(), scale.of(1000));
    for (start, end) in [(0, 1000), (3, 4), (17, 400), (999, 1000)] {
        let (exact, sum) = (0.3 * (end - start) as f64, spread[start..end].iter().sum::<i64>());
        assert!((exact - sum as f64).abs() <= 1.0, "{start}..{end}: {sum} for {exact}");
    }
    let largest = Scale::new(i64::MAX, 1);
    assert_eq!(largest.spread(&[i64::MAX, 0, i64::MIN]), [i64::MAX, 0, i64::MIN]);
    assert_eq!(largest.of(i64::MIN), i64::MIN);
}

#[test]
fn a_function_is_new_or_gone_by_what_it_has_on_each_side() {
    let change = |before, after| Sides { before, after }.change();
    assert_eq!(
        [change(0, 3), change(3, 0), change(1, 3), change(0, 0)],
        [Change::New, Change::Gone, Change::Kept, Change::Kept]
    );
}

#[test]
fn two_runs_of_the_same_program_show_no_change_but_what_has_grown_by_half_does() {
    let mut seed = 1_u64;
    let mut chance = move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (seed >> 33) as f64 / (1_u64 << 31) as f64
    };
    let names: Vec<String> = (0..300).map(|at| format!("app::f{at}")).collect();
    // Of a run's moments each function has as many as it weighs; the last one has grown by half in the second.
    let mut run = |length: usize, last: f64| {
        let weights: Vec<f64> =
            (0..300).map(|at| if at == 299 { 40.0 * last } else { 1.0 + f64::from(at % 9) }).collect();
        let whole: f64 = weights.iter().sum();
        let mut counts = vec![0_i64; 300];
        for _ in 0..length {
            let mut left = chance() * whole;
            let hit = weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            counts[hit.unwrap_or(0)] += 1;
        }
        let stacks: Vec<_> = names.iter().zip(counts).map(|(name, count)| (name.clone(), count)).collect();
        let mut profile = Profile::new([("samples", "count")]);
        for (name, count) in stacks {
            let place = profile.named_location(&name, "");
            let stack = profile.stacks.intern([place]);
            profile.samples.add(stack, plop_profile::LabelSetId::EMPTY, &[count]);
        }
        Opened::new(profile, "test", Vec::new())
    };
    let (before, after) = (run(20_000, 1.0), run(8_000, 1.5));
    let comparison = Comparison::new(&before, &after).unwrap();
    let viewed = crate::View::default().of(&comparison.opened).unwrap();
    let both = Both::new(&comparison, viewed, Normalize::Total).unwrap();
    let graphs = both.graphs();
    let changed: Vec<&str> = (0..300)
        .filter(|&at| crate::picture::delta(&graphs.map(|graph| graph.totals[at]), both.scale) != 0.0)
        .map(|at| &*both.viewed.functions[at].name)
        .collect();
    // One in 370 may be chance.
    assert!(changed.contains(&"app::f299") && changed.len() <= 3, "{changed:?}");
}

#[test]
fn chance_is_told_from_change_by_a_period_of_time_too_and_where_nothing_tells_it_is_said() {
    let compared = |[kind, unit]: [&str; 2], period: [i64; 2]| {
        let side = |value: i64, period: i64| {
            let mut profile = Profile::new([(kind, unit)]);
            profile.set_period(kind, unit, period);
            let place = profile.named_location("app::f", "");
            let stack = profile.stacks.intern([place]);
            profile.samples.add(stack, LabelSetId::EMPTY, &[value]);
            Opened::new(profile, "test", Vec::new())
        };
        // As many as a hundred samples, and ten more, which is one standard deviation.
        let comparison = Comparison::new(&side(1000, period[0]), &side(1100, period[1])).unwrap();
        let viewed = View::default().of(&comparison.opened).unwrap();
        let scale = comparison.scale(&viewed, Normalize::None).unwrap();
        (scale.is_judged(), scale.is_noise(&Sides { before: 1000, after: 1100 }))
    };
    assert_eq!(compared(["cpu", "nanoseconds"], [10, 10]), (true, true));
    assert_eq!(compared(["cpu", "nanoseconds"], [10, 0]), (false, false));
    assert_eq!(
        compared(["inuse_space", "bytes"], [10, 10]),
        (false, false),
        "what lies between two is no sample's weight"
    );
}
