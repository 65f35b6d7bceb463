//! Labels: samples stand under the labels of the scope, or of the future, that they were taken in, and under no others.

mod work;

use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use plop_collector::{Collector, WithLabel, label};
use plop_profile::{LabelValue, Profile};
use work::{multiply, rotate, spend};

const TURN: Duration = Duration::from_millis(5);

/// CPU time of samples whose text labels, thread names aside, are exactly these.
fn under(profile: &Profile, wanted: &[(&str, &str)]) -> Duration {
    let matching = profile.samples.iter().filter(|sample| {
        let labels = profile.label_sets.get(sample.labels).iter().filter_map(|label| match label.value {
            LabelValue::Text(text) => Some((&profile.strings[label.key], &profile.strings[text])),
            LabelValue::Number(..) => None,
        });
        labels.filter(|&(key, _)| key != "thread").eq(wanted.iter().copied())
    });
    Duration::from_nanos(matching.map(|sample| sample.values[1]).sum::<i64>() as u64)
}

/// Ready when it has been polled that often.
async fn polled(times: u32) {
    let mut left = times;
    std::future::poll_fn(|_| {
        spend(TURN, rotate);
        left -= 1;
        if left == 0 { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

#[test]
fn samples_stand_under_the_labels_of_their_scope_or_future() {
    let collector = Collector::builder().interval(Duration::from_millis(1)).start().expect("nothing else runs");
    let thread = std::thread::spawn(|| {
        for _ in 0..40 {
            label("side", "left", || spend(TURN, multiply));
        }
    });
    for _ in 0..40 {
        label("side", "right", || {
            spend(TURN, multiply);
            label("depth", "two", || spend(TURN, rotate));
        });
    }
    thread.join().expect("it does not panic");
    // Two futures in turns, one of them moved to another thread half way.
    let mut context = Context::from_waker(Waker::noop());
    let mut one = Box::pin(polled(40).with_label("future", "one").with_label("layer", "outer"));
    let mut two = pin!(polled(40).with_label("future", "two"));
    for _ in 0..20 {
        assert!(one.as_mut().poll(&mut context).is_pending());
        assert!(two.as_mut().poll(&mut context).is_pending());
    }
    let moved = std::thread::spawn(move || {
        let mut context = Context::from_waker(Waker::noop());
        while one.as_mut().poll(&mut context).is_pending() {}
    });
    while two.as_mut().poll(&mut context).is_pending() {}
    moved.join().expect("it does not panic");
    let profile = collector.stop().expect("there is no output that could fail");

    let turns = 40 * TURN;
    for (labels, what) in [
        (&[("side", "left")][..], "a scope"),
        (&[("side", "right")], "a scope on another thread"),
        (&[("side", "right"), ("depth", "two")], "a nested scope"),
        (&[("layer", "outer"), ("future", "one")], "a future"),
        (&[("future", "two")], "another future"),
    ] {
        let found = under(&profile, labels);
        // 200 ms in turns of 5 ms, each a little longer than wanted (a turn ends with a whole call of the work, up to 1 ms in
        // a debug build); a tick of 4 ms misplaces at most what lies around the turns' ends, which evens out.
        assert!(found > turns * 7 / 10 && found < turns * 14 / 10, "{what}: {found:?} of {turns:?}");
    }
}
