//! The shortest program with plop in it: sample a stretch of work, save the profile, print where the time went.
//!
//! Run with `cargo run --release --example attach`, then `cargo run --release -- busy.pb.gz`.

use std::time::{Duration, Instant};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let collector = plop_collector::start()?;
    let end = Instant::now() + Duration::from_secs(3);
    while Instant::now() < end {
        std::hint::black_box((1..2_000_000_u64).filter(|number| number.is_power_of_two()).count());
    }
    let profile = collector.stop()?;
    for edge in profile.call_edges().iter().take(10) {
        println!(
            "{:>6} samples: {} -> {}",
            edge.values[0],
            profile.frame_name(edge.caller),
            profile.frame_name(edge.callee)
        );
    }
    profile.save("busy.pb.gz")?;
    println!("saved to busy.pb.gz");
    Ok(())
}
