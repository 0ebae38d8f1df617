//! Record batches as bytes: view, validate, iterate, compress, build; old message sets up and down.
