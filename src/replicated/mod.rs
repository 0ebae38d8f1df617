//! State machines over a log: decide, append, apply, answer on commit.
