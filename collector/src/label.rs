//! Labels that a thread, or a future, puts itself under. A set of labels is a number, so that changing it is one store and
//! the handler can read it at any instruction; what the numbers mean is kept here, for the life of the process.

use std::any::Any;
use std::cell::Cell;
use std::future::Future;
use std::hash::BuildHasher;
use std::pin::Pin;
use std::sync::atomic::{Ordering, compiler_fence};
use std::sync::{PoisonError, RwLock};
use std::task::{Context, Poll};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use crate::fork;
use crate::signal::syscall;
use crate::signal::threads::Thread;
use crate::signal::zone::Zone;

/// How many sets of labels there can be. Beyond it, a new value counts as `[other]`.
const MAX_SETS: usize = 16 << 10;
/// How many more there can be for `[other]`; beyond that, a new label is left out.
const MAX_OTHER: usize = 1 << 10;
const OTHER: &str = "[other]";

/// All sets of labels that there ever were.
static SETS: RwLock<Sets> = RwLock::new(Sets { sets: Vec::new(), index: HashTable::new() });

/// Sets by number. Set 0 has no labels and is not stored; set n stands at n - 1.
struct Sets {
    sets: Vec<Set>,
    index: HashTable<u32>,
}

/// A set: one label more than its parent has.
struct Set {
    parent: u32,
    key: Box<str>,
    value: Box<str>,
}

/// Runs `run` with its samples on this thread labelled `key: value`, besides the labels that the thread is under already. Of
/// two with the same key the inner one holds.
///
/// Works whether a collector runs or not, so that one that starts meanwhile finds it. A program can use some 16,000 different
/// sets of labels; values beyond those stand as `[other]`.
///
/// # Panics
/// When `run` does; the label is taken off then, too.
pub fn label<R>(key: &str, value: &str, run: impl FnOnce() -> R) -> R {
    let _scope = Scope::enter(|parent| intern(parent, key, value));
    run()
}

/// Labels for futures.
pub trait WithLabel: Future + Sized {
    /// The future with its samples labelled `key: value`, on whichever threads it is polled. See [`label`].
    fn with_label(self, key: &str, value: &str) -> Labelled<Self> {
        Labelled { key: key.into(), value: value.into(), last: None, future: self }
    }
}

impl<F: Future> WithLabel for F {}

/// A future under a label; see [`WithLabel`].
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Labelled<F> {
    key: Box<str>,
    value: Box<str>,
    /// The set that the thread was under when this was polled last, and what that became with the label.
    last: Option<(u32, u32)>,
    future: F,
}

impl<F: Future> Future for Labelled<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        // SAFETY: nothing is moved out of what this gives: the future is pinned again below, the rest is never pinned.
        let this = unsafe { self.get_unchecked_mut() };
        let _scope = Scope::enter(|parent| match this.last {
            Some((of, set)) if of == parent => set,
            _ => {
                let set = intern(parent, &this.key, &this.value);
                this.last = Some((parent, set));
                set
            }
        });
        // SAFETY: the future lies in what is pinned, and is never moved.
        unsafe { Pin::new_unchecked(&mut this.future) }.poll(context)
    }
}

/// The time in which a thread is under a set of labels.
struct Scope {
    thread: Option<&'static Thread>,
    before: u32,
}

impl Scope {
    fn enter(set_of: impl FnOnce(u32) -> u32) -> Scope {
        let Some(thread) = own_entry() else { return Scope { thread: None, before: 0 } };
        let before = thread.label();
        thread.set_label(set_of(before));
        // What runs under the label stays behind the store: the handler on this thread is to see the one with the other.
        compiler_fence(Ordering::SeqCst);
        Scope { thread: Some(thread), before }
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        compiler_fence(Ordering::SeqCst);
        if let Some(thread) = self.thread {
            thread.set_label(self.before);
        }
    }
}

/// The calling thread's entry in the signal zone's table, unless there is no room.
fn own_entry() -> Option<&'static Thread> {
    thread_local! {
        /// With the number of forks before, since a child's threads have other entries.
        static ENTRY: Cell<Option<(u32, &'static Thread)>> = const { Cell::new(None) };
    }
    let forks = fork::count();
    if let Some((_, thread)) = ENTRY.get().filter(|&(at, _)| at == forks) {
        return Some(thread);
    }
    fork::hold_at_forks(hold);
    let threads = &Zone::map().ok()?.threads;
    let thread = threads.get(threads.claim(syscall::thread_id())?)?;
    ENTRY.set(Some((forks, thread)));
    Some(thread)
}

/// The number of the set that `parent` becomes with this label.
fn intern(parent: u32, key: &str, value: &str) -> u32 {
    let known = SETS.read().unwrap_or_else(PoisonError::into_inner).find(parent, key, value);
    known.unwrap_or_else(|| SETS.write().unwrap_or_else(PoisonError::into_inner).intern(parent, key, value))
}

/// The labels of a set, outermost first, each key once.
pub(crate) fn pairs(set: u32) -> Vec<(String, String)> {
    if set == 0 {
        return Vec::new();
    }
    SETS.read().unwrap_or_else(PoisonError::into_inner).pairs(set)
}

/// Keeps other threads from changing the sets until it is dropped, so that a child forked meanwhile finds them whole.
fn hold() -> Box<dyn Any> {
    Box::new(SETS.write().unwrap_or_else(PoisonError::into_inner))
}

impl Sets {
    fn find(&self, parent: u32, key: &str, value: &str) -> Option<u32> {
        let same = |&number: &u32| {
            let set = &self.sets[number as usize - 1];
            set.parent == parent && *set.key == *key && *set.value == *value
        };
        self.index.find(hash(parent, key, value), same).copied()
    }

    fn intern(&mut self, parent: u32, key: &str, value: &str) -> u32 {
        if let Some(known) = self.find(parent, key, value) {
            return known;
        }
        if self.sets.len() >= MAX_SETS + MAX_OTHER {
            return parent;
        }
        if self.sets.len() >= MAX_SETS && value != OTHER {
            return self.intern(parent, key, OTHER);
        }
        self.sets.push(Set { parent, key: key.into(), value: value.into() });
        let number = self.sets.len() as u32;
        let Sets { sets, index } = self;
        let hash_of = |&number: &u32| {
            let set = &sets[number as usize - 1];
            hash(set.parent, &set.key, &set.value)
        };
        index.insert_unique(hash(parent, key, value), number, hash_of);
        number
    }

    fn pairs(&self, mut set: u32) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> = Vec::new();
        while let Some(Set { parent, key, value }) = set.checked_sub(1).and_then(|at| self.sets.get(at as usize)) {
            if pairs.iter().all(|(inner, _)| **inner != **key) {
                pairs.push((key.to_string(), value.to_string()));
            }
            set = *parent;
        }
        pairs.reverse();
        pairs
    }
}

fn hash(parent: u32, key: &str, value: &str) -> u64 {
    FxBuildHasher.hash_one((parent, key, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sets() -> Sets {
        Sets { sets: Vec::new(), index: HashTable::new() }
    }

    fn texts(pairs: &[(String, String)]) -> Vec<(&str, &str)> {
        pairs.iter().map(|(key, value)| (&**key, &**value)).collect()
    }

    #[test]
    fn a_set_has_its_parent_s_labels_and_its_own_which_wins() {
        let mut sets = sets();
        let outer = sets.intern(0, "route", "/users");
        let nested = sets.intern(outer, "user", "7");
        let again = sets.intern(nested, "route", "/admin");
        assert_eq!(sets.intern(0, "route", "/users"), outer);
        assert_eq!(texts(&sets.pairs(nested)), [("route", "/users"), ("user", "7")]);
        assert_eq!(texts(&sets.pairs(again)), [("user", "7"), ("route", "/admin")]);
        assert!(sets.pairs(0).is_empty());
    }

    #[test]
    fn values_without_end_make_sets_with_an_end() {
        let mut sets = sets();
        let last = (0..3 * MAX_SETS).map(|n| sets.intern(0, "user", &n.to_string())).last();
        assert_eq!(texts(&sets.pairs(last.expect("there were some"))), [("user", "[other]")]);
        let deepest = (0..2 * MAX_OTHER).fold(0, |parent, n| sets.intern(parent, &n.to_string(), "x"));
        assert!(sets.pairs(deepest).len() <= MAX_OTHER);
        assert!(sets.sets.len() <= MAX_SETS + MAX_OTHER);
    }

    #[test]
    fn a_label_is_taken_off_when_its_scope_ends_by_a_panic() {
        let entry = own_entry().expect("the table has room");
        label("outer", "1", || {
            let outer = entry.label();
            let panicked = std::panic::catch_unwind(|| label("inner", "2", || panic!("as the test wants")));
            assert!(panicked.is_err());
            assert_eq!(entry.label(), outer);
        });
        assert_eq!(entry.label(), 0);
    }
}
