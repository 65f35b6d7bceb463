//! Ranks: callers before callees. Knows nothing of items but their edges.

use std::cmp::Reverse;

/// An edge: caller, callee, weight.
pub(super) type Call = (usize, usize, i64);

/// Beyond so many edges cycles are broken by depth-first search, in linear time.
const FEW_EDGES: usize = 3000;

/// The rank of each vertex and, by edge, whether it runs against the ranks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranks {
    pub(super) ranks: Vec<usize>,
    pub(super) back: Vec<bool>,
}

/// Ranks a graph without edges from a vertex to itself. Cycles are broken where they weigh least; each vertex comes as
/// near to its callers and callees as the edges allow.
pub(super) fn rank(vertices: usize, calls: &[Call]) -> Ranks {
    let mut by_weight: Vec<usize> = (0..calls.len()).collect();
    by_weight.sort_by_key(|&edge| (Reverse(calls[edge].2), calls[edge].0, calls[edge].1));
    let back = if calls.len() <= FEW_EDGES {
        lightest_back(vertices, calls, &by_weight)
    } else {
        searched_back(vertices, calls, &by_weight)
    };
    let (mut into, mut out) = (vec![Vec::new(); vertices], vec![Vec::new(); vertices]);
    for edge in (0..calls.len()).filter(|&edge| !back[edge]) {
        out[calls[edge].0].push(edge);
        into[calls[edge].1].push(edge);
    }
    let order = topological(&into, &out, calls);
    let mut ranks = vec![0; vertices];
    for &vertex in &order {
        ranks[vertex] = into[vertex].iter().map(|&edge| ranks[calls[edge].0] + 1).max().unwrap_or(0);
    }
    tighten(&mut ranks, &order, &into, &out, calls);
    Ranks { ranks, back }
}

/// Adds the edges heaviest first; those that would close a cycle run back.
fn lightest_back(vertices: usize, calls: &[Call], by_weight: &[usize]) -> Vec<bool> {
    let mut back = vec![false; calls.len()];
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); vertices];
    let (mut seen, mut stamp) = (vec![0_usize; vertices], 0);
    let mut stack = Vec::new();
    for &edge in by_weight {
        let (caller, callee, _) = calls[edge];
        stamp += 1;
        stack.clear();
        stack.push(callee);
        while let Some(vertex) = stack.pop() {
            if vertex == caller {
                back[edge] = true;
                break;
            }
            if std::mem::replace(&mut seen[vertex], stamp) != stamp {
                stack.extend(out[vertex].iter().copied());
            }
        }
        if !back[edge] {
            out[caller].push(callee);
        }
    }
    back
}

/// Searches depth first, heaviest edges first, from the outermost callers; edges to a vertex that is still open run back.
fn searched_back(vertices: usize, calls: &[Call], by_weight: &[usize]) -> Vec<bool> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); vertices];
    let mut called = vec![false; vertices];
    for &edge in by_weight {
        out[calls[edge].0].push(edge);
        called[calls[edge].1] = true;
    }
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; vertices];
    let mut back = vec![false; calls.len()];
    let starts = (0..vertices).filter(|&vertex| !called[vertex]).chain(by_weight.iter().map(|&edge| calls[edge].0));
    for start in starts {
        if states[start] != State::New {
            continue;
        }
        states[start] = State::Open;
        let mut stack = vec![(start, 0)];
        while let Some((vertex, next)) = stack.last_mut() {
            let Some(&edge) = out[*vertex].get(*next) else {
                states[*vertex] = State::Done;
                stack.pop();
                continue;
            };
            *next += 1;
            let callee = calls[edge].1;
            match states[callee] {
                State::New => {
                    states[callee] = State::Open;
                    stack.push((callee, 0));
                }
                State::Open => back[edge] = true,
                State::Done => {}
            }
        }
    }
    back
}

fn topological(into: &[Vec<usize>], out: &[Vec<usize>], calls: &[Call]) -> Vec<usize> {
    let mut waiting: Vec<usize> = into.iter().map(Vec::len).collect();
    let mut order: Vec<usize> = (0..into.len()).filter(|&vertex| waiting[vertex] == 0).collect();
    let mut next = 0;
    while let Some(&vertex) = order.get(next) {
        next += 1;
        for &edge in &out[vertex] {
            let callee = calls[edge].1;
            waiting[callee] -= 1;
            if waiting[callee] == 0 {
                order.push(callee);
            }
        }
    }
    order
}

/// Moves each vertex within its slack to where its edges are shortest: towards its callees where they weigh more than its
/// callers by a margin: a caller with all its callees deep. The ranks of the longest path stay valid after each move.
fn tighten(ranks: &mut [usize], order: &[usize], into: &[Vec<usize>], out: &[Vec<usize>], calls: &[Call]) {
    let cost = |edges: &[usize]| -> f64 { edges.iter().map(|&edge| calls[edge].2.max(0) as f64).sum() };
    for _ in 0..4 {
        for &vertex in order.iter().rev() {
            let latest = out[vertex].iter().map(|&edge| ranks[calls[edge].1]).min();
            if let Some(latest) = latest
                && cost(&out[vertex]) > 1.5 * cost(&into[vertex])
            {
                ranks[vertex] = latest - 1;
            }
        }
        for &vertex in order {
            let earliest = into[vertex].iter().map(|&edge| ranks[calls[edge].0] + 1).max();
            if let Some(earliest) = earliest
                && 1.5 * cost(&into[vertex]) >= cost(&out[vertex])
            {
                ranks[vertex] = earliest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cycle_is_broken_where_it_weighs_least() {
        let Ranks { ranks, back } = rank(3, &[(0, 1, 10), (1, 2, 9), (2, 0, 3)]);
        assert_eq!((ranks, back), (vec![0, 1, 2], vec![false, false, true]));
    }

    #[test]
    fn a_caller_of_deep_functions_alone_stands_next_to_them() {
        let Ranks { ranks, .. } = rank(5, &[(0, 1, 9), (1, 2, 9), (2, 3, 9), (4, 3, 1)]);
        assert_eq!(ranks, [0, 1, 2, 3, 2]);
    }

    #[test]
    fn very_many_edges_are_ranked_too() {
        let calls: Vec<Call> =
            (0..5000).map(|edge| (edge % 1000, (edge * 7 + 1) % 1000, 1 + edge as i64 % 13)).collect();
        let calls: Vec<Call> = calls.into_iter().filter(|(caller, callee, _)| caller != callee).collect();
        let Ranks { ranks, back } = rank(1000, &calls);
        for (&(caller, callee, _), back) in calls.iter().zip(back) {
            assert!(back || ranks[caller] < ranks[callee]);
        }
    }
}
