//! The runtime under every shard, and the only place that names glommio: executors, tasks, timers, sockets, the mesh, files.
