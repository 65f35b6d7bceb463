//! What every picture keeps to, on the stacks of made-up programs.

use std::collections::{BTreeMap, BTreeSet};

use plop_profile::{FrameTree, LabelSetId, Profile};

use super::random::Random;
use super::*;

/// Stacks of a made-up program, outermost first, with their weights.
type Stacks = Vec<(Vec<String>, i64)>;

struct Made {
    tree: FrameTree,
    node_self: Vec<i64>,
    functions: Vec<Function>,
}

impl Made {
    fn of(stacks: &Stacks) -> Self {
        let mut profile = Profile::new([("samples", "count")]);
        for (stack, weight) in stacks {
            let locations: Vec<_> = stack.iter().rev().map(|name| profile.named_location(name, "")).collect();
            let stack = profile.stacks.intern(locations);
            profile.samples.add(stack, LabelSetId::EMPTY, &[*weight]);
        }
        let tree = FrameTree::new(&profile);
        let node_self = tree.self_values(&profile, 0, |_| true);
        let functions = tree.frames.iter().map(|&frame| function(&profile.frame_name(frame))).collect();
        Made { tree, node_self, functions }
    }

    fn source(&self) -> Source<'_> {
        Source { tree: &self.tree, node_self: &self.node_self, functions: &self.functions }
    }

    fn picture(&self, settings: &Settings) -> Picture {
        picture(self.source(), settings)
    }
}

/// `krate::module::name`.
fn function(name: &str) -> Function {
    let segments: Vec<&str> = name.split("::").collect();
    let (krate, module) = match segments.len() {
        1 => (String::new(), String::new()),
        count => (segments[0].to_owned(), segments[..count - 1].join("::")),
    };
    let label = segments[segments.len().saturating_sub(2)..].join("::");
    Function {
        id: color::hash(&[name]),
        label,
        krate,
        module,
        file: String::new(),
        name: name.to_owned(),
        instances: 0,
    }
}

/// A program of so many functions in which each calls a few later ones, some its own caller, and all the allocator; samples
/// are taken along random walks.
fn program(functions: usize, samples: usize, seed: u64) -> Stacks {
    let mut random = Random::new(seed);
    let mut below = |end: usize| (random.fraction() * end as f64) as usize;
    let name = |function: usize| match function {
        0 => "main".to_owned(),
        1 => "malloc".to_owned(),
        _ => format!("crate{}::module{}::work_{function}", function % 7, function % 23),
    };
    let callees: Vec<Vec<usize>> = (0..functions)
        .map(|function| {
            let reach = functions / 6 + 2;
            let mut callees: Vec<usize> =
                (0..1 + below(4)).map(|_| (function + 1 + below(reach)).clamp(2, functions - 1)).collect();
            if below(12) == 0 && function > 20 {
                callees.push(function - 1 - below(9));
            }
            callees
        })
        .collect();
    (0..samples)
        .map(|_| {
            let mut stack = vec![0];
            while stack.len() < 40 && below(9) > 0 {
                let from = &callees[stack[stack.len() - 1]];
                // The first callees are called the most.
                stack.push(from[below(from.len()).min(below(from.len()))]);
            }
            if below(5) == 0 {
                stack.push(1);
            }
            (stack.into_iter().map(name).collect(), 1 + below(9) as i64)
        })
        .collect()
}

fn programs() -> impl Iterator<Item = (Stacks, Made)> {
    let sizes = [(5, 20), (60, 2000), (150, 4000), (400, 9000)];
    sizes.into_iter().zip(1..).map(|((functions, samples), seed)| {
        let stacks = program(functions, samples, seed);
        let made = Made::of(&stacks);
        (stacks, made)
    })
}

fn settings() -> impl Iterator<Item = Settings> {
    let directions = [Direction::Right, Direction::Down, Direction::Free];
    directions
        .into_iter()
        .flat_map(|direction| [1, 12, 90, 1000].map(|items| Settings { items, direction, ..Settings::default() }))
}

#[test]
fn shown_and_folded_make_the_total() {
    for (stacks, made) in programs() {
        let total: i64 = stacks.iter().map(|(_, weight)| weight).sum();
        let functions: BTreeSet<&String> = stacks.iter().flat_map(|(stack, _)| stack).collect();
        for settings in settings() {
            let picture = made.picture(&settings);
            assert_eq!(picture.total, total);
            assert_eq!(picture.shown.self_value + picture.folded.self_value, total);
            assert_eq!(picture.items.iter().map(|item| item.self_value).sum::<i64>(), total);
            assert_eq!(picture.groups.iter().map(|group| group.self_value).sum::<i64>(), total);
            assert_eq!(picture.functions, functions.len());
            assert_eq!(picture.shown.functions + picture.folded.functions, functions.len());
        }
    }
}

/// Each stack reduced by the definition: visible frames stay, a hidden leaf becomes its fold, the rest is passed over.
#[test]
fn items_and_edges_weigh_what_their_definition_says() {
    for (stacks, made) in programs() {
        for items in [12, 90] {
            let settings = Settings { items, ..Settings::default() };
            let picture = made.picture(&settings);
            let visible: BTreeMap<&str, usize> = (picture.items.iter().enumerate())
                .filter(|(_, item)| item.kind == ItemKind::Function)
                .map(|(number, item)| (item.name.as_str(), number))
                .collect();
            let fold_of = |name: &str| {
                let function = function(name);
                let fold = |name: &str, has: fn(&Item) -> bool| {
                    (picture.items.iter())
                        .position(|item| item.kind == ItemKind::Fold && item.name == name && has(item))
                        .filter(|_| !name.is_empty())
                };
                fold(&function.module, |item| !item.module.is_empty())
                    .or_else(|| fold(&function.krate, |item| item.module.is_empty()))
                    .or_else(|| fold("other", |item| item.krate.is_empty()))
                    .expect("a hidden leaf has a fold")
            };
            let mut totals = vec![0; picture.items.len()];
            let mut own = totals.clone();
            let mut edges: BTreeMap<(usize, usize), (i64, usize)> = BTreeMap::new();
            for (stack, weight) in &stacks {
                let last = stack.len() - 1;
                let mut chain: Vec<(usize, usize)> = Vec::new();
                let mut passed = 0;
                for (at, name) in stack.iter().enumerate() {
                    match visible.get(name.as_str()) {
                        Some(&item) => chain.push((item, std::mem::take(&mut passed))),
                        None if at == last => chain.push((fold_of(name), passed)),
                        None => passed += 1,
                    }
                }
                own[chain[chain.len() - 1].0] += weight;
                let stands: BTreeSet<usize> = chain.iter().map(|&(item, _)| item).collect();
                stands.into_iter().for_each(|item| totals[item] += weight);
                let pairs: BTreeSet<_> = chain.windows(2).map(|pair| (pair[0].0, pair[1].0)).collect();
                pairs.into_iter().for_each(|pair| edges.entry(pair).or_default().0 += weight);
                for pair in chain.windows(2) {
                    let elided = &mut edges.entry((pair[0].0, pair[1].0)).or_default().1;
                    *elided = pair[1].1.max(*elided);
                }
            }
            assert_eq!(picture.items.iter().map(|item| item.self_value).collect::<Vec<_>>(), own);
            assert_eq!(picture.items.iter().map(|item| item.total).collect::<Vec<_>>(), totals);
            let drawn: BTreeMap<_, _> =
                picture.edges.iter().map(|edge| ((edge.from, edge.to), (edge.weight, edge.elided))).collect();
            assert_eq!(drawn, edges);
        }
    }
}

#[test]
fn the_same_source_gives_the_same_picture() {
    for (stacks, made) in programs() {
        for settings in settings() {
            assert_eq!(made.picture(&settings), Made::of(&stacks).picture(&settings));
        }
    }
}

#[test]
fn lines_follow_the_ranks_and_backs_run_against_them() {
    for (_, made) in programs() {
        for settings in settings() {
            let picture = made.picture(&settings);
            for edge in &picture.edges {
                let (from, to) = (&picture.items[edge.from], &picture.items[edge.to]);
                match edge.kind {
                    EdgeKind::Line => assert!(from.rank < to.rank, "{} -> {}", from.name, to.name),
                    EdgeKind::Back => assert!(from.rank > to.rank, "{} -> {}", from.name, to.name),
                    EdgeKind::Pip | EdgeKind::Faint => assert!(edge.bends.is_empty()),
                }
                if !edge.bends.is_empty() {
                    assert_eq!(edge.bends.len(), from.rank.abs_diff(to.rank) - 1);
                }
            }
        }
    }
}

#[test]
fn folds_are_leaves() {
    for (_, made) in programs() {
        for settings in settings() {
            let picture = made.picture(&settings);
            assert!(picture.edges.iter().all(|edge| picture.items[edge.from].kind == ItemKind::Function));
        }
    }
}

#[test]
fn areas_stand_in_the_ratio_of_self_wherever_an_item_lies() {
    for (_, made) in programs() {
        let picture = made.picture(&Settings::default());
        let greatest = picture.items.iter().max_by_key(|item| item.self_value).expect("an item");
        let scale = greatest.radius / (greatest.self_value as f64).sqrt();
        for item in &picture.items {
            let expected = (scale * (item.self_value as f64).sqrt()).max(4.5);
            // Both radii are rounded to a tenth of a pixel.
            assert!((item.radius - expected).abs() <= 0.11, "{}: {} for {expected}", item.name, item.radius);
        }
    }
}

#[test]
fn no_circle_overlaps_another_or_the_edge_of_the_window() {
    for (_, made) in programs() {
        for settings in settings() {
            let picture = made.picture(&settings);
            for (number, item) in picture.items.iter().enumerate() {
                let Item { x, y, radius, .. } = *item;
                assert!(x >= radius && x <= settings.width - radius, "{}: {x}", item.name);
                assert!(y >= radius && y <= settings.height - radius, "{}: {y}", item.name);
                for other in &picture.items[..number] {
                    let distance = (x - other.x).hypot(y - other.y);
                    // Places and radii are rounded to a tenth of a pixel.
                    assert!(distance >= radius + other.radius - 0.25, "{} and {}: {distance}", item.name, other.name);
                }
            }
        }
    }
}

/// Every function calls four others, and has next to nothing itself: so many in each rank that no column holds them.
fn tree_of_fours(functions: usize) -> Stacks {
    let name = |function: usize| format!("crate{}::module{}::work_{function}", function % 9, function % 31);
    let stack = |function: usize| {
        let callers = std::iter::successors(Some(function), |&at| at.checked_sub(1).map(|at| at / 4));
        let mut stack: Vec<String> = callers.map(name).collect();
        stack.reverse();
        stack
    };
    (0..functions).map(|function| (stack(function), 1 + function as i64 * 7 % 50)).collect()
}

#[test]
fn a_wide_tree_uses_the_window_overlaps_nowhere_and_has_the_callees_of_one_function_beside_each_other() {
    let made = Made::of(&tree_of_fours(5000));
    for (width, height) in [(1600.0, 1000.0), (1576.0, 758.0)] {
        let picture = made.picture(&Settings { width, height, ..Settings::default() });
        let ranked: Vec<&Item> = picture.items.iter().filter(|item| !item.strip).collect();
        assert!(ranked.len() > 70);
        for (number, item) in picture.items.iter().enumerate() {
            for other in &picture.items[..number] {
                let distance = (item.x - other.x).hypot(item.y - other.y);
                // Places and radii are rounded to a tenth of a pixel.
                assert!(distance >= item.radius + other.radius - 0.25, "{} and {}", item.name, other.name);
            }
        }
        let extent = |places: &dyn Fn(&Item) -> f64| {
            let places = ranked.iter().map(|item| places(item));
            places.clone().fold(f64::MIN, f64::max) - places.fold(f64::MAX, f64::min)
        };
        assert!(extent(&|item| item.x) >= 0.8 * width, "{}", extent(&|item| item.x));
        for caller in 0..picture.items.len() {
            let ranks = picture.edges.iter().filter(|edge| edge.from == caller && edge.kind == EdgeKind::Line);
            let ranks: Vec<usize> = ranks.map(|edge| picture.items[edge.to].rank).collect();
            let (first, last) = (ranks.iter().min(), ranks.iter().max());
            // A crowded layer has four columns at most.
            assert!(last.zip(first).is_none_or(|(last, first)| last - first < 4), "{}", picture.items[caller].name);
        }
        // All folds in one row, below everything else.
        let strip: Vec<&Item> = picture.items.iter().filter(|item| item.strip).collect();
        assert!(strip.len() >= 9 && strip.iter().all(|item| item.y == strip[0].y));
        assert!(strip.iter().all(|item| ranked.iter().all(|other| other.y + other.radius < item.y - item.radius)));
    }
}

#[test]
fn calls_point_forward() {
    for (_, made) in programs() {
        for (direction, items) in [(Direction::Right, 90), (Direction::Down, 90), (Direction::Right, 40)] {
            let picture = made.picture(&Settings { items, direction, ..Settings::default() });
            let (mut forward, mut all) = (0, 0);
            for edge in picture.edges.iter().filter(|edge| edge.from != edge.to) {
                let (from, to) = (&picture.items[edge.from], &picture.items[edge.to]);
                let points_forward = match direction {
                    Direction::Down => to.y > from.y,
                    _ => to.strip || to.x > from.x,
                };
                forward += if points_forward { edge.weight } else { 0 };
                all += edge.weight;
            }
            assert!(forward as f64 >= 0.88 * all as f64, "{forward} of {all}");
        }
    }
}

#[test]
fn opening_a_fold_shows_its_heaviest_members() {
    let made = Made::of(&program(400, 9000, 4));
    let closed = made.picture(&Settings { items: 30, ..Settings::default() });
    let fold = closed.items.iter().find(|item| item.kind == ItemKind::Fold && item.members > 20).expect("a big fold");
    let open = made.picture(&Settings { items: 30, open: vec![fold.id], ..Settings::default() });
    assert_eq!(open.shown.self_value + open.folded.self_value, open.total);
    assert!(open.shown.functions >= closed.shown.functions + 12);
    let still_shown: BTreeSet<u64> = open.items.iter().map(|item| item.id).collect();
    let functions = closed.items.iter().filter(|item| item.kind == ItemKind::Function);
    assert!(functions.clone().all(|item| still_shown.contains(&item.id)));
    let rest = open.items.iter().find(|item| item.id == fold.id).expect("what is left of the fold");
    assert!(rest.self_value < fold.self_value && rest.members < fold.members);
}

#[test]
fn closing_a_crate_or_a_module_makes_one_fold_of_it_and_loses_nothing() {
    let made = Made::of(&program(150, 4000, 3));
    let open = made.picture(&Settings::default());
    let shown = open.items.iter().find(|item| item.kind == ItemKind::Function && item.module != item.krate);
    let Item { krate, module, .. } = shown.expect("a function in a module").clone();
    for (closed, is_in) in [
        (Closed::Crate(krate.clone()), &(|item: &Item| item.krate == krate) as &dyn Fn(&Item) -> bool),
        (Closed::Module(module.clone()), &|item: &Item| item.module == module),
    ] {
        let settings = Settings { close: vec![closed], ..Settings::default() };
        let picture = made.picture(&settings);
        let inside: Vec<&Item> = picture.items.iter().filter(|item| is_in(item)).collect();
        assert!(matches!(inside[..], [Item { kind: ItemKind::Fold, .. }]), "{inside:?}");
        assert_eq!(picture.shown.self_value + picture.folded.self_value, open.total);
        assert_eq!(picture.shown.functions + picture.folded.functions, open.functions);
    }
}

#[test]
fn splits_are_those_of_their_definition_with_recursion_and_hidden_frames() {
    let stacks = program(60, 2000, 2);
    let made = Made::of(&stacks);
    let settings = Settings { items: 12, ..Settings::default() };
    let picture = made.picture(&settings);
    for item in picture.items.iter().filter(|item| item.kind == ItemKind::Function) {
        let found = split(made.source(), &settings, item.id).expect("an item");
        // The samples in whose stack it stands, alone: their picture's edges are the split.
        let kept: Stacks = stacks.iter().filter(|(stack, _)| stack.contains(&item.name)).cloned().collect();
        assert_eq!(found.total, kept.iter().map(|(_, weight)| weight).sum::<i64>());
        let mut expected: BTreeMap<(usize, usize), i64> = BTreeMap::new();
        let place = |name: &str| picture.items.iter().position(|item| item.name == name);
        for (stack, weight) in &kept {
            let shown: Vec<usize> = stack.iter().filter_map(|name| place(name)).collect();
            let pairs: BTreeSet<_> = shown.windows(2).map(|pair| (pair[0], pair[1])).collect();
            pairs.into_iter().for_each(|pair| *expected.entry(pair).or_default() += weight);
        }
        let between_functions = found.edges.iter().map(|&(number, weight)| (&picture.edges[number], weight));
        let found: BTreeMap<(usize, usize), i64> = between_functions
            .filter(|(edge, _)| picture.items[edge.to].kind == ItemKind::Function)
            .map(|(edge, weight)| ((edge.from, edge.to), weight))
            .collect();
        assert_eq!(found, expected, "{}", item.name);
    }
}

#[test]
fn an_item_splits_the_edges_by_the_samples_in_which_it_stands() {
    let stacks: Stacks = [("main a c", 5), ("main b c", 3), ("main a c a c", 7), ("main b", 1)]
        .into_iter()
        .map(|(stack, weight)| (stack.split(' ').map(str::to_owned).collect(), weight))
        .collect();
    let made = Made::of(&stacks);
    let settings = Settings::default();
    let picture = made.picture(&settings);
    let item = |name: &str| picture.items.iter().find(|item| item.name == name).expect("an item").id;
    let named = |name: &str| {
        let Split { total, edges } = split(made.source(), &settings, item(name)).expect("an item");
        let mut edges: Vec<_> = (edges.into_iter())
            .map(|(number, weight)| {
                let edge = &picture.edges[number];
                (format!("{} {}", picture.items[edge.from].name, picture.items[edge.to].name), weight)
            })
            .collect();
        edges.sort();
        (total, edges)
    };
    let expected =
        |edges: &[(&str, i64)]| edges.iter().map(|&(edge, weight)| (edge.to_owned(), weight)).collect::<Vec<_>>();
    assert_eq!(named("a"), (12, expected(&[("a c", 12), ("c a", 7), ("main a", 12)])));
    assert_eq!(named("b"), (4, expected(&[("b c", 3), ("main b", 4)])));
    assert_eq!(split(made.source(), &settings, 1), None);
}

#[test]
fn a_callee_of_many_goes_to_the_strip_and_keeps_its_weight() {
    let stacks: Stacks =
        (0..8).map(|caller| (vec!["main".to_owned(), format!("caller_{caller}"), "malloc".to_owned()], 10)).collect();
    let picture = Made::of(&stacks).picture(&Settings::default());
    let hub = picture.items.iter().position(|item| item.name == "malloc").expect("the hub");
    assert!(picture.items[hub].strip);
    let marks: Vec<_> = picture.edges.iter().filter(|edge| edge.to == hub).collect();
    assert!(marks.iter().all(|edge| edge.kind == EdgeKind::Pip));
    assert_eq!(marks.iter().map(|edge| edge.weight).sum::<i64>(), 80);
}

#[test]
fn a_deep_chain_becomes_one_edge_that_says_how_long_it_is() {
    let chain = (0..60).map(|depth| format!("runtime::step_{depth}"));
    let stack: Vec<String> = std::iter::once("main".to_owned()).chain(chain).collect();
    let ends = ["left", "right"].map(|leaf| (stack.iter().cloned().chain([leaf.to_owned()]).collect(), 50));
    let picture = Made::of(&ends.to_vec()).picture(&Settings::default());
    let deepest = picture.items.iter().map(|item| item.rank).max().expect("items");
    assert!(deepest <= 4, "{deepest} ranks");
    let elided: usize = picture.edges.iter().map(|edge| edge.elided).sum();
    let shown = picture.items.iter().filter(|item| item.name.starts_with("runtime")).count();
    assert_eq!(elided + shown, 60);
}

#[test]
fn a_source_without_samples_gives_an_empty_picture() {
    let picture = Made::of(&Vec::new()).picture(&Settings::default());
    assert_eq!((picture.items.len(), picture.edges.len(), picture.total), (0, 0, 0));
}

#[test]
fn samples_without_any_frame_are_folded_into_other() {
    let made = Made::of(&vec![(vec!["main".to_owned()], 5)]);
    let tree = made.tree.reframed(made.tree.frames.clone(), |_, _| None);
    assert_eq!(tree.nodes.len(), 1, "only the root is left");
    let source = Source { tree: &tree, node_self: &[5], functions: &made.functions };
    let picture = picture(source, &Settings::default());
    assert_eq!((picture.total, picture.folded.self_value, picture.items.len()), (5, 5, 1));
    assert_eq!(picture.items[0].name, "other");
}

#[test]
fn a_group_keeps_its_colour_whatever_is_filtered_and_no_two_share_one_without_need() {
    let made = Made::of(&program(60, 300, 2));
    let colors = |node_self: &[i64]| -> BTreeMap<String, u8> {
        let source = Source { tree: &made.tree, node_self, functions: &made.functions };
        picture(source, &Settings::default()).groups.into_iter().map(|group| (group.name, group.color)).collect()
    };
    let all = colors(&made.node_self);
    // Every third node's samples alone.
    let some: Vec<i64> =
        made.node_self.iter().enumerate().map(|(at, own)| if at % 3 == 0 { *own } else { 0 }).collect();
    let few = colors(&some);
    assert!(few.len() > 3 && all.len() < 12, "{few:?}");
    assert!(few.iter().all(|(name, color)| all.get(name).is_none_or(|same| same == color)));
    let distinct: std::collections::BTreeSet<u8> = all.values().copied().collect();
    assert_eq!(distinct.len(), all.len(), "{all:?}");
}
