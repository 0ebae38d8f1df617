//! Bugs planted on purpose, so that the crash test can show that it finds them (tests/README.md). They exist only
//! in a build with the feature `planted-bugs`; there the environment variable `RINGWOOD_PLANTED_BUG` names the one to have.
//!
//! `ack-before-write`: a produce is answered before its bytes are on disk (the write comes some milliseconds later).
//! `drop-duplicate-window`: a start forgets the producers' last batches.
//! `forget-last-index-entry`: the last entry of an offset index is not written when its segment is closed.

/// Whether the bug of that name is planted: always false, and free, in an ordinary build.
#[cfg(not(feature = "planted-bugs"))]
#[must_use]
pub const fn is(_bug: &str) -> bool {
    false
}

/// Whether the bug of that name is planted in this process.
#[cfg(feature = "planted-bugs")]
#[must_use]
pub fn is(bug: &str) -> bool {
    std::env::var_os("RINGWOOD_PLANTED_BUG").is_some_and(|planted| planted == bug)
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_bug_without_being_asked() {
        assert!(!super::is("ack-before-write"));
    }
}
