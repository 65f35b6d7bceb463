//! A sampling profiler to link into a live process.
