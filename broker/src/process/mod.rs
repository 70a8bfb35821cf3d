//! What a process does around its work: file limits, signals, worker threads.
