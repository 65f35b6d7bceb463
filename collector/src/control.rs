//! The collector's own thread: takes samples out of the buffer, looks after timers and tables, answers snapshots, and
//! flushes. Everything that a session holds lives here and ends here.

use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use nix::time::{ClockId, clock_gettime};
use plop_profile::{Profile, SelfCheck};

use crate::Error;
use crate::aggregate::Aggregate;
use crate::engine::cpu_timers::CpuTimers;
use crate::engine::wall::{Place, Wall};
use crate::engine::{Census, Engine};
use crate::fork::Claim;
use crate::output::Output;
use crate::published::Published;
use crate::signal::clock;
use crate::signal::handler::ASKED_WEIGHT;
use crate::signal::zone::Zone;
use crate::signal_owner;

/// The longest pause between two looks into the buffer: [`PERIODS_OF_NAP`], within these bounds.
const LONGEST_NAP: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_millis(200);
/// At 100 Hz the samples of 18 busy processors with stacks of 40 frames fill an eighth of the buffer in 200 ms; when there are
/// more, the pauses get shorter.
const PERIODS_OF_NAP: u32 = 20;
/// Short, so that the first threads' stacks are found soon.
const FIRST_NAP: Duration = Duration::from_millis(10);
const SHORTEST_NAP: Duration = Duration::from_millis(1);
/// How often libraries are looked for.
const REFRESH: Duration = Duration::from_millis(200);
/// How long new addresses wait for their names to be looked up together, which costs little more than to look up one: an eighth
/// of the time that sampling has gone on, within these bounds, the lower one also no more than the time between flushes.
const LEAST_NAMES_PAUSE: Duration = Duration::from_secs(1);
const MOST_NAMES_PAUSE: Duration = Duration::from_secs(10);
/// How long after the last new name the files that names come from are kept open.
const KEEP_FILES: Duration = Duration::from_secs(10);

/// What the thread can be asked for.
pub(crate) enum Command {
    Snapshot(Sender<Profile>),
    Stats(Sender<SelfCheck>),
    Stop(Sender<Result<Profile, Error>>),
}

/// What a session is started with.
pub(crate) struct Settings {
    pub(crate) interval: Duration,
    pub(crate) flush_every: Duration,
    /// Between two looks of the wall clock, if there is one.
    pub(crate) wall: Option<Duration>,
    pub(crate) perf_events: bool,
}

impl Settings {
    /// The longest pause between two looks into the buffer.
    fn longest_nap(&self) -> Duration {
        let (least, most) = LONGEST_NAP.into_inner();
        (self.interval * PERIODS_OF_NAP).clamp(least, most).min(self.flush_every).max(SHORTEST_NAP)
    }

    /// The signals that the session needs.
    pub(crate) fn signals(&self) -> impl Iterator<Item = Signal> + use<> {
        let both = self.wall.is_some() || self.perf_events;
        [Signal::SIGPROF].into_iter().chain(both.then_some(Signal::SIGURG))
    }
}

/// A session.
pub(crate) struct Control {
    zone: &'static Zone,
    engine: Option<Box<dyn Engine>>,
    wall: Option<Wall>,
    tables: Published,
    aggregate: Aggregate,
    output: Option<Output>,
    settings: Settings,
    figures: Figures,
    nap: Duration,
    tick_due: Instant,
    flush_due: Instant,
    refresh_due: Instant,
    begun: Instant,
    names_due: Instant,
    /// When names were last looked up, while the files that they come from are open.
    files_open_since: Option<Instant>,
    /// Dropped last: only then may another session start.
    _claim: Claim,
}

/// What the self-check is reckoned from.
struct Figures {
    process_cpu_at_start: Duration,
    /// The process's CPU time when sampling ended.
    process_cpu_at_end: Option<Duration>,
    /// Samples that stand for this thread's own CPU time.
    own_samples: u64,
    lost: u64,
    /// How many samples there were at the last flush: a program that does nothing writes nothing.
    flushed: u64,
    /// How often the samples had been put in a new order at the last flush.
    reordered: u32,
    /// Threads that could get no timer, and those that block the signal, when sampling ended.
    unarmed: u64,
    blocked: u64,
    ticks_at_start: u64,
    started: Instant,
}

impl Control {
    /// Gets everything ready but the timers.
    pub(crate) fn new(
        claim: Claim,
        zone: &'static Zone,
        settings: Settings,
        mut aggregate: Aggregate,
        output: Option<Output>,
    ) -> Self {
        let tables = Published::new(zone);
        if let Some(tables) = tables.current() {
            aggregate.set_mappings(tables.mappings());
        }
        let now = Instant::now();
        Control {
            zone,
            engine: None,
            wall: None,
            tables,
            aggregate,
            output,
            nap: FIRST_NAP,
            tick_due: now,
            flush_due: now + settings.flush_every,
            refresh_due: now + REFRESH,
            begun: now,
            names_due: now,
            files_open_since: None,
            figures: Figures {
                process_cpu_at_start: process_cpu(),
                process_cpu_at_end: None,
                own_samples: 0,
                lost: 0,
                flushed: 0,
                reordered: 0,
                unarmed: 0,
                blocked: 0,
                ticks_at_start: clock::ticks(),
                started: now,
            },
            settings,
            _claim: claim,
        }
    }

    /// Starts the timers, says how that went, and serves until it is told to stop or nobody can tell it any more.
    pub(crate) fn run(mut self, started: &Sender<Result<(), Error>>, commands: &Receiver<Command>) {
        if let Err(error) = self.begin_sampling() {
            drop(self);
            // If nobody waits for the answer any more, the session is over anyway.
            let _ = started.send(Err(error));
            return;
        }
        let _ = started.send(Ok(()));
        loop {
            // However often someone asks for something, the regular work is not put off.
            if Instant::now() >= self.tick_due {
                self.tick();
                self.tick_due = Instant::now() + self.nap;
            }
            let look_due = self.wall.as_ref().map_or(self.tick_due, Wall::due);
            if Instant::now() >= look_due {
                self.look();
            }
            let due = look_due.min(self.tick_due);
            match commands.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(Command::Snapshot(reply)) => {
                    let _ = reply.send(self.snapshot());
                }
                Ok(Command::Stats(reply)) => {
                    self.drain();
                    let _ = reply.send(self.self_check());
                }
                Ok(Command::Stop(reply)) => {
                    let result = self.finish();
                    drop(self);
                    let _ = reply.send(result);
                    return;
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let _ = self.finish();
                    return;
                }
            }
        }
    }

    fn begin_sampling(&mut self) -> Result<(), Error> {
        let Settings { interval, wall, perf_events, .. } = self.settings;
        self.zone.open(interval.as_nanos() as u64, !perf_events);
        self.figures.process_cpu_at_start = process_cpu();
        self.wall = wall.map(|interval| Wall::new(self.zone, interval)).transpose()?;
        self.engine = Some(CpuTimers::start(self.zone, interval, perf_events)?);
        Ok(())
    }

    /// Has the wall clock look at threads; before that, what they have answered since the last time.
    fn look(&mut self) {
        self.drain();
        if let Some(wall) = &mut self.wall {
            wall.look(|place, time| self.aggregate.add_wall(place, time));
        }
    }

    fn tick(&mut self) {
        self.drain();
        let now = Instant::now();
        if let Some(census) = self.engine.as_mut().and_then(|engine| engine.tend(now)) {
            self.settle(census);
        }
        if now >= self.refresh_due {
            self.refresh_due = now + REFRESH;
            self.refresh_tables();
        }
        if self.output.is_some() && now >= self.names_due && !self.aggregate.is_named() {
            // Bit by bit, so that the flush need not wait for it.
            self.files_open_since = Some(now);
            self.aggregate.name_some();
            if self.aggregate.is_named() {
                let least = LEAST_NAMES_PAUSE.min(self.settings.flush_every);
                self.names_due = now + ((now - self.begun) / 8).clamp(least, MOST_NAMES_PAUSE);
            }
        }
        if now >= self.flush_due {
            self.flush_due = now + self.settings.flush_every;
            self.flush();
        }
        if self.files_open_since.is_some_and(|since| now - since > KEEP_FILES) {
            self.aggregate.symbols().close_files();
            self.files_open_since = None;
        }
    }

    /// Counts what threads that are over used without a sample, and forgets those that are gone.
    fn settle(&mut self, Census { gone, late, stopped, used_by_others, sampled_of_living }: Census) {
        // What they have been sampled for is to be in the counts.
        self.drain();
        let interval = self.settings.interval;
        let used = (used_by_others + interval / 2).as_nanos() / interval.as_nanos();
        let sampled = self.aggregate.counts.samples.saturating_sub(self.figures.own_samples);
        // Samples that came since the census make this less than it is, so that it counts at the next one.
        let missing = (used as u64).saturating_sub(sampled.saturating_sub(sampled_of_living));
        self.aggregate.carry(gone.iter().chain(&stopped).copied(), missing);
        for tid in gone {
            self.aggregate.forget_thread(tid);
            if let Some(wall) = &mut self.wall {
                wall.forget_thread(tid);
            }
        }
        for (tid, used) in late {
            self.aggregate.owe(tid, used);
        }
    }

    /// Takes all samples out of the buffer, and comes back sooner if it has filled quickly.
    fn drain(&mut self) {
        self.aggregate.advance();
        let fill = self.zone.samples.fill();
        if fill > 1.0 / 8.0 {
            self.nap = (self.nap / 2).max(SHORTEST_NAP);
        } else if fill < 1.0 / 64.0 {
            self.nap = (self.nap * 2).min(self.settings.longest_nap());
        }
        let threads = &self.zone.threads;
        self.zone.samples.drain(|header, frames| {
            let first_name = || threads.get(threads.find(header.tid)?)?.name();
            if header.weight != ASKED_WEIGHT {
                self.aggregate.add(header, frames, Duration::ZERO, first_name);
            } else if let Some(wall) = &mut self.wall
                && let Some(time) = wall.answer(header.tid)
            {
                let stack = self.aggregate.add(header, frames, time, first_name);
                wall.found(Place { tid: header.tid, stack, label: header.label });
            }
        });
        // A statistic; the samples themselves are gone.
        let lost = self.zone.lost.load(Ordering::Relaxed);
        if lost > self.figures.lost {
            self.aggregate.add_lost(lost - self.figures.lost);
            self.figures.lost = lost;
        }
        if self.figures.process_cpu_at_end.is_none() {
            let own = (own_cpu().as_nanos() / self.settings.interval.as_nanos()) as u64;
            if own > self.figures.own_samples {
                self.aggregate.add_own(own - self.figures.own_samples);
                self.figures.own_samples = own;
            }
        }
    }

    fn refresh_tables(&mut self) {
        if !self.tables.refresh() {
            return;
        }
        // What was sampled before belongs to what was mapped before.
        self.drain();
        if let Some(tables) = self.tables.current() {
            self.aggregate.set_mappings(tables.mappings());
        }
    }

    /// Writes what is new to the file, if there is one.
    fn flush(&mut self) {
        let taken = self.settings.signals().find(|&signal| !signal_owner::is_ours(signal));
        if let Some(signal) = taken.filter(|_| self.engine.is_some()) {
            eprintln!("plop: sampling ends: {}", signal_owner::taken(signal));
            self.end_sampling();
        }
        let samples = self.aggregate.counts.samples;
        if self.output.is_none() || self.figures.flushed == samples {
            return;
        }
        self.refresh_tables();
        self.name_locations();
        let check = self.self_check();
        self.outdate_output();
        let profile = self.aggregate.profile();
        profile.set_self_check(check);
        if let Some(output) = &mut self.output
            && output.flush(profile)
        {
            self.figures.flushed = samples;
        }
    }

    /// Tells the output if what it has written does not fit the samples any more.
    fn outdate_output(&mut self) {
        let reordered = self.aggregate.reordered();
        if std::mem::replace(&mut self.figures.reordered, reordered) != reordered
            && let Some(output) = &mut self.output
        {
            output.outdate();
        }
    }

    fn snapshot(&mut self) -> Profile {
        self.drain();
        self.refresh_tables();
        self.name_locations();
        let check = self.self_check();
        let profile = self.aggregate.profile();
        profile.set_self_check(check);
        profile.clone()
    }

    /// Looks up what has no name yet, and keeps the buffer from filling meanwhile.
    fn name_locations(&mut self) {
        while !self.aggregate.is_named() {
            self.files_open_since = Some(Instant::now());
            self.aggregate.name_some();
            self.drain();
        }
    }

    /// Makes the samples cease and waits until the last one is in the buffer. Gives what threads have used by then.
    fn end_sampling(&mut self) -> Option<Census> {
        let mut engine = self.engine.take()?;
        self.zone.close();
        Published::wait_for_quiet(self.zone);
        // Before the timers go, so that it speaks of the time in which they ran.
        self.figures.process_cpu_at_end = Some(process_cpu());
        let census = engine.last_census();
        engine.stop();
        (self.figures.unarmed, self.figures.blocked) = self.gaps(&*engine);
        census
    }

    /// How many threads could get no timer, and how many block the signal.
    fn gaps(&self, engine: &dyn Engine) -> (u64, u64) {
        let blocked = engine.blocked().len();
        let besides = self.wall.as_ref().map_or(0, |wall| wall.blocked().difference(engine.blocked()).count());
        (engine.unarmed(), (blocked + besides) as u64)
    }

    /// Ends the session and gives its profile.
    fn finish(&mut self) -> Result<Profile, Error> {
        if let Some(census) = self.end_sampling() {
            self.settle(census);
        }
        self.drain();
        if let Some(wall) = &mut self.wall {
            wall.end(|place, time| self.aggregate.add_wall(place, time));
        }
        self.refresh_tables();
        self.name_locations();
        self.aggregate.symbols().close_files();
        let check = self.self_check();
        self.outdate_output();
        let profile = self.aggregate.profile();
        profile.set_self_check(check);
        let profile = std::mem::take(profile);
        match self.output.take().map_or(Ok(()), |output| output.finish(&profile)) {
            Ok(()) => Ok(profile),
            Err((path, source)) => Err(Error::Unwritten { path, source, profile: Box::new(profile) }),
        }
    }

    fn self_check(&self) -> SelfCheck {
        let counts = self.aggregate.counts;
        let at_end = (self.figures.unarmed, self.figures.blocked);
        let (unarmed, blocked) = self.engine.as_ref().map_or(at_end, |engine| self.gaps(&**engine));
        let wall = self.wall.as_ref().map(|wall| wall.figures).unwrap_or_default();
        let ticks = clock::ticks().wrapping_sub(self.figures.ticks_at_start).max(1);
        let ns_per_tick = self.figures.started.elapsed().as_nanos() as f64 / ticks as f64;
        let ns = |ticks: u64| (ticks as f64 * ns_per_tick) as u64;
        let time = &self.zone.handler_time;
        let process_cpu = self.figures.process_cpu_at_end.unwrap_or_else(process_cpu);
        let tables = self.tables.current().map_or(0, |tables| tables.memory_bytes());
        let output = self.output.as_ref().map_or(0, Output::memory_bytes);
        let mut check = SelfCheck::default();
        check.process_cpu_ns = process_cpu.saturating_sub(self.figures.process_cpu_at_start).as_nanos() as u64;
        check.sampled_cpu_ns = self.aggregate.sampled_cpu_ns();
        check.samples = counts.samples;
        check.lost = counts.lost;
        check.truncated = counts.truncated;
        check.folded = counts.folded;
        check.carried = counts.carried;
        check.unarmed_threads = unarmed;
        check.blocked_threads = blocked;
        check.handler_p50_ns = ns(time.quantile(0.5));
        check.handler_p99_ns = ns(time.quantile(0.99));
        check.handler_max_ns = ns(time.longest());
        check.handler_total_ns = ns(time.total());
        check.drain_total_ns = own_cpu().as_nanos() as u64;
        let aggregate = self.aggregate.memory_bytes() + self.aggregate.reading_bytes();
        check.memory_bytes = (Zone::memory_bytes() + tables + output + aggregate) as u64;
        check.window_ns = self.aggregate.window_ns();
        check.wall_sampled_ns = wall.sampled.as_nanos() as u64;
        check.wall_watched_ns = wall.watched.as_nanos() as u64;
        check.wall_signals = wall.asked;
        check
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        // Also when this thread panics: then the program goes on without samples.
        self.end_sampling();
        self.zone.close();
        if thread::panicking() {
            eprintln!("plop: the collector's thread panicked; sampling ends");
        }
    }
}

/// CPU time of the whole process.
fn process_cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_PROCESS_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}

/// CPU time of the calling thread.
fn own_cpu() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map(Duration::from).unwrap_or_default()
}
