//! Group coordinators: classic groups, offsets and the records of `__consumer_offsets`.
