//! What a service that mounts the viewer lets its page do with the collector that runs in it.

/// Starts and stops the collector of a service, for the buttons of the page. The viewer itself never links the collector.
///
/// Whoever reaches the viewer can press them: put the service's own authentication before it.
pub trait Controls: Send + Sync + 'static {
    /// Whether the collector is sampling.
    fn is_running(&self) -> bool;

    /// Starts it, and gives one line that says so.
    ///
    /// # Errors
    /// When it can't be started: why, and what to do, in one line.
    fn start(&self) -> Result<String, String>;

    /// Stops it, and gives one line with what it found.
    ///
    /// # Errors
    /// When it can't be stopped: why, and what to do, in one line.
    fn stop(&self) -> Result<String, String>;
}
