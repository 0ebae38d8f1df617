//! One file per API key, one table of them all.
