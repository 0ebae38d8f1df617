//! Leader state over a log: offsets, append, fetch plans, waiting fetches.
