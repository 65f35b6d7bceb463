//! The hazard that is the collector itself: started and stopped by several threads at once, every profile checked.

use std::path::Path;

use plop_collector::Builder;
use plop_profile::Profile;

use super::Course;

/// Three threads that each try to start the collector, let it run for a little CPU time, stop it, and read its file.
pub fn start_and_stop(course: &Course, builder: &Builder, folder: &Path) {
    std::thread::scope(|scope| {
        for thread in 0..3_u64 {
            scope.spawn(move || {
                while course.goes_on() {
                    let path = folder.join(format!("{thread}.pb.gz"));
                    // One of the three gets it, the others are told so.
                    let Ok(collector) = builder.clone().output(&path).start() else {
                        std::thread::yield_now();
                        continue;
                    };
                    let rounds = 2_000_000 * (1 + thread);
                    std::hint::black_box((0..rounds).fold(0_u64, |sum, n| sum.rotate_left(3) ^ n));
                    let profile = collector.stop().expect("a running collector stops");
                    let saved = Profile::load(&path).expect("a stopped collector leaves a whole profile");
                    assert_eq!(saved.total(0), profile.total(0), "the file holds what stop gave");
                }
            });
        }
    });
}
