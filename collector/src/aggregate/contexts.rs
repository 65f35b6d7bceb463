//! Who was sampled and under which labels, as label sets of the profile: a thread's name, its tid, and what it has put itself
//! under. However many threads and labels there are, the sets are bounded.

use std::time::{Duration, Instant};

use plop_profile::{Label, LabelSetId, LabelValue, Profile, StringId, Strings};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::engine::wall::Place;
use crate::label;
use crate::tasks;

/// How many threads get a label of their own; those beyond are told apart by name only, so that a program that starts
/// threads without end does not make label sets without end.
pub(super) const MAX_TIDS: usize = 4096;
/// How many label sets there are before threads are no longer told apart by tid within one label, and before labels are left
/// out: the product of threads and labels is bounded, too.
pub(super) const MAX_SETS_WITH_TID: usize = 16 << 10;
const MAX_SETS: usize = 48 << 10;
/// How old what is known of a thread's name may be while the thread is being sampled: an eighth of the time for which it has had
/// the name, within these bounds. Threads are named when they begin, nearly all of them.
const LEAST_NAME_AGE: Duration = Duration::from_secs(1);
const MOST_NAME_AGE: Duration = Duration::from_secs(8);

pub(super) struct Contexts {
    thread_key: StringId,
    tid_key: StringId,
    threads: FxHashMap<u32, Thread>,
    /// By tid and label.
    sets: FxHashMap<(u32, u32), LabelSetId>,
    /// Those that have a label of their own.
    tids: FxHashSet<u32>,
}

struct Thread {
    name: StringId,
    /// Since when it is known to have that name, and when that was last looked up.
    named_at: Instant,
    read_at: Instant,
    /// Where it was sampled last.
    last: Option<Place>,
}

impl Thread {
    /// How old its name may be.
    fn name_age(&self) -> Duration {
        ((self.read_at - self.named_at) / 8).clamp(LEAST_NAME_AGE, MOST_NAME_AGE)
    }
}

impl Contexts {
    pub(super) fn new(strings: &mut Strings) -> Contexts {
        Contexts {
            thread_key: strings.intern("thread"),
            tid_key: strings.intern("tid"),
            threads: FxHashMap::default(),
            sets: FxHashMap::default(),
            tids: FxHashSet::default(),
        }
    }

    /// The label set of a thread under the label that it has put itself under, at that time if samples are kept apart by it.
    /// `first_name` is the thread's name as it was first sampled, for a thread that is gone by now.
    pub(super) fn set_of(
        &mut self,
        (tid, label): (u32, u32),
        time: Option<Label>,
        first_name: impl FnOnce() -> Option<String>,
        profile: &mut Profile,
    ) -> LabelSetId {
        self.refresh_name(tid, first_name, &mut profile.strings);
        self.known_set_of((tid, label), time, profile)
    }

    /// The same of a thread that may be gone, by the name that it is known by: its tid may be another's by now.
    pub(super) fn known_set_of(
        &mut self,
        (tid, label): (u32, u32),
        time: Option<Label>,
        profile: &mut Profile,
    ) -> LabelSetId {
        if let Some(&known) = self.sets.get(&(tid, label)) {
            return known;
        }
        let count = profile.label_sets.len();
        if count >= MAX_SETS {
            return profile.label_sets.intern(time.as_slice());
        }
        let mut labels = Vec::new();
        if let Some(thread) = self.threads.get(&tid) {
            labels.push(self.thread_label(thread.name));
        }
        if count < MAX_SETS_WITH_TID && (self.tids.len() < MAX_TIDS || self.tids.contains(&tid)) {
            self.tids.insert(tid);
            labels.push(Label { key: self.tid_key, value: LabelValue::Number(i64::from(tid), StringId::EMPTY) });
        }
        for (key, value) in label::pairs(label) {
            let strings = &mut profile.strings;
            labels.push(Label { key: strings.intern(&key), value: LabelValue::Text(strings.intern(&value)) });
        }
        labels.extend(time);
        let set = profile.label_sets.intern(&labels);
        if self.sets.len() >= MAX_SETS {
            self.sets.clear();
        }
        self.sets.insert((tid, label), set);
        set
    }

    /// The label of a thread's name.
    pub(super) fn thread_label(&self, name: StringId) -> Label {
        Label { key: self.thread_key, value: LabelValue::Text(name) }
    }

    fn refresh_name(&mut self, tid: u32, first_name: impl FnOnce() -> Option<String>, strings: &mut Strings) {
        let now = Instant::now();
        let known = self.threads.get_mut(&tid);
        if known.as_ref().is_some_and(|thread| now - thread.read_at < thread.name_age()) {
            return;
        }
        let Some(name) = tasks::name(tid).or_else(|| if known.is_none() { first_name() } else { None }) else { return };
        let name = strings.intern(&name);
        let (named_at, last) = match known {
            Some(thread) if thread.name == name => (thread.named_at, thread.last),
            Some(thread) => (now, thread.last),
            None => (now, None),
        };
        if self.threads.insert(tid, Thread { name, named_at, read_at: now, last }).is_none_or(|old| old.name != name) {
            self.sets.retain(|&(of, _), _| of != tid);
        }
    }

    /// Notes where a thread was sampled last.
    pub(super) fn note(&mut self, place: Place) {
        if let Some(thread) = self.threads.get_mut(&place.tid) {
            thread.last = Some(place);
        }
    }

    /// Where a thread was sampled last.
    pub(super) fn last(&self, tid: u32) -> Option<Place> {
        self.threads.get(&tid)?.last
    }

    /// Forgets a thread that is gone: its tid may come back as another's.
    pub(super) fn forget_thread(&mut self, tid: u32) {
        if self.threads.remove(&tid).is_some() {
            self.sets.retain(|&(of, _), _| of != tid);
        }
    }

    /// Forgets which sets there are: time has gone on, or the profile has others now.
    pub(super) fn forget_sets(&mut self) {
        self.sets.clear();
    }

    #[cfg(test)]
    pub(super) fn knows_no_set(&self) -> bool {
        self.sets.is_empty()
    }
}
