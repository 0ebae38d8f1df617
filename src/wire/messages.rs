//! The messages of the protocol, one module per API, generated from `schema/*.schema`.

include!(concat!(env!("OUT_DIR"), "/wire/messages.rs"));
include!(concat!(env!("OUT_DIR"), "/wire/api_table.rs"));

/// What a schema knows of its API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiInfo {
    /// The API key.
    pub key: i16,
    /// Kafka's name.
    pub name: &'static str,
    /// The first and the last version of the schema.
    pub versions: (i16, i16),
    /// From this version on requests and responses are flexible; `i16::MAX` if none is.
    pub flexible_from: i16,
}

/// The API of a key; none if no schema has it.
pub fn api_info(key: i16) -> Option<&'static ApiInfo> {
    let place = APIS.binary_search_by_key(&key, |api| api.key).ok()?;
    APIS.get(place)
}

/// Kafka's name for an API key.
pub fn api_name(key: i16) -> Option<&'static str> {
    api_info(key).map(|api| api.name)
}
