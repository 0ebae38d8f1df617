//! A core and all it owns: executor, mesh, router.
