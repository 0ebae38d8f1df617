//! Listeners, connections, admission of memory, shutdown.
